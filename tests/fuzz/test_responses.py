"""Whatever a server answers, a turn ends in time, with a reply or with an error of ours.

The driver is asked directly too: :func:`open_conversation` turns errors into verdicts, and must not
be what hides a foreign one.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.abc import SocketStream
from hypothesis import example, given
from hypothesis import strategies as st

from support.fuzzing import damaged, fuzz_io, soup
from support.http_peer import TURN, read_all, reset, target
from support.raw_server import raw_server, read_http_request
from support.ws_server import Peer, frame
from turnwire_core import Connection, TurnwireError, Verdict, open_conversation, parse_connection
from turnwire_core.http import HttpClient

PATIENCE_S = 10.0
"""Several times what the limits of a turn add up to."""

LIMITS = {"connectMs": 2000, "firstContentMs": 150, "idleMs": 150, "closeMs": 200, "lingerMs": 50,
          "maxEventBytes": 2000, "maxReplyBytes": 5000}  # fmt: skip

HEAD_WORDS = [b"HTTP/1.1 ", b"HTTP/1.0 ", b"200 OK\r\n", b"204 No Content\r\n",
              b"101 Switching Protocols\r\n", b"100 Continue\r\n\r\n", b"503 \r\n",
              b"307 Moved\r\n", b"\r\n", b"\r\n\r\n", b"Location: /\r\n",
              b"Location: http://[\r\n", b"Content-Length: 5\r\n", b"Content-Length: -1\r\n",
              b"Content-Length: 99999999999999999999\r\n", b"Transfer-Encoding: chunked\r\n",
              b"Transfer-Encoding: gzip, chunked\r\n", b"Content-Encoding: gzip\r\n",
              b"Content-Encoding: br\r\n", b"Content-Type: text/event-stream\r\n",
              b"Content-Type: application/json; charset=\xff\r\n",
              b"Content-Type: application/x-ndjson\r\n", b"Set-Cookie: a=b; Domain=\x00\r\n",
              b"Retry-After: 9e9\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n",
              b"ffffffffffffffffffff\r\n", b"5;a=\"\r\n", b"data: {}\n\n",
              b'data: {"content": "hi"}\n\n', b"data: [DONE]\n\n", b'{"reply": "hi"}',
              b"\x1f\x8b\x08\x00", b"Connection: close\r\n", b"Upgrade: websocket\r\n",
              b" folded\r\n", b"A" * 500]  # fmt: skip

VALID = [
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n"
    b'{"reply": "hi"}',
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'19\r\ndata: {"content": "hi"}\n\n\r\ne\r\ndata: [DONE]\n\n\r\n0\r\n\r\n',
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n"
    b'{"content": "hi"}\n{"done": true}\n',
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 307 Go\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
]
answers = soup(HEAD_WORDS, max_size=14) | damaged(st.sampled_from(VALID))
endings = st.sampled_from(["close", "reset", "silence"])


@asynccontextmanager
async def answering(answer: bytes, ending: str) -> AsyncIterator[int]:
    """A server that says this to every request. Silence is kept for as long as the client stays."""

    async def serve(stream: SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(answer)
        if ending == "reset":
            await reset(stream)
        elif ending == "silence":
            await stream.receive()

    async with raw_server(serve) as port:
        yield port


def connection(protocol: str, port: int) -> Connection:
    rules = {"contentPath": "content", "finishPath": "done"}
    section: dict[str, Any] = {} if protocol == "http_chat" else {protocol: rules}
    mapping = {
        "base_url": f"http://127.0.0.1:{port}/",
        "timeoutMs": 500,
        "limits": LIMITS,
        **section,
    }
    return parse_connection(
        {**mapping, "protocol": protocol, "followRedirects": True}, environ={}, trust_env=False
    )


async def converse(protocol: str, answer: bytes, ending: str) -> None:
    with anyio.fail_after(PATIENCE_S):
        async with (
            answering(answer, ending) as port,
            open_conversation(connection(protocol, port)) as conversation,
        ):
            for _ in range(2):
                reply = await conversation.send("Hi")
                assert reply.ok or reply.error
                assert reply.verdict in Verdict
                assert len(reply.content.encode()) <= 5000


async def exchange(answer: bytes, ending: str, quoted: bool) -> None:
    with anyio.fail_after(PATIENCE_S):
        async with answering(answer, ending) as port:
            asked = target(port, follow_redirects=True)
            async with HttpClient(asked) as client:
                # The core bounds the reading of a body; here a silent one has to be left.
                with anyio.move_on_after(0.15):
                    with contextlib.suppress(TurnwireError):
                        async with client.exchange(TURN, body={}, accept="*/*") as reply:
                            await (reply.excerpt() if quoted else read_all(reply))


@pytest.mark.parametrize("protocol", ["http_chat", "sse"])
@fuzz_io
@given(answer=answers, ending=endings)
@example(
    answer=b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + b"[" * 4000,
    ending="close",
)
def test_a_turn_over_http(anyio_backend: str, protocol: str, answer: bytes, ending: str) -> None:
    anyio.run(converse, protocol, answer, ending, backend=anyio_backend)


@fuzz_io
@given(answer=answers, ending=endings, quoted=st.booleans())
def test_the_http_client(anyio_backend: str, answer: bytes, ending: str, quoted: bool) -> None:
    anyio.run(exchange, answer, ending, quoted, backend=anyio_backend)


frames = st.lists(
    st.builds(
        frame,
        st.sampled_from([0, 1, 1, 1, 2, 8, 9, 10, 3]),
        st.sampled_from([b'{"content": "hi"}', b'{"done": true}', b"{", b"\x03\xe8", b"\xff"]),
        fin=st.sampled_from([True, True, True, False]),
        rsv=st.sampled_from([0, 0, 0, 4]),
    )
    | st.binary(max_size=20),
    max_size=8,
).map(b"".join)


async def converse_on_a_socket(answer: bytes, ending: str) -> None:
    async def serve(stream: SocketStream) -> None:
        await Peer(stream).handshake(trailing=answer)
        if ending == "reset":
            await reset(stream)
        elif ending == "silence":
            while True:
                await stream.receive()

    with anyio.fail_after(PATIENCE_S):
        async with (
            raw_server(serve) as port,
            open_conversation(connection("websocket", port)) as conversation,
        ):
            for _ in range(2):
                reply = await conversation.send("Hi")
                assert reply.ok or reply.error


@fuzz_io
@given(answer=frames, ending=endings)
def test_a_turn_over_a_websocket(anyio_backend: str, answer: bytes, ending: str) -> None:
    anyio.run(converse_on_a_socket, answer, ending, backend=anyio_backend)


@fuzz_io
@given(answer=answers, ending=endings)
def test_an_upgrade(anyio_backend: str, answer: bytes, ending: str) -> None:
    anyio.run(converse, "websocket", answer, ending, backend=anyio_backend)
