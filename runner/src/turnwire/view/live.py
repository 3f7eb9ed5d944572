"""A turn while it happens: its text, with ``-v`` every event, with ``-vv`` the bytes, both ways."""

from __future__ import annotations

import codecs
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

import attrs

from turnwire.view.chunks import MaskedChunks, Shown
from turnwire.view.screen import Screen
from turnwire.view.text import shorten, visible
from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.tap import FRAMES, Ending, WireTap
from turnwire_core.events import Attempt, Chunk, Frame, Turn
from turnwire_core.hookspecs import hookimpl
from turnwire_core.secrets import MASK, MaskedPieces, Secrets

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
        self._chunks = MaskedChunks(Secrets())

    @hookimpl
    def turnwire_turn_started(self, connection: Connection) -> None:
        self._chunks = MaskedChunks(connection.secrets)

    @hookimpl
    def turnwire_chunk(self, chunk: Chunk) -> None:
        self._show(self._chunks.take(chunk))

    @hookimpl
    def turnwire_turn_finished(self) -> None:
        self._show(self._chunks.end())
        self._screen.end_line()

    def _show(self, chunks: Shown) -> None:
        for chunk, text in chunks:
            if chunk.replaces:
                self._screen.end_line()
                self._screen.note("(what follows replaces the text so far)", dim=True)
            self._screen.text(text)


@attrs.define(eq=False)
class _Line:
    """An event's line; ``made`` is None until it is known what is to be said of its chunk."""

    head: str
    data: str
    has_chunk: bool = False
    made: str | None = None


class EventView:
    """An observer that shows each event of a turn on a line of its own.

    The line is held back until it is known whether the event made a chunk: until the next event,
    or the end of the turn. And, as the chunk is, until it is known whether its text is a part of a
    secret: if it is, the line does not show what the event held.
    """

    def __init__(self, screen: Screen, clock: Clock) -> None:
        self._screen = screen
        self._clock = clock
        self._lines: deque[_Line] = deque()
        self._secrets = Secrets()
        self._pieces: MaskedPieces[tuple[_Line, Chunk]] = MaskedPieces(self._secrets)

    @hookimpl
    def turnwire_connection_opened(self, connection: Connection, at_ns: int) -> None:
        text = f"{self._clock.offset(at_ns)}  open     {connection.name}"
        self._screen.note(f"{visible(text)} ({connection.protocol})", dim=True)

    @hookimpl
    def turnwire_connection_closed(self, at_ns: int) -> None:
        self._screen.note(f"{self._clock.offset(at_ns)}  closed", dim=True)

    @hookimpl
    def turnwire_turn_started(self, connection: Connection, turn: Turn, at_ns: int) -> None:
        self._secrets = connection.secrets
        self._pieces = MaskedPieces(self._secrets)
        self._clock.restart(at_ns)
        self._screen.note(f"{self._clock.offset(at_ns)}  turn     {turn.index}", dim=True)

    @hookimpl
    def turnwire_attempt_failed(self, connection: Connection, attempt: Attempt) -> None:
        reason = visible(connection.secrets.mask(attempt.error or "failed"))
        self._screen.note(f"attempt failed: {reason}; waited {attempt.waited_ms:.0f} ms", fg="red")

    @hookimpl
    def turnwire_frame(self, frame: Frame) -> None:
        self._settle()
        name = "body" if frame.whole else self._secrets.mask(frame.event or "event")
        head = f"{self._clock.offset(frame.received_ns)}  {visible(shorten(name, 30)):<8}"
        data = self._secrets.mask(_as_text(frame.data))
        self._lines.append(_Line(head, shorten(visible(data), _EVENT_WIDTH)))

    @hookimpl
    def turnwire_chunk(self, chunk: Chunk) -> None:
        if chunk.replaces:
            self._made(self._pieces.end())
        if self._lines:
            line = self._lines[-1]
            line.has_chunk = True
            self._made(self._pieces.feed((line, chunk), chunk.text))
        self._show()

    @hookimpl
    def turnwire_turn_finished(self) -> None:
        self._made(self._pieces.end())
        self._settle()

    def _made(self, pieces: Sequence[tuple[tuple[_Line, Chunk], str]]) -> None:
        for (line, chunk), text in pieces:
            what = "replaces the text" if chunk.replaces else f"{len(chunk.text)} characters"
            line.made = f"  → chunk {chunk.index}, {what}"
            if text != self._secrets.mask(chunk.text):
                line.data = MASK

    def _settle(self) -> None:
        """By now it is known whether the last event made a chunk."""
        if self._lines and not self._lines[-1].has_chunk:
            self._lines[-1].made = ""
        self._show()

    def _show(self) -> None:
        while self._lines and (made := self._lines[0].made) is not None:
            line = self._lines.popleft()
            self._screen.note(f"{line.head} {line.data}{made}", dim=not made)


