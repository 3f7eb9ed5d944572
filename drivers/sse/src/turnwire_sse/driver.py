"""The driver: one request for each turn, and a reply that streams back as its body."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar, Final
from urllib.parse import urlsplit

from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.driver import (
    API_VERSION,
    Driver,
    EndOfStream,
    FrameStream,
    Session,
)
from turnwire_core.errors import InvalidFrame, Phase
from turnwire_core.events import Frame, Turn, WireTimes
from turnwire_core.http import HttpClient, HttpResponse
from turnwire_sse.decoding import (
    DocumentDecoder,
    EventStreamDecoder,
    FrameDecoder,
    JsonLinesDecoder,
)
from turnwire_sse.media_types import BodyFormat, accept, advice, format_of
from turnwire_sse.options import SseOptions

_DECODERS: Final[dict[BodyFormat, type[FrameDecoder]]] = {
    "sse": EventStreamDecoder,
    "ndjson": JsonLinesDecoder,
    "json": DocumentDecoder,
}

_EXCERPT_CHARACTERS: Final = 300


class SseDriver(Driver[SseOptions]):
    """Server-Sent Events, and replies that stream as NDJSON or come as one JSON document.

    A stream that breaks off is not taken up again with ``Last-Event-ID``, as a browser would: a
    test that reconnects hides the fault that it is there to find.
    """

    name: ClassVar[str] = "sse"
    api_version: ClassVar[int] = API_VERSION
    options: ClassVar[type[SseOptions]] = SseOptions

    def default_body(self, options: SseOptions) -> dict[str, object]:
        return {**super().default_body(options), "stream": True}

    def check(self, connection: Connection, options: SseOptions) -> Sequence[str]:  # noqa: ARG002 - the signature of the contract
        scheme = urlsplit(connection.base_url).scheme.lower()
        request = connection.request
        problems = []
        if scheme in ("ws", "wss"):
            problems.append(
                f"'base_url' begins with {scheme}://, which is a WebSocket: "
                'write "protocol": "websocket", or a URL with http:// or https://.'
            )
        elif scheme not in ("http", "https"):
            problems.append("'base_url' must begin with http:// or https://.")
        if request.bodies:
            problems.append(
                "'request.bodies' is for WebSocket: over HTTP a turn is one request. "
                "Write 'request.body'."
            )
        if request.method == "GET":
            problems.extend(_problems_of_get(connection))
        return problems

    @asynccontextmanager
    async def connect(self, connection: Connection, options: SseOptions) -> AsyncIterator[Session]:
        async with HttpClient(connection) as client:
            yield _SseSession(client, connection, options)


def _problems_of_get(connection: Connection) -> list[str]:
    request = connection.request
    if request.body is not None:
        return [
            "'request.body' is not sent with GET: move its values to 'request.query', "
            "or write another 'request.method'."
        ]
    templates = [*request.query.values(), *connection.headers.values()]
    if not any(template.names for template in templates):
        return [
            "With GET nothing carries the message: put it into the query, "
            'for example "query": {"q": "{{message}}"}.'
        ]
    return []


class _SseSession(Session):
    """Requests to one target. HTTP keeps no state between them but the open connection."""

    def __init__(self, client: HttpClient, connection: Connection, options: SseOptions) -> None:
        self._client = client
        self._connection = connection
        self._format = options.format

    @asynccontextmanager
    async def exchange(self, turn: Turn) -> AsyncIterator[FrameStream]:
        body = None if self._connection.request.method == "GET" else turn.bodies[0]
        async with self._client.exchange(turn, body=body, accept=accept(self._format)) as response:
            body_format = await self._format_of(response)
            decoder = _DECODERS[body_format](self._connection.limits.max_event_bytes)
            yield _SseStream(response, decoder)

    async def _format_of(self, response: HttpResponse) -> BodyFormat:
        """How to read the body.

        Raises:
            InvalidFrame: its Content-Type is none that we know.
        """
        if self._format != "auto":
            return self._format
        body_format = format_of(response.media_type)
        if body_format is not None:
            return body_format
        excerpt = await response.excerpt(_EXCERPT_CHARACTERS)
        sent = f"Content-Type {response.media_type!r}" if response.media_type else "no Content-Type"
        begins = f" It begins: {excerpt}" if excerpt else " It is empty."
        raise InvalidFrame(
            f"{self._connection.origin} answered {response.status} with {sent}, but an event "
            f"stream, NDJSON or JSON was expected. {advice(response.media_type, excerpt)}{begins}",
            phase=Phase.HEADERS,
        )


class _SseStream(FrameStream):
    """The body of one response."""

    def __init__(self, response: HttpResponse, decoder: FrameDecoder) -> None:
        self._response = response
        self._decoder = decoder
        self._ended: str | None = None
        """What there is to say of the end of the body, once it was reached."""

    @property
    def times(self) -> WireTimes:
        return self._response.times

    async def receive(self) -> Sequence[Frame]:
        decoder = self._decoder
        # A read may complete frames before one that is too large: those were handed out first.
        if decoder.failure is not None:
            raise decoder.failure
        if self._ended is not None:
            raise EndOfStream(self._ended)
        try:
            data, received_ns = await self._response.receive()
        except EndOfStream:
            frames = decoder.finish()
            self._ended = _last_words(decoder.pending)
            if not frames and decoder.failure is None:
                raise EndOfStream(self._ended) from None
        else:
            frames = decoder.feed(data, received_ns)
        if not frames and decoder.failure is not None:
            raise decoder.failure
        return frames


def _last_words(pending: int) -> str:
    if not pending:
        return "The target ended the stream."
    return (
        f"The target ended the stream inside an event: {pending:,} bytes without the blank line "
        "that completes them were discarded."
    )
