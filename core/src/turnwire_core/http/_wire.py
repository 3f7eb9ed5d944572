"""What happens on the wire during one exchange: its stamps, its raw bytes, how far it has come.

A :class:`Wire` belongs to one client and is begun anew for each exchange. The network streams
below httpcore write into it, so the stamp of a read is taken before HTTP has been parsed, and the
translation of an error knows what had arrived when it happened.
"""

from __future__ import annotations

import select
import ssl
import sys
from collections.abc import Mapping
from enum import StrEnum
from time import perf_counter_ns
from typing import Any, Final, Self

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSAttribute, TLSStream

from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.tap import FRAMES, Ending, WireTap
from turnwire_core.errors import Phase
from turnwire_core.events import WireTimes
from turnwire_core.http._sockets import StampedStream

_OPENING_BYTES: Final = 256

_TARGET: Final = "base_url"


class Step(StrEnum):
    """A step of connecting."""

    REACH = "reach"
    """Resolving the target's name and opening TCP to it."""
    PROXY = "proxy"
    """Everything up to the moment when the proxy has let us through."""
    TLS = "tls"
    """The TLS handshake with the target."""


class DialError(Exception):
    """Connecting failed at ``step``, because of ``cause`` or, without one, of time.

    The cause is an attribute because httpcore's pool raises what it passes on ``from None``.
    """

    def __init__(self, step: Step, cause: BaseException | None, host: str = "") -> None:
        super().__init__(step)
        self.step = step
        self.cause = cause
        self.host = host


class TunnelRefused(Exception):
    """The proxy answered CONNECT with something else than 2xx; 0 is for what is no status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}".strip() if status else reason)
        self.status = status


class Wire:
    """The record of one exchange. Only one exchange of a client is under way at a time."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.stream: WireStream | None = None
        self.begin()

    def begin(self, target: str | None = None, key: str = _TARGET) -> None:
        """Forget the last exchange.

        ``target`` is what messages call the peer, ``key`` the place in the config that names it.
        """
        self.target = target or self.connection.origin
        self.key = key
        self.phase = Phase.SEND
        self.step = Step.REACH
        self.proxy: str | None = None
        self.connected_ns: int | None = None
        self.sent_ns: int | None = None
        self.headers_ns: int | None = None
        self.read_ns = 0
        self.write_ns = 0
        self.opening = b""
        self.ended = False
        self.sending: str | None = "request"
        self.receiving: str | None = "response"

    @property
    def times(self) -> WireTimes:
        sent_ns, headers_ns = self.sent_ns, self.headers_ns
        if sent_ns is not None and headers_ns is not None:
            # The answer may be there before we are told that the request is written.
            sent_ns = min(sent_ns, headers_ns)
        return WireTimes(connected_ns=self.connected_ns, sent_ns=sent_ns, headers_ns=headers_ns)

    async def trace(self, name: str, info: Mapping[str, Any]) -> None:  # noqa: ARG002 - httpcore's signature
        """httpcore's ``trace`` extension: told of each step of a request as it happens."""
        match name:
            case "http11.send_request_headers.started":
                self.phase = Phase.SEND
                self.sending = "request"
            case "http11.send_request_body.started":
                self.sending = "body"
            case "http11.send_request_body.complete":
                self.sent_ns = self.write_ns
            case "http11.receive_response_headers.started":
                self.phase = Phase.HEADERS
                self.receiving = "response"
                self.opening = b""
            case "http11.receive_response_headers.complete":
                self.phase = Phase.STREAM
                self.receiving = "body"
                self.headers_ns = self.read_ns

    def upgraded(self) -> None:
        """From here on the bytes are another protocol's; what is sent is its driver's to show."""
        self.sending = None
        self.receiving = FRAMES