@attrs.frozen
class _Read:
    """Some bytes that went over the wire: what is said of them, and how."""

    head: str
    colour: str


class _Direction:
    """The bytes of one direction as text: characters and secrets may be cut anywhere."""

    def __init__(self, secrets: Secrets) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._pieces: MaskedPieces[_Read] = MaskedPieces(secrets)

    def feed(self, read: _Read, data: bytes) -> Sequence[tuple[_Read, str]]:
        return self._pieces.feed(read, self._decoder.decode(data))

    def end(self) -> Sequence[tuple[_Read, str]]:
        self._decoder.reset()
        return self._pieces.end()


class WireView(WireTap):
    """Shows raw bytes with their offset and direction: ``→`` we sent, ``←`` had arrived.

    Bytes that end as a secret begins are shown when it is known what follows them, or at the next
    :meth:`flush`.
    """

    def __init__(self, screen: Screen, clock: Clock, secrets: Secrets) -> None:
        self._screen = screen
        self._clock = clock
        self._ways = {arrow: _Direction(secrets) for arrow in "→←"}

    def sent(self, at_ns: int, label: str, data: bytes) -> None:
        """Bytes that were handed to the transport."""
        if label != FRAMES:
            self._take("→", at_ns, label, data)

    def received(self, at_ns: int, label: str, data: bytes) -> None:
        """Bytes that had arrived."""
        if label != FRAMES:
            self._take("←", at_ns, label, data)

    def carried(self, at_ns: int, label: str, data: bytes, *, sent: bool) -> None:
        """What was in frames, which nobody can read."""
        self._take("→" if sent else "←", at_ns, label, data)

    def ended(self, at_ns: int, ending: Ending) -> None:
        """The target has hung up."""
        self._show(self._ways["←"].end())
        what = "end of the connection" if ending is Ending.CLOSED else "the connection broke"
        self._screen.note(f"{self._clock.offset(at_ns)}  ← {what}", fg="yellow")

    @hookimpl
    def turnwire_turn_finished(self) -> None:
        self.flush()

    @hookimpl
    def turnwire_connection_closed(self) -> None:
        self.flush()

    def flush(self) -> None:
        """Show what was held back: nothing follows it for now."""
        for way in self._ways.values():
            self._show(way.end())

    def _take(self, arrow: str, at_ns: int, label: str, data: bytes) -> None:
        head = f"{self._clock.offset(at_ns)}  {arrow} {visible(label)}, {len(data)} bytes"
        read = _Read(head, "cyan" if arrow == "→" else "yellow")
        self._show(self._ways[arrow].feed(read, data))

    def _show(self, reads: Sequence[tuple[_Read, str]]) -> None:
        # Masked before it is cut and before it is escaped: half a secret is not found any more.
        for read, text in reads:
            self._screen.note(read.head, fg=read.colour)
            for line in text[:_RAW_LIMIT].split("\n"):
                self._screen.note(f"    {visible(line.removesuffix(chr(13)))}", dim=True)
            if len(text) > _RAW_LIMIT:
                self._screen.note(f"    … and {len(text) - _RAW_LIMIT} characters more", dim=True)


def _as_text(data: str | bytes) -> str:
    """Bytes as text; what is not UTF-8 as ``\\xff``."""
    return data if isinstance(data, str) else data.decode("utf-8", "backslashreplace")
