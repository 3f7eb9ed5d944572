"""The server's side of our three protocols, for the contract kit."""

from __future__ import annotations

import json

from anyio.abc import SocketStream

from support import ws_server
from support.http_peer import response
from support.raw_server import read_http_request
from turnwire_core.testing import Peer, Play

_LAST_CHUNK = b"0\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    """RFC 9112 §7.1."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class HttpPeer(Peer):
    """One request, and a response whose length is not known before its end."""

    content_type = ""

    def head(self) -> bytes:
        return (
            f"HTTP/1.1 200 OK\r\nContent-Type: {self.content_type}\r\n"
            "Transfer-Encoding: chunked\r\n\r\n"
        ).encode()

    def ending(self) -> bytes:
        return b"" if self.finished else _LAST_CHUNK

    def breach(self, text: str) -> bytes:
        return response(f"<html>{text}".encode(), headers=["Content-Type: text/html"])


class DocumentPeer(HttpPeer):
    """One JSON document, sent in pieces: ``{"reply":"`` and so on."""

    content_type = "application/json"

    def head(self) -> bytes:
        return super().head() + _chunk(b'{"reply":"')

    def frame(self, text: str) -> bytes:
        return _chunk(json.dumps(text, ensure_ascii=False)[1:-1].encode())

    def finish(self) -> bytes:
        return _chunk(b'"}') + _LAST_CHUNK


class EventStreamPeer(HttpPeer):
    """An event for each frame."""

    content_type = "text/event-stream"

    def frame(self, text: str) -> bytes:
        return _chunk(f"data: {json.dumps({'text': text}, ensure_ascii=False)}\n\n".encode())

    def finish(self) -> bytes:
        return _chunk(b'data: {"done": true}\n\n') + _LAST_CHUNK


async def answer_http(stream: SocketStream, play: Play, peer: type[HttpPeer]) -> None:
    """Request after request on one connection."""
    while True:
        _, body = await read_http_request(stream)
        await play(peer(stream, json.loads(body)["message"]))


async def reject_http(stream: SocketStream, reason: str) -> None:
    await read_http_request(stream)
    await stream.send(response(reason.encode(), status="403 Forbidden"))


class MessagePeer(Peer):
    """A WebSocket's messages; the handshake was before."""

    def frame(self, text: str) -> bytes:
        return ws_server.text(json.dumps({"text": text}, ensure_ascii=False))

    def finish(self) -> bytes:
        return ws_server.message(done=True)

    def ending(self) -> bytes:
        return ws_server.close(1000)

    def breach(self, text: str) -> bytes:
        return ws_server.close(4000, text[:120])


async def answer_ws(stream: SocketStream, play: Play) -> None:
    """Message after message on one socket, until the client closes it."""
    peer = ws_server.Peer(stream)
    await peer.handshake()
    message = b""
    while (received := await peer.receive()).opcode != ws_server.CLOSE:
        message += received.payload
        if received.fin and received.opcode in (ws_server.TEXT, ws_server.CONTINUATION):
            await play(MessagePeer(stream, json.loads(message)["message"]))
            message = b""
    await peer.send(ws_server.close(1000))
