"""The httpx transport of one client: httpcore's pool over our own sockets and proxies.

httpx's client is left out on purpose. It logs every URL with its query, where keys may stand, and
redirects, credentials and proxies are the connection's to decide. Its requests, responses, URLs,
headers and cookies are what we use.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any, Final, cast

import httpcore
import httpx

from turnwire_core.http._dial import Dialler
from turnwire_core.http._proxy import Proxy, choose_proxy
from turnwire_core.http._wire import Wire

_KEEPALIVE_S: Final = 60.0
_PORTS: Final = {"http": 80, "https": 443}

UPGRADE: Final = "turnwire.upgrade"
"""The request extension that marks an upgrade: it wants a tunnel also for ``http``."""


class Transport(httpx.AsyncBaseTransport):
    """Sends requests on kept connections; each proxy has a pool of its own."""

    def __init__(self, wire: Wire, context: Callable[[], ssl.SSLContext]) -> None:
        self._wire = wire
        self._context = context
        self._pools: dict[tuple[Proxy | None, bool], httpcore.AsyncConnectionPool] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and wait for the head of the response. Raises what httpcore raises."""
        url = request.url
        port = url.port or _PORTS[url.scheme]
        proxy = choose_proxy(self._wire.connection, url.scheme, url.host, port)
        self._wire.proxy = proxy.origin if proxy is not None else None
        tunnelled = url.scheme == "https" or UPGRADE in request.extensions
        target = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=port, target=url.raw_path
        )
        headers = list(request.headers.raw)
        if proxy is not None and not tunnelled:
            # RFC 9112 §3.2.2: to a proxy, the target is named by its whole URL.
            whole = b"%b://%b%b" % (url.raw_scheme, url.netloc, url.raw_path)
            target = httpcore.URL(
                scheme=proxy.scheme, host=proxy.host, port=proxy.port, target=whole
            )
            if proxy.authorization is not None:
                headers.append((b"Proxy-Authorization", proxy.authorization.encode("ascii")))
        pool = self._pool(proxy if tunnelled else None, secure=target.scheme == b"https")
        answer = await pool.handle_async_request(
            httpcore.Request(
                request.method.encode("ascii"),
                target,
                headers=headers,
                content=_Content(request.content),
                extensions={"trace": self._wire.trace},
            )
        )
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=Body(answer),
            extensions=dict(answer.extensions),
            request=request,
        )

    async def aclose(self) -> None:
        """Close every connection that is kept."""
        for pool in self._pools.values():
            await pool.aclose()

    def _pool(self, proxy: Proxy | None, *, secure: bool) -> httpcore.AsyncConnectionPool:
        if (proxy, secure) not in self._pools:
            self._pools[proxy, secure] = httpcore.AsyncConnectionPool(
                ssl_context=self._context() if secure else None,
                keepalive_expiry=_KEEPALIVE_S,
                network_backend=Dialler(self._wire, self._context, proxy),
            )
        return self._pools[proxy, secure]


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


class Body(httpx.AsyncByteStream):
    """The body of an httpcore response, chunk by chunk as h11 gives it out."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        return cast("AsyncIterable[bytes]", self._response.stream).__aiter__()

    def has_more_behind(self) -> bool:
        """Whether bytes have arrived that stand behind this response, now that it is complete.

        They must not be taken for the next one (RFC 9112 §6.3). httpcore would do so, and has no
        public way to ask: a row of the tables of faults tells if this one should ever end.
        """
        found: Any = self._response.stream
        for name in ("_stream", "_connection", "_h11_state"):
            found = getattr(found, name, None)
        return found is not None and bool(found.trailing_data[0])

    async def aclose(self) -> None:
        await self._response.aclose()
