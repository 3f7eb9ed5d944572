"""What a probe finds out: one small value for each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import attrs


class StepName(StrEnum):
    """The steps, in the order in which they are taken."""

    CONFIG = "config"
    """The connection is read from its file, and its driver is there."""
    PROXY = "proxy"
    """Which proxy applies decides whose name is resolved."""
    NAME = "name_resolution"
    TCP = "tcp"
    TLS = "tls"
    ANSWER = "answer"
    """The status of the response, or the upgrade of a WebSocket."""
    CONTENT_TYPE = "content_type"
    FIRST_EVENT = "first_event"
    CONTENT = "content"
    FINISH = "finish"
    SECOND_TURN = "second_turn"
    """Another message in the same session."""
    CLOSE = "close"


class StepStatus(StrEnum):
    """How a step came out."""

    OK = "ok"
    WARN = "warn"
    """It works, and something about it should be looked at."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """There is nothing to look at, or a step before it failed."""


class Fault(StrEnum):
    """Whose a failure is."""

    CONFIG = "config"
    TARGET = "target"
    PLUGIN = "plugin"


@attrs.frozen
class Step:
    """One step. All texts are masked.

    ``time_ms`` is how long it took; of the answer, the first event, the content and the finish it
    is when that came, from the start of the turn. None: there was nothing to time. ``cause`` and
    ``fix`` are there where the step failed, or is to be looked at. ``facts`` are for programs.
    """

    name: StepName
    status: StepStatus
    found: str = ""
    time_ms: float | None = None
    cause: str | None = None
    fix: str | None = None
    fault: Fault | None = None
    facts: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen
class ProbeResult:
    """All steps. After one that failed, all others are skipped."""

    connection: str
    protocol: str | None
    origin: str | None
    steps: Sequence[Step]

    @property
    def failed(self) -> Step | None:
        """The step at which the way ends."""
        return next((step for step in self.steps if step.status is StepStatus.FAILED), None)
