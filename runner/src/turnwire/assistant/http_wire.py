"""HTTP/1.1 on one socket: requests in, and replies out. h11 keeps the rules, anyio the socket."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import anyio
import attrs
import h11
from anyio.abc import ByteStream

from turnwire.assistant.errors import BadRequest
from turnwire.assistant.framing import Event, to_json
from turnwire.assistant.routes import Streaming
from turnwire.assistant.stage import Outlet

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
DRAIN_S: Final = 1.0
"""How long a client that was told off may go on sending before it is dropped."""

Headers = list[tuple[str, str]]

_ORIGIN = re.compile(r"\Ahttps?://[^/?]*", re.IGNORECASE)


@attrs.frozen
class HttpRequest:
    """A request, with its body not yet read. Names of headers are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: h11.Request


class HttpWire:
    """The server's end of one HTTP connection.

    Every method may raise what anyio raises when the client is gone.
    """

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream
        self._h11 = h11.Connection(h11.SERVER)
        self._head_only = False

    async def next_request(self) -> HttpRequest | None:
        """The head of the next request; None when the client has no more.

        Raises:
            h11.RemoteProtocolError: what came is no HTTP.
        """
        event = await self._next_event()
        if not isinstance(event, h11.Request):
            return None
        self._head_only = event.method == b"HEAD"
        # A client behind a proxy may send the absolute form (RFC 9112 §3.2.2).
        target = _ORIGIN.sub("", event.target.decode("latin-1"))
        path, _, query = target.partition("?")
        headers: dict[str, str] = {}
        for name, value in event.headers:
            key, text = name.decode("ascii"), value.decode("latin-1")
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        return HttpRequest(
            event.method.decode("ascii"),
            unquote(path) or "/",
            dict(parse_qsl(query, keep_blank_values=True)),
            headers,
            event,
        )

    async def read_body(self) -> bytes:
        """The body of the request.

        Raises:
            BadRequest: it is larger than anybody has reason to send.
            h11.RemoteProtocolError: it is cut off, or not framed as HTTP has it.
        """
        if self._h11.they_are_waiting_for_100_continue:
            await self.send(h11.InformationalResponse(status_code=100, headers=[]))
        body = bytearray()
        while isinstance(event := await self._next_event(), h11.Data):
            body += event.data
            if len(body) > MAX_BODY_BYTES:
                raise BadRequest(f"The body is over {MAX_BODY_BYTES} bytes.", status=413)
        return bytes(body)

    async def send(self, event: h11.Event) -> None:
        """Write one event of HTTP."""
        if data := self._h11.send(event):
            await self.stream.send(data)

    async def respond(
        self, status: int, body: str, headers: Headers | None = None, *, cut: bool = False
    ) -> None:
        """Write a whole response; with ``cut``, only the head and half of the body."""
        data = body.encode()
        fields = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(data))),
            *(headers or []),
        ]
        await self.send(h11.Response(status_code=status, headers=fields))
        if not self._head_only:
            await self.send(h11.Data(data=data[: len(data) // 2] if cut else data))
        if not cut:
            await self.send(h11.EndOfMessage())

    def next_cycle(self) -> bool:
        """Get ready for another request; False if there can be none on this connection."""
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
            return True
        return False

    @property
    def may_respond(self) -> bool:
        """True if no response was begun yet."""
        return self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE)

    @property
    def trailing_data(self) -> bytes:
        """What came after the request that asked for an upgrade."""
        return self._h11.trailing_data[0]

    async def drain(self) -> None:
        """Say no more, and read for a short time until the client stops.

        Closing a socket with unread bytes resets it, and a reset can overtake the response
        (RFC 9112 §9.6).
        """
        await self.stream.send_eof()
        with anyio.move_on_after(DRAIN_S):
            await wait_until_gone(self.stream)

    async def _next_event(self) -> Any:
        while (event := self._h11.next_event()) is h11.NEED_DATA:
            try:
                data = await self.stream.receive()
            except anyio.EndOfStream:
                data = b""
            self._h11.receive_data(data)
        return event


async def wait_until_gone(stream: ByteStream) -> None:
    """Return when the client has hung up; what it still says is dropped."""
    try:
        while True:
            await stream.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass


class HttpOutlet(Outlet):
    """A reply as the body of a response."""

    def __init__(self, wire: HttpWire, streaming: Streaming) -> None:
        self._wire = wire
        self._streaming = streaming

    async def open(self) -> None:
        fields = [("Content-Type", self._streaming.content_type), ("Cache-Control", "no-store")]
        await self._wire.send(h11.Response(status_code=200, headers=fields))

    async def write(self, event: Event) -> None:
        await self._wire.send(h11.Data(data=self._streaming.frame(event)))

    async def end(self, *, complete: bool) -> None:  # noqa: ARG002 - both end alike
        await self._wire.send(h11.EndOfMessage())

    async def hang(self) -> None:
        await wait_until_gone(self._wire.stream)

    async def cut(self) -> None:
        # An unfinished body makes ``next_cycle`` false, and so the connection is closed.
        pass

    async def reject(self, status: int, body: dict[str, Any], retry_after: int | None) -> None:
        headers = [] if retry_after is None else [("Retry-After", str(retry_after))]
        await self._wire.respond(status, to_json(body), headers)

    async def document(self, text: str, *, cut: bool = False) -> None:
        await self._wire.respond(200, text, cut=cut)
