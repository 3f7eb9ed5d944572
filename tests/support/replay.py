"""Servers on loopback that say again what a real one said.

``replay_response`` plays an HTTP recording, ``replay_socket`` a WebSocket one. Both hand out what
the client sent.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import attrs
import wsproto
from anyio.abc import SocketStream
from wsproto.events import AcceptConnection, CloseConnection, Message, Ping, Request, TextMessage

from support.raw_server import raw_server, read_http_request


@attrs.define
class Heard:
    """What a replaying server was told: heads of requests, and the JSON that came with them."""

    port: int = 0
    heads: list[str] = attrs.field(factory=list)
    bodies: list[Any] = attrs.field(factory=list)

    @property
    def origin(self) -> str:
        return f"127.0.0.1:{self.port}"


@asynccontextmanager
async def replay_response(*responses: bytes) -> AsyncIterator[Heard]:
    """Answer one request after the other with these bytes, each on a connection of its own."""
    heard = Heard()
    left = list(responses)

    async def handle(stream: SocketStream) -> None:
        head, body = await read_http_request(stream)
        heard.heads.append(head.decode())
        heard.bodies.append(json.loads(body) if body else None)
        await stream.send(left.pop(0))

    async with raw_server(handle) as heard.port:
        yield heard


def replay_socket(recording: bytes) -> AbstractAsyncContextManager[Heard]:
    """Play one recorded conversation: say the server's lines, wait at each of the client's."""
    return talk_script([json.loads(line) for line in recording.splitlines()])


@asynccontextmanager
async def talk_script(
    lines: Sequence[dict[str, Any]], *, subprotocol: str | None = None
) -> AsyncIterator[Heard]:
    """A WebSocket server that says ``{"server": text}`` and hears ``{"client": ...}``.

    With ``"binary": True`` the text goes out as a binary message; ``{"server": None}`` drops the
    connection. After the script it stays until the client closes.
    """
    heard = Heard()

    async def handle(stream: SocketStream) -> None:
        peer = _Peer(stream, subprotocol, heard)
        await peer.accept()
        for line in lines:
            if "client" in line:
                heard.bodies.append(await peer.hear())
            elif line["server"] is None:
                return
            else:
                text = line["server"]
                data = text.encode() if line.get("binary") else text
                await stream.send(peer.websocket.send(Message(data=data)))
        await peer.hear()

    async with raw_server(handle) as heard.port:
        yield heard


class _Peer:
    """The server's end of one WebSocket."""

    def __init__(self, stream: SocketStream, subprotocol: str | None, heard: Heard) -> None:
        self.stream = stream
        self.subprotocol = subprotocol
        self.heard = heard
        self.websocket = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
        self.messages: list[str] = []

    async def accept(self) -> None:
        head, _ = await read_http_request(self.stream)
        self.heard.heads.append(head.decode())
        self.websocket.receive_data(head)
        for event in self.websocket.events():
            assert isinstance(event, Request)
            accept = AcceptConnection(subprotocol=self.subprotocol)
            await self.stream.send(self.websocket.send(accept))

    async def hear(self) -> Any:
        """The client's next message: its JSON, or its text where it is none."""
        text = ""
        while True:
            for event in self._events():
                match event:
                    case TextMessage():
                        text += event.data
                        if event.message_finished:
                            return _as_json(text)
                    case CloseConnection():
                        await self.stream.send(self.websocket.send(event.response()))
                        return None
                    case Ping():
                        await self.stream.send(self.websocket.send(event.response()))
            self.websocket.receive_data(await self.stream.receive())

    def _events(self) -> Iterable[Any]:
        return self.websocket.events()


def _as_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
