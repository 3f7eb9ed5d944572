"""One open WebSocket: the task that reads it, its keepalive and its end.

A channel lives in a task of its own, from the upgrade to the end of TCP, so whatever its transport
holds open is entered and left in one place. The session and its turns only talk to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final

import anyio
from anyio.abc import TaskStatus
from anyio.lowlevel import checkpoint

from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.driver import EndOfStream
from turnwire_core.errors import (
    DriverError,
    FrameTooLarge,
    InvalidFrame,
    Phase,
    ProtocolError,
    ReplyError,
    StreamBrokenError,
)
from turnwire_core.events import Frame, Turn
from turnwire_core.http import HttpClient, TokenStore, UpgradedStream, excerpt_of
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
from turnwire_websocket.handshake import Offer
from turnwire_websocket.inbox import Inbox
from turnwire_websocket.keepalive import Keepalive, TargetLost
from turnwire_websocket.moment import Moment
from turnwire_websocket.options import WebSocketOptions
from turnwire_websocket.outlet import Outlet

_NORMAL: Final = 1000
_GOING_AWAY: Final = 1001
_UNSUPPORTED_DATA: Final = 1003
_MESSAGE_TOO_BIG: Final = 1009
_CLEAN_CODES: Final = frozenset({_NORMAL, _GOING_AWAY, NO_STATUS})

_ANSWERING_STEPS: Final = 5
"""How often the event loop comes round before our Close, so that whoever waits for a message that
came in the same read with the end can still answer it."""

_MOST_WAITING_BYTES: Final = 256 * 1024
"""How much may wait for whoever takes the turn's reply, before the socket is no longer read."""

_WHY_SECONDS: Final = 1.0
"""How long to wait, when a write fails, for the read that tells why."""


