"""A server that answers requests as a test says, and remembers them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
from anyio.abc import SocketStream

from support.raw_server import raw_server, read_http_request


@attrs.define
class Asked:
    """One request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


@attrs.define
class Answers:
    """What the server says to everybody, and what it was asked."""

    url: str
    asked: list[Asked]
    status: int = 200
    body: Any = attrs.field(factory=lambda: {"id": 7, "state": "open", "items": [{"sku": "a"}]})
    """Bytes are sent as they are, anything else as JSON."""


@asynccontextmanager
async def answering_server() -> AsyncIterator[Answers]:
    """Run it; each connection carries one request."""

    async def serve(stream: SocketStream) -> None:
        head, body = await read_http_request(stream)
        first, *lines = head.decode().strip().split("\r\n")
        method, target, _ = first.split(" ", 2)
        pairs = (line.split(":", 1) for line in lines)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        answers.asked.append(Asked(method, target, headers, body))
        said = (
            answers.body if isinstance(answers.body, bytes) else json.dumps(answers.body).encode()
        )
        await stream.send(
            b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
            % (answers.status, len(said), said)
        )

    answers = Answers("", [])
    async with raw_server(serve) as port:
        answers.url = f"http://127.0.0.1:{port}"
        yield answers
