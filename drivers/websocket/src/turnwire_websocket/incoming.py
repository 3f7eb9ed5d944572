"""What a read of the socket brought: frames for the turn, pings to answer, or the end. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.driver import EndOfStream
from turnwire_core.contracts.tap import WireTap
from turnwire_core.errors import FrameTooLarge, InvalidFrame, ProtocolError, ReplyError
from turnwire_core.events import Frame
from turnwire_websocket.framing import (
    NO_STATUS,
    BinaryMessage,
    Close,
    Event,
    Framing,
    Ping,
    Pong,
    TextMessage,
    Violation,
)
from turnwire_websocket.options import WebSocketOptions

_NORMAL: Final = 1000
_GOING_AWAY: Final = 1001
_UNSUPPORTED_DATA: Final = 1003
_MESSAGE_TOO_BIG: Final = 1009
_CLEAN_CODES: Final = frozenset({_NORMAL, _GOING_AWAY, NO_STATUS})


class Incoming:
    """The reading side of one socket. ``about`` makes a sentence name the target."""

    def __init__(
        self,
        connection: Connection,
        options: WebSocketOptions,
        framing: Framing,
        about: Callable[[str], str],
    ) -> None:
        self.fate: Exception | None = None
        """Why there is nothing after what was read, once that is known."""
        self.farewell = _NORMAL
        """The code that our Close owes to that."""
        self.pings: list[bytes] = []
        """The payloads that are still to be answered. Whoever answers takes them away."""
        self._connection = connection
        self._options = options
        self._framing = framing
        self._about = about
        self._wanted = False
        self._stale = False

    def listen(self) -> None:
        """Messages belong to a turn from now on; one that has begun belongs to the past."""
        self._wanted = True
        self._stale = self._framing.inside_message

    def ignore(self) -> None:
        """Messages are dropped from now on."""
        self._wanted = False

    def take(self, data: bytes, received_ns: int, tap: WireTap | None) -> Sequence[Frame]:
        """The frames that one read completed."""
        frames: list[Frame] = []
        for event in self._framing.feed(data):
            if tap is not None and (shown := _shown(event)) is not None:
                tap.carried(received_ns, *shown, sent=False)
            match event:
                case TextMessage(text, size):
                    if self._is_wanted():
                        frames.append(Frame(received_ns, text, None, size))
                case BinaryMessage(payload, size):
                    if self._is_wanted() and self._options.binary != "ignore":
                        try:
                            text_or_bytes = self.decoded(payload)
                        except InvalidFrame as exc:
                            self._end(exc, _UNSUPPORTED_DATA)
                            break
                        frames.append(Frame(received_ns, text_or_bytes, raw=size))
                case Ping(payload):
                    self.pings.append(payload)
                case Pong():
                    pass
                case Close(code, reason):
                    self._end(self._closed(code, reason), code)
                case Violation(code, problem):
                    self._end(self._violated(code, problem), code)
        return frames

    def decoded(self, data: bytes) -> str | bytes:
        """What a turn is given of a binary message.

        Raises:
            InvalidFrame: the options say that there must be none, or that it must be text.
        """
        if self._options.binary == "error":
            message = "the target sent a binary message; 'binary' says to fail on those."
            raise InvalidFrame(self._about(message))
        try:
            return data.decode()
        except UnicodeDecodeError as exc:
            message = (
                "the target sent a binary message that is not UTF-8; 'binary' says to read it as "
                'text. "ignore" passes over binary messages.'
            )
            raise InvalidFrame(self._about(message)) from exc

    def _is_wanted(self) -> bool:
        """Whether the message that has just ended belongs to a turn."""
        stale, self._stale = self._stale, False
        return self._wanted and not stale

    def _end(self, fate: Exception, farewell: int) -> None:
        self.fate, self.farewell = fate, farewell
        self.pings.clear()  # nothing but our Close may follow

    def _closed(self, code: int, reason: str) -> Exception:
        if code in _CLEAN_CODES:
            return EndOfStream()
        said = f": {reason}" if reason else ", without a reason"
        return ReplyError(self._about(f"the target closed the WebSocket with {code}{said}"))

    def _violated(self, code: int, problem: str) -> ProtocolError:
        message = self._about(f"the target broke the WebSocket protocol ({code}): {problem}.")
        if code == _MESSAGE_TOO_BIG:
            limit = self._connection.limits.max_event_bytes
            message = self._about(
                f"{problem} ({code}). 'limits.maxEventBytes' and 'websocket.maxFragments' are the "
                "bounds on a message."
            )
            return FrameTooLarge(message, limit_bytes=limit)
        return InvalidFrame(message)


def _shown(event: Event) -> tuple[str, bytes] | None:
    """What the tap is told of an event: what it is, and its payload."""
    match event:
        case TextMessage(text):
            return "message", text.encode()
        case BinaryMessage(data):
            return "binary message", data
        case Ping(payload):
            return "ping", payload
        case Pong(payload):
            return "pong", payload
        case Close(code, reason):
            return "close", f"{code} {reason}".encode()
        case Violation():
            return None
