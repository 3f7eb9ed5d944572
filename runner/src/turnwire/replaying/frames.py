"""Where the frames of a WebSocket begin and end (RFC 6455 §5.2). No rules are kept here."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import attrs

_FIN: Final = 0x80
_MASKED: Final = 0x80


class Opcode(IntEnum):
    """The opcodes that make a difference here."""

    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


@attrs.frozen
class Part:
    """Some bytes of one frame, as a range of those that were fed."""

    start: int
    end: int
    opcode: int
    ends_message: bool
    """They end a frame that is the last of its message."""
    payload: bytes = attrs.field(repr=False)
    """Of a control frame that ends here: what it carries."""


class FrameScanner:
    """Finds the parts of frames in one direction."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._key = b""
        self._left = 0
        self._opcode = 0
        self._fin = False
        self._payload = bytearray()

    def feed(self, data: bytes) -> Sequence[Part]:
        """The parts in ``data``, which together are all of it."""
        parts: list[Part] = []
        position = 0
        while position < len(data):
            start = position
            if not self._left:
                position = self._take_head(data, position)
                if self._head:
                    # A frame whose opcode is not known yet counts as its first byte says.
                    parts.append(self._part(start, position, ends=False))
                    break
            end = min(len(data), position + self._left)
            self._left -= end - position
            if self._opcode & 0x8:
                self._payload += data[position:end]
            parts.append(self._part(start, end, ends=not self._left))
            position = end
        return parts

    def _take_head(self, data: bytes, position: int) -> int:
        head = self._head
        while missing := _head_length(head) - len(head):
            piece = data[position : position + missing]
            if not piece:
                self._opcode = head[0] & 0xF
                return position
            head += piece
            position += len(piece)
        self._opcode, self._fin = head[0] & 0xF, bool(head[0] & _FIN)
        masked = 4 if head[1] & _MASKED else 0
        self._key = bytes(head[len(head) - masked :]) if masked else b""
        extended = head[2 : len(head) - masked]
        self._left = int.from_bytes(extended, "big") if extended else head[1] & 0x7F
        self._payload.clear()
        head.clear()
        return position

    def _part(self, start: int, end: int, *, ends: bool) -> Part:
        payload = b""
        if ends and self._opcode & 0x8:
            payload = bytes(self._payload)
            if self._key:
                key = self._key
                payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
        return Part(start, end, self._opcode, ends and self._fin, payload)


def server_frame(opcode: int, payload: bytes) -> bytes:
    """A control frame of a server: its payload is 125 bytes at most."""
    return bytes([_FIN | opcode, len(payload)]) + payload


def _head_length(head: bytearray) -> int:
    if len(head) < 2:
        return 2
    extended = {126: 2, 127: 8}.get(head[1] & 0x7F, 0)
    return 2 + extended + (4 if head[1] & _MASKED else 0)
