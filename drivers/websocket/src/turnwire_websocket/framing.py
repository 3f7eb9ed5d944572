"""Bytes in, whole messages out: the WebSocket data framing of RFC 6455 §5, without I/O.

wsproto parses and checks the frames: reserved bits and opcodes, masked frames of a server, lengths
that are not minimal, fragmented or oversized control frames, the order of fragments, and UTF-8,
which it refuses as soon as a fragment breaks it. Beyond that, here:

- A text message that is one frame and complete in one read, as nearly all are, never comes to
  wsproto: it is sliced from the buffer, in a twentieth of the time. Whatever is not exactly that
  goes the long way, and what is wrong with it is found there.
- A frame's length is looked at when it is announced. A message that would be too large, or that
  has too many fragments, is refused before a byte of its payload is kept.
- The body of a Close frame is read here (RFC 6455 §7.1.5, §7.4): wsproto's table of codes is older
  than 1014, which gateways send.
- What was wrong, and the code to close with because of it, is told apart from a Close of the peer.

No extension is offered, permessage-deflate least of all. Chat events are small, so there is little
to win; a compressed stream moves the arrival of text away from the arrival of bytes; and what never
inflates needs no bound on inflating.

The time for a stream is linear in its bytes, however it is cut into fragments and reads.
"""

from __future__ import annotations

from functools import cached_property
from io import StringIO
from typing import Final

import attrs
from wsproto.frame_protocol import CloseReason, FrameProtocol, Opcode, ParseFailed, XorMaskerSimple
from wsproto.frame_protocol import Frame as WireFrame

NO_STATUS: Final = 1005
"""A Close frame without a code (RFC 6455 §7.1.5)."""

_CONTROL: Final = 0x08
_OPCODE: Final = 0x0F
_LENGTH: Final = 0x7F
_KEY_BYTES: Final = 4
_LENGTH_BYTES: Final = {126: 2, 127: 8}

_WHOLE_TEXT: Final = 0x81
"""The first byte of a frame that is a whole text message: FIN, no reserved bit, opcode 1."""


@attrs.frozen
class TextMessage:
    """A whole text message. ``size`` is what it took on the wire, headers of frames included."""

    text: str
    size: int


@attrs.frozen
class BinaryMessage:
    """A whole binary message. ``size`` is what it took on the wire, headers of frames included."""

    data: bytes
    size: int


@attrs.frozen
class Ping:
    """The peer asks whether we are there; a pong with the same payload is due."""

    payload: bytes


@attrs.frozen
class Pong:
    """An answer to a ping of ours, or unasked for (RFC 6455 §5.5.3): nothing is due."""

    payload: bytes


@attrs.frozen
class Close:
    """The peer closes. Nothing comes after this. The reason is the peer's text, unchecked."""

    code: int
    reason: str


@attrs.frozen
class Violation:
    """The peer broke the rules. Nothing comes after this; ``code`` is what to close with."""

    code: int
    problem: str


Event = TextMessage | BinaryMessage | Ping | Pong | Close | Violation


