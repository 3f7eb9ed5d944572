"""Plain clients for the built-in assistant: wsproto over an anyio socket, and SSE by splitting."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
from anyio.abc import SocketStream
from wsproto import ConnectionType, WSConnection
from wsproto import events as ws


def http_client(base_url: str) -> httpx.AsyncClient:
    """A client that does not spend 30 ms on reading certificates that it has no use for."""
    no_certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.AsyncClient(base_url=base_url, timeout=5, trust_env=False, verify=no_certificates)


def sse_events(text: str) -> list[tuple[str | None, Any]]:
    """(name, data) of each event; data is parsed where it is JSON, comments are left out."""
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if line)
        if "data" in lines:
            try:
                data = json.loads(lines["data"])
            except ValueError:
                data = lines["data"]
            found.append((lines.get("event"), data))
    return found


class Client:
    """A WebSocket client; ``receive`` gives texts, and the close as a CloseConnection."""

    def __init__(self, stream: SocketStream) -> None:
        self.stream = stream
        self.accepted: ws.AcceptConnection | None = None
        self._connection = WSConnection(ConnectionType.CLIENT)
        self._events: list[ws.Event] = []

    async def send(self, event: ws.Event | str) -> None:
        event = ws.TextMessage(event) if isinstance(event, str) else event
        await self.stream.send(self._connection.send(event))

    async def receive(self) -> ws.Event:
        """The next event; EndOfStream when the server hung up."""
        while not self._events:
            self._connection.receive_data(await self.stream.receive())
            self._events.extend(self._connection.events())
        return self._events.pop(0)

    async def text(self) -> str:
        event = await self.receive()
        assert isinstance(event, ws.TextMessage), event
        return event.data

    async def ask(self, message: str) -> str:
        """Send a message on ``/ws``, and return the whole reply."""
        await self.send(json.dumps({"message": message}))
        reply = ""
        while not (data := json.loads(await self.text())).get("done"):
            reply += data["content"]
        return reply


@asynccontextmanager
async def websocket(
    port: int, target: str = "/ws", *, protocols: Sequence[str] = (), headers: Any = ()
) -> AsyncIterator[Client]:
    """An open WebSocket; the socket is closed at the end, whatever state it is in."""
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        client = Client(stream)
        await client.send(
            ws.Request(
                host="127.0.0.1",
                target=target,
                subprotocols=list(protocols),
                extra_headers=list(headers),
            )
        )
        accepted = await client.receive()
        assert isinstance(accepted, ws.AcceptConnection), accepted
        client.accepted = accepted
        yield client
