"""The server's side of a WebSocket, byte for byte as a test wants it."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import attrs
from anyio.abc import ByteStream

from support.raw_server import raw_server, read_http_request

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = None,
    length: int | None = None,
) -> bytes:
    """A frame of RFC 6455 §5.2, or one that lies about its ``length``."""
    announced = len(payload) if length is None else length
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    second = 0x80 if mask else 0
    if announced < 126:
        head = struct.pack("!BB", first, second | announced)
    elif announced < 2**16:
        head = struct.pack("!BBH", first, second | 126, announced)
    else:
        head = struct.pack("!BBQ", first, second | 127, announced)
    return head + (mask or b"") + (masked(payload, mask) if mask else payload)


def text(content: str) -> bytes:
    return frame(TEXT, content.encode())


def message(**fields: Any) -> bytes:
    """A text message with a JSON object."""
    return text(json.dumps(fields))


def close(code: int | None = 1000, reason: str = "") -> bytes:
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason.encode())


def masked(data: bytes, mask: bytes) -> bytes:
    key = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(len(data), "big")


def accept_token(key: str) -> str:
    digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return base64.b64encode(digest).decode()


@attrs.frozen
class Received:
    """A frame of the client."""

    opcode: int
    payload: bytes
    fin: bool = True


class Peer:
    """One socket, seen from the server."""

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream
        self.request = b""
        self._buffer = bytearray()

    async def handshake(
        self, *, protocol: str | None = None, headers: str = "", accept: str | None = None,
        trailing: bytes = b"",
    ) -> None:  # fmt: skip
        """Read the request, if that is still to do, and answer 101.

        ``trailing`` is sent in the same write.
        """
        if not self.request:
            await self.read_request()
        answer = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n"
            "Connection: keep-alive, Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept or accept_token(self.header('sec-websocket-key'))}\r\n"
        )
        if protocol is not None:
            answer += f"Sec-WebSocket-Protocol: {protocol}\r\n"
        await self.stream.send(f"{answer}{headers}\r\n".encode() + trailing)

    async def read_request(self) -> None:
        self.request, _ = await read_http_request(self.stream)  # type: ignore[arg-type]  # reads only

    def header(self, name: str) -> str:
        """The value of a header of the request; empty if it is not there."""
        for line in self.request.decode().split("\r\n"):
            found, _, value = line.partition(":")
            if found.lower() == name:
                return value.strip()
        return ""

    async def send(self, data: bytes) -> None:
        await self.stream.send(data)

    async def receive(self) -> Received:
        """The next frame of the client, which must be masked (RFC 6455 §5.1)."""
        first, second = await self._exactly(2)
        assert second & 0x80, "a client must mask its frames"
        length = second & 0x7F
        if length >= 126:
            length = int.from_bytes(await self._exactly(2 if length == 126 else 8), "big")
        mask = await self._exactly(4)
        payload = masked(await self._exactly(length), mask)
        return Received(first & 0x0F, payload, bool(first & 0x80))

    async def receive_close(self) -> int:
        """Skip everything up to the client's Close; its code, 1005 without one."""
        while (received := await self.receive()).opcode != CLOSE:
            pass
        return int.from_bytes(received.payload[:2], "big") if received.payload else 1005

    async def part(self) -> int:
        """Take part in a closing handshake that the client begins; the code it gave."""
        code = await self.receive_close()
        await self.send(close(code if code != 1005 else None))
        return code

    async def wait_gone(self) -> None:
        """Wait until the client has hung up."""
        try:
            while True:
                await self.stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass

    async def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._buffer += await self.stream.receive()
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data


Script = Callable[[Peer], Awaitable[None]]


@asynccontextmanager
async def ws_server(*scripts: Script, shake: bool = True) -> AsyncIterator[str]:
    """Run a script for each socket, the last one also for all that follow; the value is the URL.

    With ``shake`` the handshake is done before the script begins.
    """
    number = 0

    async def handle(stream: ByteStream) -> None:
        nonlocal number
        script = scripts[min(number, len(scripts) - 1)]
        number += 1
        peer = Peer(stream)
        if shake:
            await peer.handshake()
        await script(peer)

    async with raw_server(handle) as port:
        yield f"ws://127.0.0.1:{port}/chat"
