"""Where in a stream of bytes the payload is: without the sizes of chunks and the heads of frames.

What was said in one go may lie on both sides of such a head, a secret too. So recordings are
searched for secrets as they read without them. Bytes in, ranges out: nothing here awaits, and
whatever makes no sense is taken for payload.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from turnwire_core.contracts.tap import FRAMES

Range = tuple[int, int]

_HEAD_BYTES: Final = 256 * 1024
_HTTP: Final = b"HTTP/1."
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})")
_FIELD = re.compile(rb"\n([!-9;-~]+):[ \t]*([^\r\n]*)")
_BLANK = re.compile(rb"\n\r?\n")
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")
_SIZE_LINE_BYTES: Final = 4096


class PayloadFinder:
    """Finds the payload in one direction of one transport.

    It knows the bodies of HTTP/1.1 responses (RFC 9112 §7.1) and the frames of a WebSocket
    (RFC 6455 §5.2), after a response that says 101 or in bytes labelled ``frames``.
    """

    def __init__(self) -> None:
        self._head = bytearray()
        """What is known so far of a head, of a size or of a frame's header."""
        self._left = 0
        self._ranges: list[Range] = []
        self._step: Callable[[bytes, int], int] = self._response_head

    def feed(self, data: bytes, label: str = "") -> Sequence[Range]:
        """The payload in ``data``, as ranges of it."""
        if label == FRAMES and self._step == self._response_head:
            self._step = self._frame_head
        self._ranges = []
        position = 0
        while position < len(data):
            position = self._step(data, position)
        return self._ranges

    @property
    def is_between(self) -> bool:
        """Whether a response has ended, as it said it would, and no other has begun."""
        return self._step == self._response_head and not self._head

    def _anything(self, data: bytes, position: int) -> int:
        self._ranges.append((position, len(data)))
        return len(data)

    def _response_head(self, data: bytes, position: int) -> int:
        """A head, all of which is payload; or anything else, if it is none."""
        head, known = self._head, len(self._head)
        head += data[position:]
        start = bytes(head[: len(_HTTP)])
        if not (start.startswith(_HTTP) or _HTTP.startswith(start)) or len(head) > _HEAD_BYTES:
            self._step = self._anything
            return position
        blank = _BLANK.search(head, max(0, known - 2))
        if blank is None:
            self._ranges.append((position, len(data)))
            return len(data)
        end = position + blank.end() - known
        self._ranges.append((position, end))
        self._read_head(bytes(head[: blank.end()]))
        head.clear()
        return end

    def _read_head(self, head: bytes) -> None:
        match = _STATUS.match(head)
        status = int(match[1]) if match else 0
        fields = {name.lower(): value.lower() for name, value in _FIELD.findall(head)}
        length = fields.get(b"content-length", b"")
        if status == 101:
            upgraded = fields.get(b"upgrade") == b"websocket"
            self._step = self._frame_head if upgraded else self._anything
        elif 100 <= status < 200 or status in (204, 304):
            pass  # another head follows
        elif b"chunked" in fields.get(b"transfer-encoding", b""):
            self._step = self._chunk_size
        elif length.isdigit() and len(length) < 16:
            self._left = int(length)
            self._step = self._body if self._left else self._response_head
        else:
            self._step = self._anything

    def _body(self, data: bytes, position: int) -> int:
        position = self._payload(data, position)
        if not self._left:
            self._step = self._response_head
        return position

    def _chunk_size(self, data: bytes, position: int) -> int:
        found = data.find(b"\n", position)
        end = found + 1 if found >= 0 else len(data)
        self._head += data[position:end]
        if found < 0 and len(self._head) < _SIZE_LINE_BYTES:
            return end
        size = _CHUNK_SIZE.match(bytes(self._head))
        self._head.clear()
        if size is None:
            self._step = self._anything
            return position
        self._left = int(size[0], 16)
        self._step = self._chunk if self._left else self._trailers
        return end

    def _chunk(self, data: bytes, position: int) -> int:
        position = self._payload(data, position)
        if not self._left:
            self._step = self._behind_chunk
        return position

    def _behind_chunk(self, data: bytes, position: int) -> int:
        found = data.find(b"\n", position, position + 2)
        if found < 0:
            return len(data) if data[position:] == b"\r" else self._lost(position)
        self._step = self._chunk_size
        return found + 1

    def _trailers(self, data: bytes, position: int) -> int:
        """Lines up to an empty one."""
        found = data.find(b"\n", position)
        end = found + 1 if found >= 0 else len(data)
        self._head += data[position:end]
        self._ranges.append((position, end))
        if found >= 0:
            if not self._head.strip(b"\r\n"):
                self._step = self._response_head
            self._head.clear()
        return end

    def _frame_head(self, data: bytes, position: int) -> int:
        head = self._head
        while missing := _frame_head_length(head) - len(head):
            piece = data[position : position + missing]
            if not piece:
                return position
            head += piece
            position += len(piece)
        masked = 4 if head[1] & 0x80 else 0
        extended = head[2 : len(head) - masked]
        self._left = int.from_bytes(extended, "big") if extended else head[1] & 0x7F
        head.clear()
        if self._left:
            self._step = self._frame
        return position

    def _frame(self, data: bytes, position: int) -> int:
        position = self._payload(data, position)
        if not self._left:
            self._step = self._frame_head
        return position

    def _payload(self, data: bytes, position: int) -> int:
        end = min(len(data), position + self._left)
        self._left -= end - position
        self._ranges.append((position, end))
        return end

    def _lost(self, position: int) -> int:
        self._step = self._anything
        return position


def _frame_head_length(head: bytearray) -> int:
    if len(head) < 2:
        return 2
    extended = {126: 2, 127: 8}.get(head[1] & 0x7F, 0)
    return 2 + extended + (4 if head[1] & 0x80 else 0)
