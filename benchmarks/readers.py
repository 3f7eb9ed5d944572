"""How each client reads one reply. The peers read bare: the loop of their manual, and no more.

A reader is made once for a process, entered, and called for each reply: ``await read(target,
note)``. ``note``, where it is given, takes the text of each event, for measures that look at
stamps; without it, nothing is done with an event but counting it. It returns the count.

Turnwire's reader is its whole pipeline: frames, JSON, rules, recorder, reply.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import perf_counter_ns
from typing import Any

Note = Callable[[str, int], None]
"""Takes an event's text, and when it arrived: by the client's own stamp, if it takes one."""


class Reader:
    """A client of one target. ``url`` begins with http and ends without a path."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def __aenter__(self) -> Reader:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def read(self, query: str, note: Note | None = None) -> int:
        raise NotImplementedError


class Turnwire(Reader):
    """A conversation of its own for each reply."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        from turnwire_core import Plugins

        self.plugins = Plugins()
        self._connection: Any = None

    def mapping(self) -> dict[str, Any]:
        """The connection as a config file has it."""
        raise NotImplementedError

    @property
    def connection(self) -> Any:
        """The one connection of all conversations. What each message says is its reply's plan."""
        if self._connection is None:
            self._connection = self._parsed(self.mapping())
        return self._connection

    async def read(self, query: str, note: Note | None = None) -> int:
        from turnwire_core import open_conversation

        on_chunk = None if note is None else (lambda chunk: note(chunk.text, chunk.received_ns))
        async with open_conversation(self.connection, plugins=self.plugins) as conversation:
            reply = await conversation.send(query, on_chunk=on_chunk)
        reply.raise_for_verdict()
        return reply.metrics.stream_chunks

    def _parsed(self, mapping: dict[str, Any]) -> Any:
        from turnwire_core import parse_connection

        limits = {"maxEventBytes": 1 << 26, "maxReplyBytes": 1 << 30, "maxEvents": 10_000_000}
        mapping |= {"timeoutMs": 600_000, "limits": limits}
        return parse_connection(mapping, plugins=self.plugins, trust_env=False)


class TurnwireSse(Turnwire):
    def mapping(self) -> dict[str, Any]:
        rules = {
            "contentPath": "choices[0].delta.content",
            "finishPath": "choices[0].finish_reason",
            "finishValue": ["stop", "length"],
        }
        return {"base_url": f"{self.url}/sse", "protocol": "sse", "sse": rules}


class TurnwireHttp(TurnwireSse):
    """No more of Turnwire than the bytes of the body, with their stamps."""

    async def read(self, query: str, note: Note | None = None) -> int:  # noqa: ARG002 - a layer has no texts
        return await self._counted(query, lambda data, _: data.count(b"\n\n"))

    async def _counted(self, query: str, events_in: Callable[[bytes, int], int]) -> int:
        from turnwire_core.contracts.driver import EndOfStream
        from turnwire_core.events import Turn
        from turnwire_core.http import HttpClient

        count = 0
        turn = Turn(0, query, (), ())
        async with (
            HttpClient(self.connection) as client,
            client.exchange(turn, body={"message": query}, accept="*/*") as body,
        ):
            try:
                while True:
                    count += events_in(*await body.receive())
            except EndOfStream:
                return count - 2


class TurnwireEvents(TurnwireHttp):
    """The body, and the events in it. Nobody reads what they say."""

    async def read(self, query: str, note: Note | None = None) -> int:  # noqa: ARG002 - a layer has no texts
        from turnwire_sse.decoding import EventStreamDecoder

        decoder = EventStreamDecoder(1 << 20)
        return await self._counted(query, lambda data, ns: len(decoder.feed(data, ns)))


class TurnwireWebSocket(Turnwire):
    def mapping(self) -> dict[str, Any]:
        rules = {"contentPath": "content", "finishPath": "done", "finishValue": True}
        url = f"{self.url.replace('http', 'ws', 1)}/ws"
        return {"base_url": url, "protocol": "websocket", "websocket": rules}


class TurnwireChat(Turnwire):
    """One conversation with many turns, as a test has them."""

    def mapping(self) -> dict[str, Any]:
        return {"base_url": f"{self.url}/chat"}

    @asynccontextmanager
    async def asking(self, query: str) -> AsyncIterator[Callable[[], Any]]:
        from turnwire_core import open_conversation

        async with open_conversation(self.connection, plugins=self.plugins) as conversation:

            async def ask() -> None:
                (await conversation.send(query)).raise_for_verdict()

            yield ask