class WireStream:
    """A connected socket, on either backend; what it raises is anyio's.

    The timeouts that httpcore hands in are not looked at: a cancel scope for every read costs a
    third of its time, and the core's own limits already stand around every exchange.
    """

    def __init__(
        self,
        wire: Wire,
        stream: ByteStream,
        raw: StampedStream,
        *,
        deadline: float,
        tls_step: Step = Step.TLS,
    ) -> None:
        self._wire = wire
        self._stream = stream
        self._raw = raw
        self._deadline = deadline
        self._tls_step = tls_step
        self._leading = b""
        self._was_shown = False
        self._dropped = False
        tap = wire.connection.tap
        self._tap = tap.transport() if tap is not None else None

    @property
    def tap(self) -> WireTap | None:
        """Who is shown the bytes of this exchange. Nobody, where a token is asked for: it is not
        known to be a secret before it has been read."""
        return self._tap if self._wire.key == _TARGET else None

    def unread(self, data: bytes, *, was_shown: bool) -> None:
        """Let ``data``, which has arrived and belongs to somebody else, be read first.

        ``was_shown``: the tap has seen it.
        """
        self._leading = data
        self._was_shown = was_shown

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        wire = self._wire
        if self._dropped:
            raise anyio.ClosedResourceError
        shows = True
        if self._leading:
            data, self._leading = self._leading[:max_bytes], self._leading[max_bytes:]
            shows = not self._was_shown
        else:
            try:
                data = await self._stream.receive(max_bytes)
            except anyio.EndOfStream:
                if not wire.ended:
                    self._tell(Ending.CLOSED)
                wire.ended = True
                return b""
            except anyio.BrokenResourceError:
                self._tell(Ending.BROKEN)
                raise
        wire.read_ns = self._raw.read_ns
        if wire.phase is Phase.HEADERS and len(wire.opening) < _OPENING_BYTES:
            wire.opening += data[:_OPENING_BYTES]
        if shows and wire.receiving is not None and (tap := self.tap) is not None:
            tap.received(wire.read_ns, wire.receiving, data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        if not buffer:
            return
        await self._send(buffer)
        wire = self._wire
        if wire.sending is not None and (tap := self.tap) is not None:
            tap.sent(wire.write_ns, wire.sending, buffer)

    async def write_request(self, head: bytes, body: bytes) -> None:
        """Write both at once: one system call, and one segment where they fit into it."""
        await self._send(head + body)
        if (tap := self.tap) is not None:
            tap.sent(self._wire.write_ns, "request", head)
            if body:
                tap.sent(self._wire.write_ns, "body", body)

    def _tell(self, ending: Ending) -> None:
        if (tap := self.tap) is not None:
            tap.ended(perf_counter_ns(), ending)

    async def _send(self, buffer: bytes) -> None:
        wire = self._wire
        wire.stream = self
        await self._stream.send(buffer)
        wire.write_ns = perf_counter_ns()

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def drop(self) -> None:
        """Close, and let every later read fail at once."""
        self._dropped = True
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the deadline of the whole dial counts
    ) -> Self:
        step = self._wire.step = self._tls_step
        self._wire.connected_ns = None  # TCP alone is no connection here
        host = server_hostname or ""
        secured = await handshake(
            self._stream, ssl_context, host, deadline=self._deadline, step=step
        )
        self._wire.connected_ns = perf_counter_ns()
        return type(self)(self._wire, secured, self._raw, deadline=self._deadline)

    def get_extra_info(self, info: str) -> Any:
        match info:
            case "ssl_object":
                return self._attribute(TLSAttribute.ssl_object)
            case "socket":
                return self._attribute(SocketAttribute.raw_socket)
            case "is_readable":
                return self.stale
        return None

    @property
    def stale(self) -> bool:
        """Whether something arrived while the connection was idle: its end, most likely."""
        return self._dropped or not self._raw.quiet or _readable(self.get_extra_info("socket"))

    def _attribute(self, attribute: Any) -> Any:
        return self._stream.extra(attribute, None)  # noqa: S610 - anyio's, not Django's


async def handshake(
    stream: ByteStream, context: ssl.SSLContext, host: str, *, deadline: float, step: Step
) -> TLSStream:
    """TLS over ``stream``, which is closed if that fails.

    Raises:
        DialError: the handshake failed, or did not end in time.
    """
    cause: BaseException | None = None
    try:
        with anyio.CancelScope(deadline=deadline):
            # Not "standard compatible": waiting for the peer's close_notify would let it decide
            # when we are done. HTTP and WebSocket say themselves where a message ends.
            return await TLSStream.wrap(
                stream,
                server_side=False,
                hostname=host,
                ssl_context=context,
                standard_compatible=False,
            )
    except (OSError, ValueError, anyio.BrokenResourceError, anyio.EndOfStream) as exc:
        cause = exc
    except BaseException:  # cancelled from outside
        await discard(stream)
        raise
    await discard(stream)
    raise DialError(step, cause, host) from cause


async def discard(stream: ByteStream) -> None:
    """Close at once, also while being cancelled."""
    with anyio.CancelScope(shield=True):
        await anyio.aclose_forcefully(stream)


def _readable(sock: Any) -> bool:
    """Whether ``sock`` holds something unread or was closed. ``select`` fails above fd 1023."""
    if sock is None or (fd := sock.fileno()) < 0:
        return True
    if sys.platform == "win32" or not hasattr(select, "poll"):
        return bool(select.select([fd], [], [], 0)[0])
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))
