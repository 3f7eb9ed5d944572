"""JSON values, each on a line of its own: NDJSON, JSON Lines."""

from __future__ import annotations

from turnwire_core.events import Frame
from turnwire_sse.decoding.base import FrameDecoder


class JsonLinesDecoder(FrameDecoder):
    """JSON values, each on a line of its own (NDJSON, JSON Lines).

    A line ends with LF; a CR before it is white space, which JSON allows. Blank lines are skipped:
    some targets send them to keep the connection alive, or double the line ends. The last line
    needs no end if the body ended cleanly. Whether a line *is* JSON is for its reader to judge.
    """

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self._tail = bytearray()
        """The line that has not ended yet. A bytearray, because it grows in place."""

    @property
    def pending(self) -> int:
        return len(self._tail)

    def _decode(self, data: bytes, frames: list[Frame]) -> None:
        ended, newline, rest = data.rpartition(b"\n")
        if newline:
            lines = bytes(self._tail) + ended if self._tail else ended
            self._tail.clear()
            for line in lines.split(b"\n"):
                self._take_line(line, len(line) + 1, frames)
        if len(self._tail) + len(rest) > self._limit:
            raise self._too_large("A line of the reply")
        self._tail += rest

    def _end(self, frames: list[Frame]) -> None:
        self._take_line(bytes(self._tail), len(self._tail), frames)
        self._tail.clear()

    def _take_line(self, line: bytes, size: int, frames: list[Frame]) -> None:
        if len(line) > self._limit:
            raise self._too_large("A line of the reply")
        if text := line.strip(b" \t\r"):
            frames.append(Frame(self._received_ns, text.decode("utf-8", "replace"), None, size))