class Framing:
    """The framing of one connection, seen from the client.

    ``max_message_bytes`` bounds the payload of a message, ``max_fragments`` its frames.
    """

    def __init__(self, *, max_message_bytes: int, max_fragments: int) -> None:
        self._max_message_bytes = max_message_bytes
        self._max_fragments = max_fragments
        self._over = False
        # The frame that is being read: its header, and how much of its payload is still to come.
        self._head = bytearray()
        self._opcode = 0
        self._left = 0
        self._close_body = bytearray()
        # The message that is being read.
        self._fragments = 0
        self._announced = 0
        self._size = 0
        self._text: StringIO | None = None  # made when a message is begun that is not a whole one
        self._binary = bytearray()

    @cached_property
    def _wsproto(self) -> FrameProtocol:
        """Made when it is first needed: it takes a kilobyte, and most sockets never need it."""
        return _wsproto()

    @property
    def inside_message(self) -> bool:
        """Whether a message has begun and not ended."""
        return self._fragments > 0 or bool(self._head and not self._head[0] & _CONTROL)

    def feed(self, data: bytes) -> list[Event]:
        """What ``data``, one read of the network, completes. After the end: nothing."""
        events: list[Event] = []
        position = 0
        try:
            while position < len(data) and not self._over:
                if self._left:
                    position = self._take_payload(data, position, events)
                    continue
                if not self._fragments and not self._head:
                    position = self._take_whole_texts(data, position, events)
                position = self._take_header(data, position, events)
        except ParseFailed as exc:
            self._over = True
            events.append(Violation(int(exc.code), str(exc)))
        return events

    def text(self, text: str) -> bytes:
        """A text message, as one frame.

        Raises:
            UnicodeEncodeError: it holds a lone surrogate, which is not text.
        """
        return bytes(_wsproto().send_data(text))

    def binary(self, data: bytes) -> bytes:
        """A binary message, as one frame."""
        return bytes(_wsproto().send_data(data))

    def ping(self, payload: bytes) -> bytes:
        return bytes(_wsproto().ping(payload))

    def pong(self, payload: bytes) -> bytes:
        return bytes(_wsproto().pong(payload))

    def close(self, code: int) -> bytes:
        """A Close frame; for :data:`NO_STATUS` one without a body."""
        return bytes(_wsproto().close(None if code == NO_STATUS else code))

    def _take_whole_texts(self, data: bytes, position: int, events: list[Event]) -> int:
        """Take the whole text messages at ``position``, up to whatever else there is.

        Only where no message is open and a frame begins.
        """
        end = len(data)
        while position + 1 < end and data[position] == _WHOLE_TEXT:
            length = data[position + 1]
            start = position + 2
            if length == 126:
                length = int.from_bytes(data[start : start + 2], "big")
                start += 2
                if length < 126:  # not minimal, or cut off
                    break
            elif length > 126:  # masked, or of 64 KiB and more: few, and slow for other reasons
                break
            stop = start + length
            if stop > end or length > self._max_message_bytes:
                break
            try:
                text = data[start:stop].decode()
            except UnicodeDecodeError:
                break
            events.append(TextMessage(text, stop - position))
            position = stop
        return position

    def _take_header(self, data: bytes, position: int, events: list[Event]) -> int:
        head = self._head
        while missing := _header_length(head) - len(head):
            piece = data[position : position + missing]
            if not piece:
                return position
            head += piece
            position += len(piece)
        opcode = head[0] & _OPCODE
        length = int.from_bytes(head[2:], "big") if len(head) > 2 else head[1] & _LENGTH
        frames = self._parse(head)
        if not opcode & _CONTROL:
            self._account(length, len(head))
        self._opcode = opcode
        self._left = length
        head.clear()
        for frame in frames:
            self._collect(frame, events)
        return position

    def _take_payload(self, data: bytes, position: int, events: list[Event]) -> int:
        piece = data[position : position + self._left]
        self._left -= len(piece)
        if self._opcode == Opcode.CLOSE:
            self._close_body += piece
            if not self._left:
                self._over = True
                events.append(_read_close(bytes(self._close_body)))
        else:
            for frame in self._parse(piece):
                self._collect(frame, events)
        return position + len(piece)

    def _parse(self, piece: bytes | bytearray) -> list[WireFrame]:
        self._wsproto.receive_bytes(bytes(piece))
        try:
            return list(self._wsproto.received_frames())
        except ParseFailed as exc:
            if exc.code is CloseReason.INVALID_FRAME_PAYLOAD_DATA:
                # wsproto's words depend on where the network cut the message.
                raise ParseFailed("a text message is not UTF-8", exc.code) from exc
            raise

    def _account(self, length: int, header_length: int) -> None:
        self._fragments += 1
        self._announced += length
        self._size += header_length + length
        if self._announced > self._max_message_bytes:
            raise ParseFailed(
                f"a message of at least {self._announced} bytes was announced, the bound is "
                f"{self._max_message_bytes}",
                CloseReason.MESSAGE_TOO_BIG,
            )
        if self._fragments > self._max_fragments:
            raise ParseFailed(
                f"a message came in more than {self._max_fragments} fragments",
                CloseReason.MESSAGE_TOO_BIG,
            )

    def _collect(self, frame: WireFrame, events: list[Event]) -> None:
        payload = frame.payload
        match frame.opcode:
            case Opcode.PING if isinstance(payload, bytes):
                events.append(Ping(payload))
            case Opcode.PONG if isinstance(payload, bytes):
                events.append(Pong(payload))
            case Opcode.CLOSE:
                # One without a body: those with a body end in _take_payload.
                self._over = True
                events.append(Close(NO_STATUS, ""))
            case Opcode.TEXT if isinstance(payload, str):
                text = self._text = self._text or StringIO()
                text.write(payload)
                if frame.message_finished:
                    events.append(TextMessage(text.getvalue(), self._size))
                    self._begin_message()
            case Opcode.BINARY if isinstance(payload, bytes):
                self._binary += payload
                if frame.message_finished:
                    events.append(BinaryMessage(bytes(self._binary), self._size))
                    self._begin_message()

    def _begin_message(self) -> None:
        self._fragments = self._announced = self._size = 0
        self._text = None
        self._binary = bytearray()


def _wsproto() -> FrameProtocol:
    return FrameProtocol(client=True, extensions=[])


def unmasked(frames: bytes) -> bytes:
    """Whole frames of a client as they are with the masking key 0 (RFC 6455 §5.3).

    The same length, and the same to a server; but they can be read, and searched for secrets.
    """
    shown = bytearray()
    position = 0
    while position < len(frames):
        head = 2 + _LENGTH_BYTES.get(frames[position + 1] & _LENGTH, 0)
        begin = position + head + _KEY_BYTES
        length = int.from_bytes(frames[position + 2 : position + head], "big")
        end = begin + (length if head > 2 else frames[position + 1] & _LENGTH)
        masker = XorMaskerSimple(frames[position + head : begin])
        shown += frames[position : position + head] + bytes(_KEY_BYTES)
        shown += masker.process(bytearray(frames[begin:end]))
        position = end
    return bytes(shown)


def _header_length(head: bytearray) -> int:
    if len(head) < 2:
        return 2
    return 2 + _LENGTH_BYTES.get(head[1] & _LENGTH, 0)


def _read_close(body: bytes) -> Close:
    if len(body) == 1:
        raise ParseFailed("a Close frame with half a code")
    code = int.from_bytes(body[:2], "big")
    if not _may_be_sent(code):
        raise ParseFailed(f"a Close frame with the code {code}, which must not be sent")
    try:
        return Close(code, body[2:].decode())
    except UnicodeDecodeError as exc:
        raise ParseFailed(
            "the reason in a Close frame is not UTF-8", CloseReason.INVALID_FRAME_PAYLOAD_DATA
        ) from exc


def _may_be_sent(code: int) -> bool:
    """RFC 6455 §7.4.1, §7.4.2, and the IANA registry of close codes."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999
