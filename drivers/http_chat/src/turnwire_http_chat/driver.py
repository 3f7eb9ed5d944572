"""The driver: one request for each turn, one document as its reply."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import ClassVar, Final
from urllib.parse import urlsplit

from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.driver import (
    API_VERSION,
    Driver,
    EndOfStream,
    FrameStream,
    NoOptions,
    Session,
)
from turnwire_core.events import Frame, Turn, WireTimes
from turnwire_core.http import HttpClient, HttpResponse, excerpt_of
from turnwire_http_chat.decoding import BodyDecoder

_ACCEPT: Final = "application/json, text/plain;q=0.5, */*;q=0.1"
_SHOWN_CHARACTERS: Final = 200


class HttpChatDriver(Driver[NoOptions]):
    """HTTP chat: the whole reply comes at once, as JSON or as plain text."""

    name: ClassVar[str] = "http_chat"
    api_version: ClassVar[int] = API_VERSION
    response_field_path: ClassVar[str | None] = "reply"

    def check(self, connection: Connection, options: NoOptions) -> Sequence[str]:  # noqa: ARG002 - the contract's signature
        problems = []
        request = connection.request
        if urlsplit(connection.base_url).scheme.lower() in ("ws", "wss"):
            problems.append(
                '\'base_url\' is that of a WebSocket. Write "protocol": "websocket", or a URL '
                "with http:// or https://."
            )
        if request.bodies:
            problems.append(
                "'request.bodies' is for WebSocket: over HTTP a turn is one request. "
                "Write 'request.body'."
            )
        if request.method == "GET":
            if request.body is not None:
                problems.append(
                    "'request.body' is not sent with GET. Write its values into 'request.query', "
                    "or another 'request.method'."
                )
            elif not any(
                template.names
                for template in (*request.query.values(), *connection.headers.values())
            ):
                problems.append(
                    "With GET nothing carries the message. Write it into 'request.query', "
                    'for example {"q": "{{message}}"}.'
                )
        return problems

    @asynccontextmanager
    async def connect(self, connection: Connection, options: NoOptions) -> AsyncIterator[Session]:  # noqa: ARG002
        async with HttpClient(connection) as client:
            yield _HttpChatSession(client, connection)


class _HttpChatSession(Session):
    """Requests to one target. HTTP keeps nothing between them but the open connection."""

    def __init__(self, client: HttpClient, connection: Connection) -> None:
        self._client = client
        self._connection = connection

    @asynccontextmanager
    async def exchange(self, turn: Turn) -> AsyncIterator[FrameStream]:
        body = turn.bodies[0] if turn.bodies else None
        async with self._client.exchange(turn, body=body, accept=_ACCEPT) as response:
            decoder = BodyDecoder(
                response.content_type,
                limit_bytes=self._connection.limits.max_event_bytes,
                show=partial(excerpt_of, secrets=self._connection.secrets, limit=_SHOWN_CHARACTERS),
            )
            yield _HttpChatStream(response, decoder)


class _HttpChatStream(FrameStream):
    """The body of one response: nothing while it arrives, then one frame, then the end."""

    def __init__(self, response: HttpResponse, decoder: BodyDecoder) -> None:
        self._response = response
        self._decoder = decoder
        self._done = False

    @property
    def times(self) -> WireTimes:
        return self._response.times

    async def receive(self) -> Sequence[Frame]:
        if self._done:
            raise EndOfStream
        try:
            data, received_ns = await self._response.receive()
        except EndOfStream:
            self._done = True
            return (self._decoder.finish(),)
        self._decoder.feed(data, received_ns)
        return ()