class AsyncioRaw(Reader):
    """The floor of what waits in a task: a socket, and a future for each read of it."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._buffer = bytearray(1 << 18)

    async def read(self, query: str, note: Note | None = None) -> int:  # noqa: ARG002 - a layer has no texts
        loop = asyncio.get_running_loop()
        with socket.socket() as sock:
            sock.setblocking(False)
            host, port = self.url.removeprefix("http://").split(":")
            await loop.sock_connect(sock, (host, int(port)))
            await loop.sock_sendall(sock, f"POST /sse?{query} HTTP/1.1\r\n\r\n".encode())
            return await self._count(loop, sock) - 2

    async def _count(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> int:
        count, reads, ready = 0, deque[bytes](), loop.create_future()

        def readable() -> None:
            reads.append(bytes(self._buffer[: sock.recv_into(self._buffer)]))
            if not ready.done():
                ready.set_result(None)

        loop.add_reader(sock, readable)
        try:
            while True:
                await ready
                ready = loop.create_future()
                while reads:
                    data = reads.popleft()
                    count += data.count(b"\n\n")
                    if data.endswith(b"0\r\n\r\n"):
                        return count
        finally:
            loop.remove_reader(sock)


class HttpxSse(Reader):
    async def __aenter__(self) -> Reader:
        import httpx

        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        self.client = httpx.AsyncClient(timeout=None, limits=limits, trust_env=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def read(self, query: str, note: Note | None = None) -> int:
        from httpx_sse import aconnect_sse

        count = 0
        url = f"{self.url}/sse?{query}"
        async with aconnect_sse(self.client, "POST", url, json={"message": "Go"}) as source:
            async for event in source.aiter_sse():
                count += 1
                if note is not None and event.data != "[DONE]":
                    note(_delta(event.data), perf_counter_ns())
        return count - 2


class HttpxChat(HttpxSse):
    """One client shared by all who ask, and no bound on its connections."""

    @asynccontextmanager
    async def asking(self, query: str) -> AsyncIterator[Callable[[], Any]]:
        url = f"{self.url}/chat?{query}"

        async def ask() -> None:
            (await self.client.post(url, json={"message": "Go"})).raise_for_status().json()

        yield ask


class Aiohttp(Reader):
    async def __aenter__(self) -> Reader:
        import aiohttp

        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()


class AiohttpSse(Aiohttp):
    async def read(self, query: str, note: Note | None = None) -> int:
        count = 0
        url = f"{self.url}/sse?{query}"
        async with self.session.post(url, json={"message": "Go"}) as response:
            async for line in response.content:
                if line.startswith(b"data:"):
                    count += 1
                    if note is not None and not line.startswith(b"data: [DONE]"):
                        note(_delta(line[5:].decode()), perf_counter_ns())
        return count - 2


class AiohttpChat(Aiohttp):
    @asynccontextmanager
    async def asking(self, query: str) -> AsyncIterator[Callable[[], Any]]:
        url = f"{self.url}/chat?{query}"

        async def ask() -> None:
            async with self.session.post(url, json={"message": "Go"}) as response:
                await response.json()

        yield ask


class OpenAi(Reader):
    async def __aenter__(self) -> Reader:
        import httpx
        import openai

        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        http = httpx.AsyncClient(timeout=None, limits=limits, trust_env=False)
        self.client = openai.AsyncOpenAI(
            api_key="none", base_url=f"{self.url}/sse", http_client=http, max_retries=0
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    async def read(self, query: str, note: Note | None = None) -> int:
        count = 0
        plan = dict(pair.split("=") for pair in query.split("&"))
        stream = await self.client.chat.completions.create(
            model="bench",
            messages=[{"role": "user", "content": "Go"}],
            stream=True,
            extra_query=plan,
        )
        async for chunk in stream:
            count += 1
            if note is not None and chunk.choices[0].delta.content:
                note(chunk.choices[0].delta.content, perf_counter_ns())
        return count - 1


class Websockets(Reader):
    async def read(self, query: str, note: Note | None = None) -> int:
        from websockets.asyncio.client import connect

        count = 0
        url = f"{self.url.replace('http', 'ws', 1)}/ws?{query}"
        async with connect(url, compression=None, proxy=None) as socket:
            await socket.send('{"message": "Go"}')
            async for message in socket:
                if message.endswith('"done":true}'):
                    break
                count += 1
                if note is not None:
                    note(json.loads(message)["content"], perf_counter_ns())
        return count


class AiohttpWebSocket(Aiohttp):
    async def read(self, query: str, note: Note | None = None) -> int:
        count = 0
        async with self.session.ws_connect(f"{self.url}/ws?{query}", compress=0) as socket:
            await socket.send_str('{"message": "Go"}')
            async for message in socket:
                if message.data.endswith('"done":true}'):
                    break
                count += 1
                if note is not None:
                    note(json.loads(message.data)["content"], perf_counter_ns())
        return count


def _delta(data: str) -> str:
    return json.loads(data)["choices"][0]["delta"].get("content", "")


READERS: dict[str, type[Reader]] = {
    "turnwire-sse": TurnwireSse,
    "turnwire-http": TurnwireHttp,
    "turnwire-events": TurnwireEvents,
    "asyncio-raw": AsyncioRaw,
    "httpx-sse": HttpxSse,
    "aiohttp-sse": AiohttpSse,
    "openai": OpenAi,
    "turnwire-ws": TurnwireWebSocket,
    "websockets": Websockets,
    "aiohttp-ws": AiohttpWebSocket,
    "turnwire-chat": TurnwireChat,
    "httpx-chat": HttpxChat,
    "aiohttp-chat": AiohttpChat,
}
