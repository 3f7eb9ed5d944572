"""Through httpcore's pool and h11: what goes through a proxy, and what the fast path leaves out.

httpx's client is left out on purpose. It logs every URL with its query, where keys may stand, and
redirects, credentials and proxies are the connection's to decide. Its URLs and cookies are what we
use. This module is imported when it is first needed.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any, Final, cast

import anyio
import h11
import httpcore

from turnwire_core.http._dial import Dialler
from turnwire_core.http._direct import KEEPALIVE_S
from turnwire_core.http._errors import FOREIGN
from turnwire_core.http._http1 import HttpViolation
from turnwire_core.http._message import Answer, Headers, Network, Request, Unsendable
from turnwire_core.http._proxy import Proxy
from turnwire_core.http._wire import Wire, WireStream

_FOREIGN: Final = (
    h11.ProtocolError,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)


class StockTransport:
    """Sends requests on kept connections; each proxy has a pool of its own."""

    def __init__(self, wire: Wire, context: Callable[[], ssl.SSLContext]) -> None:
        self._wire = wire
        self._context = context
        self._pools: dict[tuple[Proxy | None, bool], httpcore.AsyncConnectionPool] = {}

    async def send(self, request: Request, proxy: Proxy | None) -> Answer:
        """Send, and wait for the head of the response.

        Raises one of :data:`turnwire_core.http._errors.FOREIGN`.
        """
        url = request.url
        scheme, host = url.scheme.encode("ascii"), url.raw_host.encode("ascii")
        tunnelled = url.scheme == "https" or request.upgrade
        target = httpcore.URL(scheme=scheme, host=host, port=url.port, target=url.raw_path)
        headers = [
            (name.encode("ascii"), value.encode("ascii")) for name, value in request.fields.values()
        ]
        if proxy is not None and not tunnelled:
            # RFC 9112 §3.2.2: to a proxy, the target is named by its whole URL.
            whole = str(url).encode("ascii")
            target = httpcore.URL(
                scheme=proxy.scheme, host=proxy.host, port=proxy.port, target=whole
            )
            if proxy.authorization is not None:
                headers.append((b"Proxy-Authorization", proxy.authorization.encode("ascii")))
        pool = self._pool(proxy if tunnelled else None, secure=target.scheme == b"https")
        try:
            response = await pool.handle_async_request(
                httpcore.Request(
                    request.method.encode("ascii"),
                    target,
                    headers=headers,
                    content=_Content(request.content),
                    extensions={"trace": self._wire.trace},
                )
            )
        except _FOREIGN as exc:
            raise _known(exc) from exc
        return _StockAnswer(response, self._wire)

    async def aclose(self) -> None:
        """Close every connection that is kept."""
        for pool in self._pools.values():
            await pool.aclose()

    def _pool(self, proxy: Proxy | None, *, secure: bool) -> httpcore.AsyncConnectionPool:
        if (proxy, secure) not in self._pools:
            self._pools[proxy, secure] = httpcore.AsyncConnectionPool(
                ssl_context=self._context() if secure else None,
                keepalive_expiry=KEEPALIVE_S,
                network_backend=_Backend(self._wire, self._context, proxy),
            )
        return self._pools[proxy, secure]


class _WriteFailed(httpcore.WriteError, anyio.BrokenResourceError):
    """httpcore passes over its own while a request is written: the server may have said why."""


class _Stream(WireStream, httpcore.AsyncNetworkStream):
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            await super().write(buffer, timeout)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as exc:
            raise _WriteFailed(str(exc)) from exc


class _Backend(Dialler, httpcore.AsyncNetworkBackend):  # type: ignore[misc] # gives a _Stream
    stream_class = _Stream


def _known(exc: Exception) -> Exception:
    """What the rest of this package knows it as."""
    if isinstance(exc, httpcore.RemoteProtocolError | h11.RemoteProtocolError):
        return HttpViolation(str(exc))
    if isinstance(exc, httpcore.NetworkError | httpcore.TimeoutException):
        return anyio.BrokenResourceError(str(exc))
    return Unsendable(str(exc))


class _Content:
    """The body of a request.

    A class, because httpcore's own is an async generator, which a failing write would leave to
    the garbage collector.
    """

    def __init__(self, data: bytes) -> None:
        self._pieces = iter((data,) if data else ())

    def __aiter__(self) -> _Content:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration


class _StockAnswer(Answer):
    """A response of httpcore; its body comes chunk by chunk, as h11 gives it out."""

    def __init__(self, response: httpcore.Response, wire: Wire) -> None:
        self.status = response.status
        self.headers = Headers(response.headers)
        self.network: Network = response.extensions["network_stream"]
        self._response = response
        self._wire = wire
        self._body: AsyncIterator[bytes] | None = None

    async def read(self) -> bytes:
        if self._body is None:
            self._body = aiter(cast("AsyncIterable[bytes]", self._response.stream))
        try:
            async for data in self._body:
                if data:
                    return data
        except _FOREIGN as exc:
            raise _known(exc) from exc
        return b""

    async def keep(self) -> None:
        if self._has_more_behind():
            await self.drop()
        else:
            await self._response.aclose()

    def _has_more_behind(self) -> bool:
        """Whether bytes have arrived that stand behind this response, now that it is complete.

        They must not be taken for the next one (RFC 9112 §6.3). httpcore would do so, and has no
        public way to ask: a row of the tables of faults tells if this one should ever end.
        """
        found: Any = self._response.stream
        for name in ("_stream", "_connection", "_h11_state"):
            found = getattr(found, name, None)
        return found is not None and bool(found.trailing_data[0])

    async def drop(self) -> None:
        with anyio.CancelScope(shield=True):
            if self._wire.stream is not None:
                await self._wire.stream.drop()
            # httpcore's nested generators must run to their end: closed from outside, the inner
            # ones would be left to the garbage collector, which trio rightly complains of. With
            # the socket dropped, that takes no longer than what h11 still holds of one read.
            if self._body is not None:
                try:
                    while True:
                        await anext(self._body)
                except (StopAsyncIteration, *FOREIGN, *_FOREIGN):
                    pass
            await self._response.aclose()
