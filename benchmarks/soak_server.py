"""A server that gives each conversation its own text, slowly, to a thousand at once.

One process over plain asyncio streams: it shares no code with what is tested on it. What it says
is a function of the message alone, so that the client can tell a reply of its own from another's.

    POST /chat    one JSON body       {"reply": "<all chunks>"}
    POST /stream  Server-Sent Events  {"content": "<chunk>"} …, {"done": true}
    GET  /ws      WebSocket           the same messages

A message is "CONVERSATION/TURN". A connection that carries two conversations, or the turns of one
in the wrong order, is answered with nonsense.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import random
import resource
import sys
import zlib

CHUNKS = 8
THINK_SECONDS = 2.0
GAP_SECONDS = 2.0
"""The longest waits before the first chunk and between chunks; they are half as long on average."""

CUT_SECONDS = 0.01
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def chunks(message: str) -> list[str]:
    """What is answered to a message: texts of different lengths, with characters of all widths."""
    texts = []
    for index in range(CHUNKS):
        mark = f"[{message}#{index}]"
        filler = "aé…𝕏" * (zlib.crc32(mark.encode()) % 60)
        texts.append(f"{mark}{filler}")
    return texts


def raise_descriptor_limit() -> None:
    """As many open files as the system lets us have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def main() -> None:
    raise_descriptor_limit()
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    # The end of our standard input is the end of the client, however it ended.
    await asyncio.to_thread(sys.stdin.read)
    server.close()


class Order:
    """Which conversation a connection belongs to, and how far it is."""

    def __init__(self) -> None:
        self._last: tuple[str, int] | None = None

    def admit(self, message: str) -> str:
        conversation, _, turn = message.partition("/")
        last, self._last = self._last, (conversation, int(turn))
        if last is not None and last != (conversation, int(turn) - 1):
            return f"out of order: {message} after {last}"
        return message


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    order = Order()
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            request, *lines = head.split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in _parts(lines)}
            if request.startswith("GET /ws"):
                await serve_websocket(reader, writer, headers["sec-websocket-key"], order)
                break
            body = json.loads(await reader.readexactly(int(headers["content-length"])))
            answer = chunks(order.admit(body["message"]))
            if request.startswith("POST /chat"):
                await send_document(writer, answer)
            else:
                await send_events(writer, answer)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def _parts(lines: list[str]) -> list[tuple[str, str, str]]:
    return [line.partition(":") for line in lines if line]


async def pause(longest: float) -> None:
    await asyncio.sleep(random.uniform(0, longest))


async def send(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Now and then in two pieces, cut anywhere: inside a character as well."""
    if random.random() < 0.25:
        cut = random.randrange(len(data))
        writer.write(data[:cut])
        await asyncio.sleep(CUT_SECONDS)
        data = data[cut:]
    writer.write(data)
    await writer.drain()


async def send_document(writer: asyncio.StreamWriter, answer: list[str]) -> None:
    await pause(THINK_SECONDS + GAP_SECONDS * (CHUNKS - 1))
    body = json.dumps({"reply": "".join(answer)}, ensure_ascii=False).encode()
    await send(
        writer,
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        % (len(body), body),
    )


async def send_events(writer: asyncio.StreamWriter, answer: list[str]) -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    async for message in messages(answer):
        event = b"data: " + message + b"\n\n"
        await send(writer, b"%x\r\n%b\r\n" % (len(event), event))
    writer.write(b"0\r\n\r\n")


async def messages(answer: list[str]):
    await pause(THINK_SECONDS)
    for index, text in enumerate(answer):
        if index:
            await pause(GAP_SECONDS)
        yield json.dumps({"content": text}, ensure_ascii=False).encode()
    yield b'{"done": true}'


async def serve_websocket(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str, order: Order
) -> None:
    accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest())
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    while True:
        first, second = await reader.readexactly(2)
        length = second & 0x7F
        if length == 126:
            length = int.from_bytes(await reader.readexactly(2), "big")
        mask = await reader.readexactly(4)
        masked = await reader.readexactly(length)
        payload = bytes(byte ^ mask[index % 4] for index, byte in enumerate(masked))
        match first & 0x0F:
            case 0x8:
                writer.write(bytes([0x88, len(payload)]) + payload)
                return
            case 0x9:
                writer.write(bytes([0x8A, len(payload)]) + payload)
            case 0x1:
                message = order.admit(json.loads(payload)["message"])
                async for event in messages(chunks(message)):
                    await send(writer, text_frame(event))


def text_frame(payload: bytes) -> bytes:
    if len(payload) < 126:
        return bytes([0x81, len(payload)]) + payload
    return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload


if __name__ == "__main__":
    asyncio.run(main())
