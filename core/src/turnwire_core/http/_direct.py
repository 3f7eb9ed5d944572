"""The fast path: HTTP/1.1 straight to the target, plain or over TLS, without httpcore and h11.

The same sockets, stamps and errors as :mod:`turnwire_core.http._stock`, which serves what goes
through a proxy; ``docs/adr`` says what it buys. All that one network read brought of a body is one
piece of it, with one stamp.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from time import monotonic
from typing import Final

import anyio
import anyio.lowlevel

from turnwire_core.errors import Phase
from turnwire_core.http._dial import Dialler
from turnwire_core.http._http1 import ResponseReader, request_head
from turnwire_core.http._message import Answer, Headers, Request
from turnwire_core.http._wire import Wire, WireStream

KEEPALIVE_S: Final = 60.0
"""How long a connection may idle between two turns."""

_READ_BYTES: Final = 1024 * 1024
"""A bound that no network read reaches: each is handed on whole."""

Origin = tuple[str, str, int]


class DirectTransport:
    """Sends requests on connections of its own; it keeps one for each origin between them."""

    def __init__(self, wire: Wire, context: Callable[[], ssl.SSLContext]) -> None:
        self._wire = wire
        self._context = context
        self._dialler = Dialler(wire, context)
        self._idle: dict[Origin, tuple[WireStream, float]] = {}

    async def send(self, request: Request, origin: Origin) -> DirectAnswer:
        """Send, and wait for the head of the response.

        Raises one of :data:`turnwire_core.http._errors.FOREIGN`.
        """
        wire = self._wire
        head = request_head(request.method, request.url.raw_path, request.fields.values())
        stream = await self._kept(origin) or await self._open(origin)
        answer = DirectAnswer(self, origin, stream, bodiless=request.method == "HEAD")
        try:
            wire.phase, wire.sending = Phase.SEND, "request"
            try:
                await stream.write_request(head, request.content)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                pass  # the server may have said why before it hung up
            else:
                wire.sent_ns = wire.write_ns
            wire.phase, wire.receiving, wire.opening = Phase.HEADERS, "response", b""
            await answer.read_head()
        except BaseException:
            await answer.drop()
            raise
        wire.phase, wire.receiving, wire.headers_ns = Phase.STREAM, "body", wire.read_ns
        wire.opening = b""
        return answer

    async def aclose(self) -> None:
        """Close every connection that is kept."""
        while self._idle:
            _, (stream, _) = self._idle.popitem()
            await stream.aclose()

    def keep(self, origin: Origin, stream: WireStream) -> None:
        """Take back a connection on which nothing is under way."""
        self._idle[origin] = stream, monotonic() + KEEPALIVE_S

    async def _kept(self, origin: Origin) -> WireStream | None:
        stream, until = self._idle.pop(origin, (None, 0.0))
        if stream is None:
            return None
        # The server may have closed it meanwhile. Looking costs a turn of the loop, which may bring
        # the end, and a system call; a request that fails for it would cost the turn.
        await anyio.lowlevel.checkpoint()
        if monotonic() < until and not stream.stale:
            return stream
        await stream.aclose()
        return None

    async def _open(self, origin: Origin) -> WireStream:
        scheme, host, port = origin
        stream = await self._dialler.connect_tcp(host, port)
        if scheme == "https":
            stream = await stream.start_tls(self._context(), host)
        return stream


_NOTHING_MORE: Final = ResponseReader()
"""Of a response that was read to its end, and after which the connection is not used again."""
_NOTHING_MORE.feed(b"HTTP/1.1 101 \r\n\r\n")


class DirectAnswer(Answer):
    """A response as its bytes arrive."""

    def __init__(
        self, transport: DirectTransport, origin: Origin, stream: WireStream, *, bodiless: bool
    ) -> None:
        self.network = self._stream = stream
        self._transport = transport
        self._origin = origin
        self._reader = ResponseReader(bodiless=bodiless)
        self._first = b""
        """What of the body came in one read with the end of the head."""

    async def read_head(self) -> None:
        reader = self._reader
        while (head := reader.head) is None:
            if reader.failure is not None:
                raise reader.failure
            self._first = await self._read()
        self.status = head.status
        self.headers = Headers(head.fields)
        if head.status == 101:
            self._stream.unread(reader.leftover, was_shown=True)
            # There is no body, and the socket may be open for long: the reader is a kilobyte.
            self._reader = _NOTHING_MORE

    async def read(self) -> bytes:
        if self._first:
            data, self._first = self._first, b""
            return data
        reader = self._reader
        while not reader.complete:
            if reader.failure is not None:
                raise reader.failure
            # As _read, which would cost a coroutine for each event.
            data = await self._stream.read(_READ_BYTES)
            if not data:
                reader.end()
            elif body := reader.feed(data):
                return body
        return b""

    async def _read(self) -> bytes:
        data = await self._stream.read(_READ_BYTES)
        if data:
            return self._reader.feed(data)
        self._reader.end()
        return b""

    async def keep(self) -> None:
        if self._reader.reusable:
            self._transport.keep(self._origin, self._stream)
        else:
            await self._stream.aclose()

    async def drop(self) -> None:
        with anyio.CancelScope(shield=True):
            await self._stream.drop()
