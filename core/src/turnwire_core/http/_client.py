"""The client of one conversation: turns and upgrades become requests, and failures our errors."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

import anyio
import attrs

from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.driver import EndOfStream
from turnwire_core.errors import DriverError, Phase, ProtocolError, RejectedError
from turnwire_core.events import Turn
from turnwire_core.http import _request
from turnwire_core.http._auth import Authenticator, TokenAnswer, TokenStore, hide_tokens
from turnwire_core.http._errors import FOREIGN, connect_timed_out, root, translate
from turnwire_core.http._logging import hide_in_logs
from turnwire_core.http._message import Answer, Request
from turnwire_core.http._rejected import origin_text, refuse
from turnwire_core.http._response import HttpResponse, UpgradedStream
from turnwire_core.http._tls import tls_context
from turnwire_core.http._transport import Transport, import_for
from turnwire_core.http._url import PORTS, Url, parse_url
from turnwire_core.http._wire import Wire

if TYPE_CHECKING:
    import httpx

_MOST_REDIRECTS: Final = 5
_KEPT_STATUSES: Final = (307, 308)
"""The redirects that keep method and body (RFC 9110 §15.4.8, §15.4.9)."""

_TOKEN_BYTES: Final = 256 * 1024

_DEFAULTS: Final = {"User-Agent": _request.USER_AGENT, "Accept-Encoding": "identity"}


def prepare(connection: Connection) -> None:
    """Do what takes long when it is done first, before a turn: it must not stand in its times.

    Raises:
        TlsError: a file that ``tls`` names cannot be used.
    """
    with suppress(ProtocolError):  # no URL: the first turn ends with it
        url = _request.target_url(connection, {})
        import_for(connection, url)
        if url.scheme == "https":
            tls_context(connection)


class HttpClient:
    """One conversation over HTTP/1.1: ``async with HttpClient(connection) as client``.

    Connections are kept between the turns. Nothing is opened before the first of them. One
    exchange or upgrade at a time. ``tokens`` is for a conversation that has several clients.
    """

    def __init__(self, connection: Connection, *, tokens: TokenStore | None = None) -> None:
        hide_in_logs(connection.secrets)
        self._connection = connection
        self._wire = Wire(connection)
        self._transport = Transport(self._wire, self._context)
        self._auth = Authenticator(connection, self._post_form, tokens)
        self._cookies: httpx.Cookies | None = None  # most targets set none

    async def __aenter__(self) -> Self:
        prepare(self._connection)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close what is kept, within ``limits.close_ms``. Any task may do that."""
        with anyio.move_on_after(self._connection.limits.close_ms / 1000, shield=True):
            await self._transport.aclose()

    @asynccontextmanager
    async def exchange(
        self, turn: Turn, *, body: Any = None, accept: str
    ) -> AsyncIterator[HttpResponse]:
        """Send ``turn`` with ``body``, and wait for the head of a response with a status of 2xx.

        ``body`` is a JSON value, or a str that is sent as it is, or None for no body. The method
        is ``connection.request.method``. Left normally, the connection is kept for the next turn
        if the body was read to its end; left by an exception, it is dropped.

        Raises (on entering):
            ConnectError, TlsError, ProxyError: there is no way to the target.
            TimeLimitError: connecting took longer than ``limits.connect_ms``.
            RejectedError: the status is no success, or a redirect that is not followed.
            InvalidFrame: the body is compressed in a way that we cannot undo.
            ProtocolError: no HTTP, an empty answer (204), or a request that HTTP cannot carry.
            StreamBrokenError: the connection ended before the head was complete.
        """
        reply = await self.respond(
            self._connection.request.method, turn.headers, turn.query, body=body, accept=accept
        )
        try:
            with self._timed():
                await refuse(reply, self._wire)
                reply.check_encoding()
            yield reply
        except BaseException:
            await reply.drop()
            raise
        await reply.finish()

    async def respond(
        self,
        method: str,
        headers: Mapping[str, str],
        query: Mapping[str, Any],
        *,
        body: Any = None,
        accept: str = "application/json, */*;q=0.5",
    ) -> HttpResponse:
        """Send, and wait for the head of a response with whatever status.

        Whoever calls this reads the response and ends it: ``finish``, or ``drop``.

        Raises: as :meth:`exchange`, but for the status.
        """
        self._wire.begin()
        content, content_type = _request.encode_body(body)
        defaults = {**_DEFAULTS, "Accept": accept}
        if content_type is not None:
            defaults["Content-Type"] = content_type
        with self._timed():
            response = await self._send(method, headers, query, defaults, content)
        return HttpResponse(response, self._wire)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """What fails in here says how far it had come."""
        try:
            yield
        except DriverError as exc:
            exc.times = self._wire.times
            raise

    @asynccontextmanager
    async def upgrade(
        self, turn: Turn, *, headers: Mapping[str, str]
    ) -> AsyncIterator[UpgradedStream]:
        """Ask for another protocol on ``base_url``; left in whatever way, the socket is closed.

        Raises (on entering): as :meth:`open_upgraded`.
        """
        stream = await self.open_upgraded(turn, headers=headers)
        try:
            yield stream
        finally:
            await stream.aclose()

    async def open_upgraded(self, turn: Turn, *, headers: Mapping[str, str]) -> UpgradedStream:
        """Ask for another protocol on ``base_url`` (with http for ws, https for wss).

        ``turn`` is the one that the socket is opened for: its headers and query go along.
        ``headers`` (Upgrade, Connection …) go beside them and cannot be replaced. All of it has
        ``limits.connect_ms``. Whoever calls this closes the stream; that may be another task.

        Raises: as :meth:`exchange`, and
            RejectedError: the status is not 101.
            TimeLimitError: the answer did not come in time (limit ``connect``).
        """
        self._wire.begin()
        answer: Answer | None = None
        stream: UpgradedStream | None = None
        try:
            with self._timed(), anyio.CancelScope(deadline=self._connect_deadline()):
                answer = await self._send(
                    "GET",
                    turn.headers,
                    turn.query,
                    _DEFAULTS,
                    None,
                    required=headers,
                )
                await refuse(HttpResponse(answer, self._wire), self._wire, upgrading=True)
                stream = UpgradedStream(answer, self._wire)
        finally:
            if stream is None and answer is not None:
                await answer.drop()
        if stream is None:
            raise connect_timed_out(self._wire)
        self._wire.upgraded()
        return stream

    async def _send(
        self,
        method: str,
        headers: Mapping[str, str],
        query: Mapping[str, Any],
        defaults: Mapping[str, str],
        content: bytes | None,
        required: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send with credentials; if a token was refused, once more with a new one."""
        credentials = await self._auth.credentials()
        for again in (self._auth.renewable, False):
            request = _request.make_request(
                method,
                _request.target_url(self._connection, {**query, **credentials.query}),
                _request.merge_headers(defaults, credentials.headers, headers, required or {}),
                content,
                upgrade=required is not None,
            )
            response = await self._follow(request, {**defaults, **(required or {})}, content)
            if response.status != 401 or not again:
                break
            await response.drop()
            self._auth.forget(credentials)
            credentials = await self._auth.credentials()
        return response

    async def _follow(
        self, request: Request, harmless: Mapping[str, str], content: bytes | None
    ) -> Answer:
        """Send, and follow what redirects may be followed.

        To another origin go only ``harmless`` headers: whatever a config says in a header or the
        query may be a credential. They stay behind for good, also if the way leads back.
        """
        headers = {name: field for name, field in request.fields.items() if name != "host"}
        home = request.url.origin
        for _ in range(_MOST_REDIRECTS + 1):
            at_home = request.url.origin == home
            if at_home:
                request = self._with_cookies(request)
            response = await self._send_one(request)
            if at_home and "set-cookie" in response.headers:
                self._keep_cookies(request, response)
            if not self._connection.follow_redirects or response.status not in _KEPT_STATUSES:
                return response
            url = _location(request, response)
            if url is None:
                return response
            await response.drop()
            if request.url.scheme == "https" and url.scheme != "https":
                raise RejectedError(
                    f"{self._wire.target} redirects from https to http. That is not followed: the "
                    "message would travel unencrypted. Put the right URL into base_url.",
                    status=response.status,
                )
            if url.origin != request.url.origin:
                headers = _request.merge_headers(harmless)
            request = _request.make_request(
                request.method, url, headers, content, upgrade=request.upgrade
            )
            self._wire.target = origin_text(url)
        raise RejectedError(
            f"{self._connection.origin} redirects more than {_MOST_REDIRECTS} times. "
            "Put the last URL into base_url.",
            status=response.status,
        )

    def _with_cookies(self, request: Request) -> Request:
        if self._cookies is None:
            return request
        import httpx

        jarred = httpx.Request(request.method, str(request.url))
        self._cookies.set_cookie_header(jarred)
        cookie = jarred.headers.get("Cookie")
        if cookie is None:
            return request
        return attrs.evolve(request, fields={**request.fields, "cookie": ("Cookie", cookie)})

    def _keep_cookies(self, request: Request, response: Answer) -> None:
        import httpx

        if self._cookies is None:
            self._cookies = httpx.Cookies()
        self._cookies.extract_cookies(
            httpx.Response(
                response.status,
                headers=response.headers.raw,
                request=httpx.Request(request.method, str(request.url)),
            )
        )

    async def _send_one(self, request: Request) -> Answer:
        try:
            return await self._transport.send(request)
        except FOREIGN as exc:
            raise translate(exc, self._wire) from root(exc)

    async def _post_form(self, url: str, headers: dict[str, str], form: bytes) -> TokenAnswer:
        """Ask a token endpoint. Its failures are named as its own, in the phase of connecting."""
        try:
            address = parse_url(url)
            request = _request.make_request(
                "POST",
                address,
                _request.merge_headers(
                    _DEFAULTS,
                    {
                        "Accept": "application/json",
                        "Content-Type": "application/x-www-form-urlencoded",
                    },
                    headers,
                ),
                form,
            )
        except ValueError as exc:
            raise _bad_token_url() from exc
        if address.scheme not in PORTS or not address.host:
            raise _bad_token_url()
        wire = self._wire
        wire.begin(f"the token endpoint {origin_text(address)}", "auth.tokenUrl")
        answer: TokenAnswer | None = None
        with anyio.CancelScope(deadline=self._connect_deadline()):
            response = HttpResponse(await self._send_one(request), wire)
            data = b""
            try:
                while len(data) <= _TOKEN_BYTES:
                    data += (await response.receive())[0]
            except EndOfStream:
                pass
            except BaseException:
                await response.drop()
                raise
            await response.finish()
            answer = TokenAnswer(response.status, data)
            hide_tokens(data, self._connection.secrets)
        if answer is None:
            raise connect_timed_out(wire)
        wire.begin()  # its stamps are not the turn's
        return answer

    def _connect_deadline(self) -> float:
        return anyio.current_time() + self._connection.limits.connect_ms / 1000

    def _context(self) -> ssl.SSLContext:
        return tls_context(self._connection)


def _location(request: Request, response: Answer) -> Url | None:
    try:
        location = response.headers["location"]
        urlsplit(location)  # refuses a bracket that does not close, which httpx takes for a name
        url = request.url.join(location)
    except (KeyError, ValueError):
        return None
    return url if url.scheme in PORTS and url.host else None


def _bad_token_url() -> ProtocolError:
    return ProtocolError(
        "'auth.tokenUrl' is no URL. Write a whole one, such as https://auth.example.com/token.",
        phase=Phase.CONNECT,
    )
