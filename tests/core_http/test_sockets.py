"""Connections whose reads are stamped: alike on both backends, though each has its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter_ns

import anyio
import pytest
from anyio.abc import SocketStream

from support.http_peer import reset
from support.raw_server import Handler, raw_server
from turnwire_core.http import _reach
from turnwire_core.http._sockets import StampedStream, connect

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def _both_ways() -> None:
    """These are below HTTP."""


@asynccontextmanager
async def connected(serve: Handler) -> AsyncIterator[StampedStream]:
    with anyio.fail_after(10):
        async with raw_server(serve) as port:
            stream = await connect("127.0.0.1", port)
            yield stream
            await stream.aclose()


async def read_to_end(stream: StampedStream, at_once: int = MIB) -> list[tuple[bytes, int]]:
    reads = []
    try:
        while True:
            reads.append((await stream.receive(at_once), stream.read_ns))
    except anyio.EndOfStream:
        return reads


async def test_what_came_while_nobody_read_is_read_in_its_order_and_then_the_end() -> None:
    async def serve(peer: SocketStream) -> None:
        for number in range(10):
            await peer.send(b"%d," % number)
            await anyio.sleep(0.002)

    async with connected(serve) as stream:
        await anyio.sleep(0.1)
        reads = await read_to_end(stream, at_once=3)
        assert b"".join(data for data, _ in reads) == b"0,1,2,3,4,5,6,7,8,9,"
        assert max(len(data) for data, _ in reads) <= 3
        stamps = [stamp for _, stamp in reads]
        assert stamps == sorted(stamps)
        assert stamps[-1] < perf_counter_ns()
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()


async def test_what_came_to_one_is_not_read_by_another() -> None:
    async def serve(peer: SocketStream) -> None:
        while True:
            await peer.send(await peer.receive())

    async with connected(serve) as first, connected(serve) as second:
        for size in (1, 100_000, 7):
            await first.send(b"1" * size)
            await second.send(b"2" * size)
            for stream, sign in ((second, b"2"), (first, b"1")):
                data = b""
                while len(data) < size:
                    data += await stream.receive()
                assert data == sign * size


async def test_a_target_is_held_back_while_nobody_reads() -> None:
    sent = 0
    all_sent = anyio.Event()

    async def serve(peer: SocketStream) -> None:
        nonlocal sent
        for _ in range(32):
            await peer.send(bytes(MIB))
            sent += MIB
        all_sent.set()

    async with connected(serve) as stream:
        with anyio.move_on_after(0.3):
            await all_sent.wait()
        assert sent < 32 * MIB
        assert sum(len(data) for data, _ in await read_to_end(stream)) == 32 * MIB


async def test_all_of_a_large_request_is_sent() -> None:
    received = 0
    ended = anyio.Event()

    async def serve(peer: SocketStream) -> None:
        nonlocal received
        async for data in peer:
            received += len(data)
        ended.set()

    async with connected(serve) as stream:
        await stream.send(bytes(16 * MIB))
        await stream.send_eof()
        await ended.wait()
    assert received == 16 * MIB


async def test_a_reset_is_no_end() -> None:
    asked = anyio.Event()

    async def serve(peer: SocketStream) -> None:
        await asked.wait()
        await reset(peer)

    async with connected(serve) as stream:
        asked.set()
        with pytest.raises(anyio.BrokenResourceError):
            await stream.receive()
        with pytest.raises(anyio.BrokenResourceError):
            await stream.send(b"more")


async def test_what_is_closed_is_neither_read_nor_written() -> None:
    async with connected(lambda _: anyio.sleep_forever()) as stream:
        async with anyio.create_task_group() as tasks:

            async def read() -> None:
                with pytest.raises(anyio.ClosedResourceError):
                    await stream.receive()

            tasks.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            await stream.aclose()
        with pytest.raises(anyio.ClosedResourceError):
            await stream.receive()
        with pytest.raises(anyio.ClosedResourceError):
            await stream.send(b"x")


async def test_reading_that_is_cancelled_loses_nothing() -> None:
    go_on = anyio.Event()

    async def serve(peer: SocketStream) -> None:
        await go_on.wait()
        await peer.send(b"late")

    async with connected(serve) as stream:
        with anyio.move_on_after(0.01):
            await stream.receive()
        go_on.set()
        assert await stream.receive() == b"late"


async def test_an_address_where_nobody_listens_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def addresses(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    monkeypatch.setattr(_reach, "_addresses", addresses)

    async def serve(peer: SocketStream) -> None:
        await peer.send(b"here")

    async with connected(serve) as stream:
        assert await stream.receive() == b"here"


async def test_where_no_address_answers_the_first_one_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def addresses(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.3"]

    monkeypatch.setattr(_reach, "_addresses", addresses)
    with anyio.fail_after(10), pytest.raises(ConnectionRefusedError):
        await connect("two.invalid", 1)
