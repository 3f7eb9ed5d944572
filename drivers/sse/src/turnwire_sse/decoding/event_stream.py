"""Server-Sent Events, parsed as WHATWG HTML §9.2.6 says, to the letter.

Where the standard reads characters, this reads bytes, and decodes only the values of fields. That
is the same: line ends, colon and space are ASCII, and no ASCII byte is part of a longer UTF-8
sequence, nor swallowed by the replacement of a broken one.
"""

from __future__ import annotations

import re

from turnwire_core.events import Frame
from turnwire_sse.decoding.base import FrameDecoder

_LINE = re.compile(rb"([^\r\n]*)(?:\r\n|\r|\n)")

_LF = ord("\n")
"""As a number: looking for bytes in bytes costs five times as much."""

_LONGEST_RETRY = 18
"""Digits; more are 30 million years, and ``int`` is quadratic in their number."""


class EventStreamDecoder(FrameDecoder):
    """The events of a stream.

    A frame's ``event`` is the name that the stream gave it, or None (which the standard calls
    ``message``); its ``raw`` size is that of all lines since the event before, comments too.

    ``limit_bytes`` bounds each line, and the data of an event. A line is looked at when it ends,
    also where that is a CR that a LF may follow; a LF that arrives only in the next read is known
    to belong to it.

    There are two lanes. Nearly all streams consist of events of one ``data:`` line, perhaps below
    an ``event:`` line, with the same line end throughout: these are cut out whole. Everything else
    goes line by line. The lanes agree on every input; only their speed differs.
    """

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self.last_event_id = ""
        """The last event ID string of the stream, as each blank line sets it."""
        self.retry_ms: int | None = None
        """The reconnection time that the stream asked for last."""
        self._tail = bytearray()
        """The line that has not ended yet. A bytearray, because it grows in place."""
        self._after_cr = False
        """The last byte was a CR: a LF that follows is the second half of that line end."""
        self._size = 0
        """Bytes of the lines since the last blank one. 0: between two events."""
        # The three buffers of the standard.
        self._data = bytearray()
        self._name = b""
        self._id = b""

    @property
    def pending(self) -> int:
        """Bytes since the last blank line. At the end of the stream they are to be discarded."""
        return self._size + len(self._tail)

    def _decode(self, data: bytes, frames: list[Frame]) -> None:
        if self._after_cr:
            data = data.removeprefix(b"\n")
            self._after_cr = False
        if (
            data.endswith(b"\n\n")
            and b"\r" not in data
            and not self._tail
            and len(data) <= self._limit
        ):
            # A read ends where an event does, as a rule: nothing to look for, nothing to keep.
            self._take_events(data, b"\n", frames)
            return
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        if end:
            self._after_cr = data.endswith(b"\r")
            lines = bytes(self._tail) + data[:end] if self._tail else data[:end]
            self._tail.clear()
            newline = _line_end(lines)
            # Where all lines together are within the bound, each of them is.
            if newline and len(lines) <= self._limit:
                self._take_events(lines, newline, frames)
            else:
                for match in _LINE.finditer(lines):
                    self._take_line(match[1], len(match[0]), frames)
            data = data[end:]
        if len(self._tail) + len(data) > self._limit:
            raise self._too_large("A line of the event stream")
        self._tail += data

    def _end(self, frames: list[Frame]) -> None:
        """Nothing: an event without its blank line is discarded."""

    def _take_events(self, lines: bytes, newline: bytes, frames: list[Frame]) -> None:
        """The fast lane. Every line of ``lines`` ends with ``newline``."""
        received_ns = self._received_ns
        width = len(newline)
        *blocks, rest = lines.split(newline + newline)
        for block in blocks:
            name, field = None, block
            if block.startswith(b"event: "):
                head, _, field = block.partition(newline)
                name = head[7:].decode("utf-8", "replace") or None
            if field.startswith(b"data: ") and _LF not in field and not self._size:
                data = field[6:].decode("utf-8", "replace")
                frames.append(Frame(received_ns, data, name, len(block) + width + width))
            else:
                for line in block.split(newline):
                    self._take_line(line, len(line) + width, frames)
                self._take_line(b"", width, frames)
        if rest:
            for line in rest.split(newline)[:-1]:
                self._take_line(line, len(line) + width, frames)

    def _take_line(self, line: bytes, size: int, frames: list[Frame]) -> None:
        """The other lane: any line, with ``size`` bytes including its end."""
        self._size += size
        if not line:
            self._dispatch(frames)
            return
        if len(line) > self._limit:
            raise self._too_large("A line of the event stream")
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match field:
            case b"data":
                # The line ends in the data count, the one after its last line does not.
                if len(self._data) + len(value) > self._limit:
                    raise self._too_large("The data of an event")
                self._data += value
                self._data += b"\n"
            case b"event":
                self._name = value
            case b"id" if b"\0" not in value:
                self._id = value
            case b"retry" if value.isdigit() and len(value) <= _LONGEST_RETRY:
                self.retry_ms = int(value)
            case _:
                # A comment (nothing before the colon), or a field that nobody knows.
                pass

    def _dispatch(self, frames: list[Frame]) -> None:
        """A blank line. It makes an event of the block above, if that had a ``data`` line."""
        self.last_event_id = self._id.decode("utf-8", "replace")
        if self._data:
            data = self._data[:-1].decode("utf-8", "replace")
            name = self._name.decode("utf-8", "replace") or None
            frames.append(Frame(self._received_ns, data, name, self._size))
            self._data.clear()
        self._name = b""
        self._size = 0


def _line_end(lines: bytes) -> bytes | None:
    """What ends every line of ``lines``, or None: a mixture, or a lone CR."""
    if b"\r" not in lines:
        return b"\n"
    pairs = lines.count(b"\r\n")
    return b"\r\n" if pairs == lines.count(b"\r") == lines.count(b"\n") else None
