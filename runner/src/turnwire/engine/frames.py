"""The events of a reply, kept for checks that look at them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any, overload

from turnwire.checks.contract import TurnEvent
from turnwire_core import Frame, hookimpl


class FrameCollector:
    """An observer that keeps the frames of the turn that goes on."""

    def __init__(self) -> None:
        self._frames: list[Frame] = []
        self._start_ns = 0

    @hookimpl
    def turnwire_turn_started(self, at_ns: int) -> None:
        self._frames = []
        self._start_ns = at_ns

    @hookimpl
    def turnwire_frame(self, frame: Frame) -> None:
        self._frames.append(frame)

    def events(self) -> Sequence[TurnEvent]:
        """Those of the turn so far."""
        return _Events(self._frames, self._start_ns)


class _Events(Sequence[TurnEvent]):
    """Parsed when somebody looks: most replies are never asked for theirs."""

    def __init__(self, frames: Sequence[Frame], start_ns: int) -> None:
        self._frames = frames
        self._start_ns = start_ns

    @cached_property
    def _parsed(self) -> tuple[TurnEvent, ...]:
        return tuple(_event(frame, self._start_ns) for frame in self._frames)

    @overload
    def __getitem__(self, index: int) -> TurnEvent: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[TurnEvent]: ...

    def __getitem__(self, index: int | slice) -> TurnEvent | Sequence[TurnEvent]:
        return self._parsed[index]

    def __len__(self) -> int:
        return len(self._frames)


def _event(frame: Frame, start_ns: int) -> TurnEvent:
    data = _json(frame.data)
    return TurnEvent(
        name=frame.event or _named(data) or "message",
        offset_ms=(frame.received_ns - start_ns) / 1e6,
        data=data,
    )


def _json(data: str | bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _named(data: Any) -> str | None:
    if not isinstance(data, dict):
        return None
    names = (data.get(key) for key in ("type", "event"))
    return next((name for name in names if isinstance(name, str) and name), None)
