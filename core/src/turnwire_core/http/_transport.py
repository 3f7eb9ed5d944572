"""Which way a request takes: straight to the target, or through a proxy with httpcore."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from turnwire_core.contracts.connection import Connection
from turnwire_core.errors import ProxyError
from turnwire_core.http._direct import DirectTransport
from turnwire_core.http._message import Answer, Request
from turnwire_core.http._proxy import choose_proxy
from turnwire_core.http._url import Url
from turnwire_core.http._wire import Wire

if TYPE_CHECKING:
    from turnwire_core.http._stock import StockTransport

# RFC 9110 §9.1, RFC 9112 §3.2
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET = re.compile(rb"[\x21-\x7e]+")


def import_for(connection: Connection, url: Url) -> None:
    """Import what requests to ``url`` will need: it takes longer than all of a turn."""
    with suppress(ProxyError):  # which the first turn ends with
        if choose_proxy(connection, *url.origin) is not None:
            import turnwire_core.http._stock  # noqa: F401 - for later


class Transport:
    """Sends the requests of one client."""

    direct: ClassVar[bool] = True
    """Whether to take the fast path where it applies. The tests run with and without it."""

    def __init__(self, wire: Wire, context: Callable[[], ssl.SSLContext]) -> None:
        self._wire = wire
        self._context = context
        self._direct = DirectTransport(wire, context)
        self._stock: StockTransport | None = None

    async def send(self, request: Request) -> Answer:
        """Send, and wait for the head of the response.

        Raises one of :data:`turnwire_core.http._errors.FOREIGN`.
        """
        url = request.url
        scheme, host, port = url.origin
        proxy = choose_proxy(self._wire.connection, scheme, host, port)
        self._wire.proxy = proxy.origin if proxy is not None else None
        if self.direct and proxy is None and _is_plain(request):
            return await self._direct.send(request, (scheme, url.raw_host, port))
        return await self._through_httpcore().send(request, proxy)

    def _through_httpcore(self) -> StockTransport:
        if self._stock is None:
            from turnwire_core.http._stock import StockTransport

            self._stock = StockTransport(self._wire, self._context)
        return self._stock

    async def aclose(self) -> None:
        """Close every connection that is kept."""
        await self._direct.aclose()
        if self._stock is not None:
            await self._stock.aclose()


def _is_plain(request: Request) -> bool:
    """Whether nothing is odd about the request. Whoever sends an odd one gets h11's opinion."""
    fields = request.fields
    if "transfer-encoding" in fields or request.method == "CONNECT":
        return False
    length = fields.get("content-length")
    if length is not None and length[1] != str(len(request.content)):
        return False
    return bool(_METHOD.fullmatch(request.method) and _TARGET.fullmatch(request.url.raw_path))
