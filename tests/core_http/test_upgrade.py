"""From HTTP to another protocol on the same socket."""

from __future__ import annotations

from typing import Any

import anyio
import attrs
import pytest
from anyio.abc import SocketStream

from support.http_peer import TURN, Peer, reset, response, target
from support.raw_server import raw_server, read_http_request
from turnwire_core.contracts.connection import Auth, Limits, Milliseconds, Secret
from turnwire_core.contracts.driver import EndOfStream
from turnwire_core.errors import RejectedError, StreamBrokenError, TimeLimitError
from turnwire_core.http import HttpClient

pytestmark = pytest.mark.anyio

UPGRADE = {"Upgrade": "echo", "Connection": "Upgrade"}
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n"


async def test_after_101_bytes_go_both_ways() -> None:
    async def echo(stream: SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(SWITCH)
        async for data in stream:
            await stream.send(data)

    async with (
        raw_server(echo) as port,
        HttpClient(target(port, scheme="ws", limits=Limits())) as client,
        client.upgrade(TURN, headers=UPGRADE) as stream,
    ):
        await stream.send(b"ping")
        data, received_ns = await stream.receive()
        times = stream.times
        assert data == b"ping"
        assert stream.headers["UPGRADE"] == "echo"
        assert times.connected_ns is not None
        assert times.sent_ns is not None
        assert times.headers_ns is not None
        assert times.connected_ns < times.sent_ns < times.headers_ns < received_ns


async def test_bytes_that_come_with_the_head_are_not_lost() -> None:
    async def eager(stream: SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(SWITCH + b"hello")

    async with (
        raw_server(eager) as port,
        HttpClient(target(port)) as client,
        client.upgrade(TURN, headers=UPGRADE) as stream,
    ):
        data, received_ns = await stream.receive()
        assert data == b"hello"
        assert received_ns == stream.times.headers_ns
        for _ in range(2):
            with pytest.raises(EndOfStream):
                await stream.receive()


async def test_the_handshake_carries_headers_query_and_credentials() -> None:
    peer = Peer(SWITCH)
    connection = target(0)
    async with raw_server(peer) as port:
        auth = Auth(type="bearer", token=Secret("tok-123"))
        connection = target(port, "/live?v=1", auth=auth)
        turn = attrs.evolve(TURN, headers={"X-Who": "me of Bern"}, query={"model": "m 1"})
        async with (
            HttpClient(connection) as client,
            client.upgrade(turn, headers={**UPGRADE, "Sec-WebSocket-Key": "k"}),
        ):
            pass
    assert peer.lines[0] == "GET /live?v=1&model=m%201 HTTP/1.1"
    wanted = {"x-who: me of Bern", "authorization: Bearer tok-123", "sec-websocket-key: k"}
    assert wanted <= set(peer.lines)


async def test_a_configured_header_cannot_replace_the_protocols_own() -> None:
    peer = Peer(SWITCH)
    async with raw_server(peer) as port:
        turn = attrs.evolve(TURN, headers={"upgrade": "evil"})
        async with HttpClient(target(port)) as client, client.upgrade(turn, headers=UPGRADE):
            pass
    assert [line for line in peer.lines if line.startswith("upgrade:")] == ["upgrade: echo"]


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("200 OK", "That is no WebSocket"),
        ("403 Forbidden", "Check the credentials"),
        ("426 Upgrade Required", "check 'protocol'"),
        ("302 Found", "followRedirects"),
    ],
)
async def test_anything_but_101_is_a_rejection(status: str, advice: str) -> None:
    answer = response(b"no entry", status=status, headers=["Location: http://other.test/x"])
    async with raw_server(Peer(answer)) as port, HttpClient(target(port)) as client:
        with pytest.raises(RejectedError, match=advice) as caught:
            async with client.upgrade(TURN, headers=UPGRADE):
                pass
    assert caught.value.status == int(status[:3])
    assert caught.value.body == "no entry"


async def test_an_answer_that_never_comes_meets_the_connect_limit() -> None:
    async def silent(stream: SocketStream) -> None:
        await anyio.sleep_forever()

    async with (
        raw_server(silent) as port,
        HttpClient(target(port, limits=Limits(connect_ms=Milliseconds(100)))) as client,
    ):
        with pytest.raises(TimeLimitError, match="it did not answer") as caught:
            async with client.upgrade(TURN, headers=UPGRADE):
                pass
    assert caught.value.limit == "connect"


async def test_a_reset_breaks_the_stream() -> None:
    async def handler(stream: SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(SWITCH)
        await stream.receive()
        await reset(stream)

    async with (
        raw_server(handler) as port,
        HttpClient(target(port)) as client,
        client.upgrade(TURN, headers=UPGRADE) as stream,
    ):
        await stream.send(b"x")
        with pytest.raises((StreamBrokenError, EndOfStream)):
            await stream.receive()


async def test_sending_after_closing_is_a_broken_stream() -> None:
    async with (
        raw_server(Peer(SWITCH, b"")) as port,
        HttpClient(target(port)) as client,
        client.upgrade(TURN, headers=UPGRADE) as stream,
    ):
        await stream.aclose()
        with pytest.raises(StreamBrokenError):
            await stream.send(b"x")


async def test_several_tasks_may_send_while_one_receives() -> None:
    got = bytearray()
    everything: Any = anyio.Event()

    async def handler(stream: SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(SWITCH)
        while len(got) < 3 * 300_000:
            got.extend(await stream.receive())
        everything.set()
        await stream.send(b"all")

    async with (
        raw_server(handler) as port,
        HttpClient(target(port)) as client,
        client.upgrade(TURN, headers=UPGRADE) as stream,
    ):
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                for letter in (b"a", b"b", b"c"):
                    tasks.start_soon(stream.send, letter * 300_000)
                assert (await stream.receive())[0] == b"all"
    assert {bytes(got[i : i + 1]) for i in (0, 300_000, 600_000)} == {b"a", b"b", b"c"}