class Channel:
    """A WebSocket: open once :meth:`run` has reported it started."""

    def __init__(
        self,
        connection: Connection,
        options: WebSocketOptions,
        turn: Turn,
        tokens: TokenStore | None = None,
    ) -> None:
        """``turn`` is the first that the socket will serve; its headers go with the upgrade."""
        self._tokens = tokens
        self._connection = connection
        self._turn = turn
        self._options = options
        self._framing = Framing(
            max_message_bytes=connection.limits.max_event_bytes,
            max_fragments=options.max_fragments,
        )
        self._stream: UpgradedStream
        self._started = False
        self._inbox: Inbox | None = None
        self._stale = False
        self._fate: Exception | None = None
        self._over = Moment()
        self._done = Moment()
        self._living = anyio.CancelScope()
        # What to close with, None if there is nobody left to tell, and whether to wait for it.
        self._farewell: int | None = None
        self._patient = True
        self._outlet: Outlet
        self._keepalive: Keepalive
        self._pings: list[bytes] = []

    @property
    def over(self) -> bool:
        """Whether the socket can take no further turn."""
        return self._fate is not None or self._living.cancel_called

    @property
    def closed(self) -> bool:
        """Whether there is no TCP connection, any more or at all."""
        return self._done.passed or not self._started

    async def run(self, *, task_status: TaskStatus[None]) -> None:
        """The whole life of the socket; started when the handshake is done.

        Raises:
            DriverError: there is no such socket to be had. Never after it was started.
        """
        offer = Offer(self._options.protocols)
        try:
            # A client for each socket, because one may still be parting while the next opens.
            async with (
                HttpClient(self._connection, tokens=self._tokens) as client,
                client.upgrade(self._turn, headers=offer.headers()) as self._stream,
            ):
                self._check(offer)
                self._outlet = Outlet(self._stream, self._about)
                self._started = True
                task_status.started()
                await self._live()
                await self._part()
        except Exception as exc:
            if not self._started:
                raise
            # The transport did not like to be closed, or something in here is broken. Whoever
            # takes this turn's frames, if anybody still does, is the one to know.
            self._end(exc.exceptions[0] if isinstance(exc, ExceptionGroup) else exc)
        finally:
            self._done.pass_()

    # -- turns ---------------------------------------------------------------------------------

    def listen(self) -> Inbox:
        """Collect what arrives from now on, in place of what was collected so far.

        A message that has begun by now belongs to the past; its end is dropped.
        """
        self.ignore()
        self._inbox = Inbox(min(self._connection.limits.max_event_bytes, _MOST_WAITING_BYTES))
        self._stale = self._framing.inside_message
        if self._fate is not None:
            self._inbox.end(self._fate)
        return self._inbox

    def ignore(self) -> None:
        """Drop what arrives from now on. The socket is still read, and pings are answered."""
        if self._inbox is not None:
            self._inbox.close()
            self._inbox = None

    async def send(self, content: str | bytes) -> None:
        """Send a message: text, or binary if it is bytes.

        Raises:
            InvalidFrame: the text cannot be sent.
            DriverError: the socket is gone, for the reason that the target gave or that we found.
        """
        framing = self._framing
        try:
            data = framing.text(content) if isinstance(content, str) else framing.binary(content)
        except UnicodeEncodeError as exc:
            message = "the message holds half of a surrogate pair, which is no text to be sent."
            raise InvalidFrame(self._about(message), phase=Phase.SEND) from exc
        try:
            await self._outlet.send(data, "message", content)
        except StreamBrokenError as exc:
            # The reader of the socket is about to find out more than a failed write can tell.
            with anyio.move_on_after(_WHY_SECONDS):
                await self._over.wait()
            match self._fate:
                case DriverError() as fate:
                    raise fate from exc
                case EndOfStream():
                    message = "the target closed the WebSocket before the message was sent."
                    raise StreamBrokenError(self._about(message), phase=Phase.SEND) from exc
            raise

    # -- the end -------------------------------------------------------------------------------

    def close(self) -> None:
        """Begin the closing handshake (RFC 6455 §7.1.2). :meth:`wait_closed` waits for its end."""
        self._leave(_NORMAL, patient=True)

    def drop(self) -> None:
        """Tell the target that we go, if that can be done at once, and go."""
        self._leave(_GOING_AWAY, patient=False)

    async def wait_closed(self) -> None:
        """Wait until TCP is closed: ``limits.close_ms`` at most after ``close`` or ``drop``."""
        if not self.closed:
            await self._done.wait()

    def _leave(self, code: int, *, patient: bool) -> None:
        if self._fate is None:
            self._farewell = code
            self._patient = patient
        self._living.cancel()

    def _end(self, fate: Exception, *, farewell: int | None = None) -> None:
        """Nothing more will be read, and ``fate`` is why."""
        if self._fate is None and not self._living.cancel_called:
            self._fate = fate
            self._farewell = farewell
            if self._inbox is not None:
                self._inbox.end(fate)
            self._over.pass_()

    # -- in the task of the socket -------------------------------------------------------------

    def _check(self, offer: Offer) -> None:
        if problem := offer.problem(self._stream.headers):
            message = f"the WebSocket handshake failed: {problem}."
            raise ProtocolError(self._about(message), phase=Phase.CONNECT)

    async def _live(self) -> None:
        """Read, and keep alive, until there is an end."""
        interval_ms = self._options.ping_interval_ms
        self._keepalive = Keepalive(
            None if interval_ms is None else interval_ms / 1000,
            self._options.ping_timeout_ms / 1000,
            now=anyio.current_time(),
        )
        with self._living:
            try:
                while self._fate is None:
                    # One scope for all that is read until something is to be sent. A scope for
                    # each read would cost a good part of what the read does.
                    with anyio.CancelScope(deadline=self._keepalive.due):
                        await self._read()
                    await self._ask_and_answer()
            except EndOfStream:
                message = "the target dropped the connection without closing the WebSocket (1006)."
                self._end(StreamBrokenError(self._about(message)))
            except DriverError as exc:
                self._end(exc)
            except TargetLost as exc:
                waited = f"{self._options.ping_timeout_ms:g} ms ('websocket.pingTimeoutMs')"
                message = f"the target seems to be gone: for {waited} {exc}."
                self._end(StreamBrokenError(self._about(message)))

    async def _part(self) -> None:
        """Say good-bye and read on until the target has hung up, within ``limits.close_ms``.

        Who hangs up first with something unread makes the system reset the connection, and the
        target may never see what it was told last. Its own Close comes before its end of TCP.
        """
        if self._farewell is None:
            return
        with anyio.move_on_after(self._connection.limits.close_ms / 1000):
            try:
                for _ in range(_ANSWERING_STEPS):
                    await checkpoint()
                await self._outlet.send(
                    self._framing.close(self._farewell), "close", str(self._farewell)
                )
                while self._patient:
                    await self._stream.receive()
            except (EndOfStream, DriverError):
                return

    async def _read(self) -> None:
        """Read until there are pings to answer, or the end. Cancelled, nothing is lost."""
        while self._fate is None and not self._pings:
            while self._inbox is not None and self._inbox.full:
                await self._inbox.room()
            self._keepalive.listening()
            data, received_ns = await self._stream.receive()
            self._keepalive.arrived(received_ns)
            self._pings = self._handle(self._framing.feed(data), received_ns)

    async def _ask_and_answer(self) -> None:
        if self._pings:
            pings, self._pings = self._pings, []
            pongs = b"".join(map(self._framing.pong, pings))
            await self._send_control(pongs, "pong", b" ".join(pings))
        unsent = self._outlet.owes("ping")
        if (ping := self._keepalive.look(anyio.current_time(), unsent=unsent)) is not None:
            await self._send_control(self._framing.ping(ping), "ping", ping)

    async def _send_control(self, data: bytes, label: str, payload: bytes) -> None:
        watched = self._options.ping_interval_ms is not None
        patience = self._options.ping_timeout_ms / 1000 if watched else inf
        with anyio.move_on_after(patience) as scope:
            await self._outlet.send_control(data, label, payload)
        if scope.cancelled_caught:
            raise TargetLost("it takes no more from us")

    def _handle(self, events: Sequence[Event], received_ns: int) -> list[bytes]:
        """Pass the frames on, and see to it that an end is an end. The pings are to be answered."""
        frames: list[Frame] = []
        pings: list[bytes] = []
        end: Exception | None = None
        farewell = _NORMAL
        tap = self._stream.tap
        for event in events:
            if tap is not None and (shown := _shown(event)) is not None:
                tap.carried(received_ns, *shown, sent=False)
            match event:
                case TextMessage(text, size):
                    if self._is_wanted():
                        frames.append(Frame(received_ns, text, None, size))
                case BinaryMessage(data, size):
                    if self._is_wanted() and self._options.binary != "ignore":
                        try:
                            frames.append(Frame(received_ns, self._decoded(data), raw=size))
                        except InvalidFrame as exc:
                            end, farewell = exc, _UNSUPPORTED_DATA
                            break
                case Ping(payload):
                    pings.append(payload)
                case Pong():
                    pass
                case Close(code, reason):
                    end, farewell = self._closed(code, reason), code
                case Violation(code, problem):
                    end, farewell = self._violated(code, problem), code
        if self._inbox is not None:
            self._inbox.put(frames)
        if end is not None:
            self._end(end, farewell=farewell)
            return []
        return pings

    def _is_wanted(self) -> bool:
        """Whether the message that has just ended belongs to a turn."""
        stale, self._stale = self._stale, False
        return self._inbox is not None and not stale

    def _decoded(self, data: bytes) -> str | bytes:
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

    def _about(self, text: str) -> str:
        """A message about this target: masked, and harmless whatever the target put into it."""
        return excerpt_of(f"{self._connection.origin}: {text}".encode(), self._connection.secrets)


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
