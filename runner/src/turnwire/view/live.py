"""A turn while it happens: its text, with ``-v`` every event, with ``-vv`` the bytes, both ways."""

from __future__ import annotations

import time
from typing import Final

from turnwire.view.screen import Screen
from turnwire.view.text import shorten, visible
from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.tap import FRAMES, Ending, WireTap
from turnwire_core.events import Attempt, Chunk, Frame, Turn
from turnwire_core.hookspecs import hookimpl
from turnwire_core.secrets import Secrets

_EVENT_WIDTH: Final = 100
"""Of an event's data, this much is shown: `-vv` and the run log have the whole."""

_RAW_LIMIT: Final = 16 * 1024
"""Of one piece of raw bytes, this much is shown."""


class Clock:
    """Offsets from the start of the current turn; before the first one, from the opening."""

    def __init__(self) -> None:
        self._start_ns = time.perf_counter_ns()

    def restart(self, at_ns: int | None = None) -> None:
        """Count from ``at_ns``, or from now."""
        self._start_ns = time.perf_counter_ns() if at_ns is None else at_ns

    def offset(self, at_ns: int) -> str:
        """``+   12.3 ms``."""
        return f"+{(at_ns - self._start_ns) / 1e6:>9.1f} ms"


class TextView:
    """An observer that streams the reply's text to stdout."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    @hookimpl
    def turnwire_chunk(self, connection: Connection, chunk: Chunk) -> None:
        if chunk.replaces:
            self._screen.end_line()
            self._screen.note("(what follows replaces the text so far)", dim=True)
        self._screen.text(connection.secrets.mask(chunk.text))

    @hookimpl
    def turnwire_turn_finished(self) -> None:
        self._screen.end_line()


class EventView:
    """An observer that shows each event of a turn on a line of its own.

    The line is held back until it is known whether the event made a chunk: until the next event,
    or the end of the turn.
    """

    def __init__(self, screen: Screen, clock: Clock) -> None:
        self._screen = screen
        self._clock = clock
        self._pending: str | None = None

    @hookimpl
    def turnwire_connection_opened(self, connection: Connection, at_ns: int) -> None:
        text = f"{self._clock.offset(at_ns)}  open     {connection.name}"
        self._screen.note(f"{visible(text)} ({connection.protocol})", dim=True)

    @hookimpl
    def turnwire_connection_closed(self, at_ns: int) -> None:
        self._screen.note(f"{self._clock.offset(at_ns)}  closed", dim=True)

    @hookimpl
    def turnwire_turn_started(self, turn: Turn, at_ns: int) -> None:
        self._clock.restart(at_ns)
        self._screen.note(f"{self._clock.offset(at_ns)}  turn     {turn.index}", dim=True)

    @hookimpl
    def turnwire_attempt_failed(self, connection: Connection, attempt: Attempt) -> None:
        reason = visible(connection.secrets.mask(attempt.error or "failed"))
        self._screen.note(f"attempt failed: {reason}; waited {attempt.waited_ms:.0f} ms", fg="red")

    @hookimpl
    def turnwire_frame(self, connection: Connection, frame: Frame) -> None:
        self._show("")
        name = "body" if frame.whole else frame.event or "event"
        data = connection.secrets.mask(_as_text(frame.data))
        safe = f"{visible(shorten(name, 30)):<8} {shorten(visible(data), _EVENT_WIDTH)}"
        self._pending = f"{self._clock.offset(frame.received_ns)}  {safe}"

    @hookimpl
    def turnwire_chunk(self, chunk: Chunk) -> None:
        what = "replaces the text" if chunk.replaces else f"{len(chunk.text)} characters"
        self._show(f"  → chunk {chunk.index}, {what}")

    @hookimpl
    def turnwire_turn_finished(self) -> None:
        self._show("")

    def _show(self, made: str) -> None:
        if self._pending is not None:
            self._screen.note(f"{self._pending}{made}", dim=not made)
            self._pending = None


class WireView(WireTap):
    """Shows raw bytes with their offset and direction: ``→`` we sent, ``←`` had arrived."""

    def __init__(self, screen: Screen, clock: Clock, secrets: Secrets) -> None:
        self._screen = screen
        self._clock = clock
        self._secrets = secrets

    def sent(self, at_ns: int, label: str, data: bytes) -> None:
        """Bytes that were handed to the transport."""
        if label != FRAMES:
            self._show("→", at_ns, label, data)

    def received(self, at_ns: int, label: str, data: bytes) -> None:
        """Bytes that had arrived."""
        if label != FRAMES:
            self._show("←", at_ns, label, data)

    def carried(self, at_ns: int, label: str, data: bytes, *, sent: bool) -> None:
        """What was in frames, which nobody can read."""
        self._show("→" if sent else "←", at_ns, label, data)

    def ended(self, at_ns: int, ending: Ending) -> None:
        """The target has hung up."""
        what = "end of the connection" if ending is Ending.CLOSED else "the connection broke"
        self._screen.note(f"{self._clock.offset(at_ns)}  ← {what}", fg="yellow")

    def _show(self, arrow: str, at_ns: int, label: str, data: bytes) -> None:
        colour = "cyan" if arrow == "→" else "yellow"
        head = f"{self._clock.offset(at_ns)}  {arrow} {visible(label)}, {len(data)} bytes"
        self._screen.note(head, fg=colour)
        # Masked before it is cut and before it is escaped: half a secret is not found any more.
        text = self._secrets.mask(_as_text(data))
        for line in text[:_RAW_LIMIT].split("\n"):
            self._screen.note(f"    {visible(line.removesuffix(chr(13)))}", dim=True)
        if len(text) > _RAW_LIMIT:
            self._screen.note(f"    … and {len(text) - _RAW_LIMIT} characters more", dim=True)


def _as_text(data: str | bytes) -> str:
    """Bytes as text; what is not UTF-8 as ``\\xff``."""
    return data if isinstance(data, str) else data.decode("utf-8", "backslashreplace")
