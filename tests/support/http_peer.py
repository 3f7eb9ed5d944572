"""The server's side of HTTP/1.1, byte for byte as a test wants it."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Sequence
from typing import Any

import anyio
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.tls import TLSStream

from support.raw_server import Handler, read_http_request
from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.driver import EndOfStream
from turnwire_core.events import Turn
from turnwire_core.http import HttpResponse

TURN = Turn(index=0, message="hi", transcript=(), bodies=())


def target(port: int, path: str = "/chat", *, scheme: str = "http", **options: Any) -> Connection:
    """A connection to a server of the test, which looks at no environment unless told to."""
    options.setdefault("trust_env", False)
    host = "localhost" if scheme in ("https", "wss") else "127.0.0.1"
    return Connection(base_url=f"{scheme}://{host}:{port}{path}", **options)


def response(body: bytes = b"{}", *, status: str = "200 OK", headers: Sequence[str] = ()) -> bytes:
    """A whole response with a Content-Length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Peer:
    """Answers each request with the next of ``answers``, and keeps what it was asked.

    Its connections stay open until their answers are used up.
    """

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.connections = 0

    async def __call__(self, stream: SocketStream) -> None:
        self.connections += 1
        while self.answers:
            head, body = await read_http_request(stream)
            self.heads.append(head.decode())
            self.bodies.append(body)
            await stream.send(self.answers.pop(0))

    @property
    def lines(self) -> list[str]:
        """The head of the last request, line by line, with the names in lower case."""
        first, *rest = self.heads[-1].rstrip().split("\r\n")
        named = (line.partition(":") for line in rest)
        return [first, *(f"{name.lower()}:{value}" for name, _, value in named)]


def secured(handler: Handler, context: ssl.SSLContext) -> Handler:
    """``handler`` behind TLS. A client that does not come through the handshake is no error."""

    async def serve(stream: SocketStream) -> None:
        try:
            wrapped = await TLSStream.wrap(
                stream, server_side=True, ssl_context=context, standard_compatible=False
            )
            await handler(wrapped)  # type: ignore[arg-type]  # a stream of bytes all the same
        except ssl.SSLError:
            pass

    return serve


async def reset(stream: SocketStream) -> None:
    """Close with RST."""
    raw = stream.extra(SocketAttribute.raw_socket)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await anyio.aclose_forcefully(stream)


async def read_all(reply: HttpResponse) -> bytes:
    """The rest of a body."""
    data = b""
    while True:
        try:
            data += (await reply.receive())[0]
        except EndOfStream:
            return data
