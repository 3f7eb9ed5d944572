"""Pings of both sides, also while nobody reads."""

from __future__ import annotations

import socket
from time import perf_counter

import anyio
import pytest
from anyio.abc import SocketAttribute

from support.ws_client import one_turn, open_session, take, texts, turn
from support.ws_server import PING, PONG, TEXT, Peer, frame, text, ws_server
from turnwire_core.errors import StreamBrokenError

pytestmark = pytest.mark.anyio


async def test_pings_are_answered_with_their_payload() -> None:
    answered = anyio.Event()

    async def asks(peer: Peer) -> None:
        await peer.receive()
        for payload in (b"", b"one", b"x" * 125):
            await peer.send(frame(PING, payload))
            received = await peer.receive()
            assert (received.opcode, received.payload) == (PONG, payload)
        answered.set()
        await peer.part()

    async with ws_server(asks) as url, one_turn(url):
        await answered.wait()


async def test_pings_are_answered_between_turns_and_in_a_turn_that_nobody_reads() -> None:
    answered = [anyio.Event(), anyio.Event()]

    async def asks(peer: Peer) -> None:
        for event in answered:
            assert (await peer.receive()).opcode == TEXT
            await peer.send(text("a") + frame(PING, b"1") + frame(PING, b"2"))
            assert (await peer.receive()).payload == b"1"
            assert (await peer.receive()).payload == b"2"
            event.set()
        await peer.part()

    async with ws_server(asks) as url, open_session(url) as session:
        async with session.exchange(turn()) as frames:
            await answered[0].wait()
            assert await texts(frames, 1) == ["a"]
        async with session.exchange(turn()):
            pass
        await answered[1].wait()


async def test_our_own_pings_go_out_while_nobody_reads() -> None:
    pings: list[bytes] = []
    enough = anyio.Event()

    async def counts(peer: Peer) -> None:
        await peer.receive()
        while len(pings) < 3:
            received = await peer.receive()
            assert received.opcode == PING
            pings.append(received.payload)
            await peer.send(frame(PONG, received.payload))
        enough.set()
        await peer.part()

    async with ws_server(counts) as url, one_turn(url, ping_interval_ms=20):
        await enough.wait()
    assert len(set(pings)) == 3


async def test_a_target_that_is_silent_breaks_the_turn() -> None:
    async def silent(peer: Peer) -> None:
        await peer.receive()
        await peer.wait_gone()

    options = {"ping_interval_ms": 20, "ping_timeout_ms": 100}
    begun = perf_counter()
    async with ws_server(silent) as url, open_session(url, **options) as session:
        with pytest.raises(StreamBrokenError, match="pingTimeoutMs") as caught:
            async with session.exchange(turn()) as frames:
                await take(frames, 1)
    assert "silent" in str(caught.value)
    assert perf_counter() - begun > 0.1


async def test_a_target_that_was_silent_between_turns_is_replaced() -> None:
    async def silent(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("a"))
        await peer.wait_gone()
        gone.set()

    async def well(peer: Peer) -> None:
        while True:
            received = await peer.receive()
            if received.opcode == TEXT:
                await peer.send(text("b"))
            elif received.opcode == PING:
                await peer.send(frame(PONG, received.payload))

    gone = anyio.Event()
    options = {"ping_interval_ms": 20, "ping_timeout_ms": 100, "limits": {"close_ms": 100}}
    async with ws_server(silent, well) as url, open_session(url, **options) as session:
        async with session.exchange(turn()) as frames:
            assert await texts(frames, 1) == ["a"]
        await gone.wait()
        async with session.exchange(turn()) as frames:
            assert await texts(frames, 1) == ["b"]


async def test_any_byte_is_an_answer() -> None:
    async def talks(peer: Peer) -> None:
        await peer.receive()
        for _ in range(12):
            await anyio.sleep(0.02)
            await peer.send(text("a"))
        await peer.part()

    options = {"ping_interval_ms": 10, "ping_timeout_ms": 150}
    async with ws_server(talks) as url, one_turn(url, **options) as frames:
        assert len(await take(frames, 12)) == 12


async def test_a_reader_that_is_held_back_by_us_does_not_make_the_target_silent() -> None:
    payload = b"x" * 10_000

    async def floods(peer: Peer) -> None:
        await peer.receive()
        for _ in range(2000):
            await peer.send(frame(TEXT, payload))

    options = {"ping_interval_ms": 10, "ping_timeout_ms": 60}
    limits = {"max_event_bytes": 50_000, "close_ms": 100}
    async with ws_server(floods) as url, one_turn(url, limits=limits, **options) as frames:
        await anyio.sleep(0.3)  # several times the patience of a ping
        assert len(await take(frames, 100)) >= 100


async def test_keepalive_can_be_switched_off() -> None:
    async def silent(peer: Peer) -> None:
        received = await peer.receive()
        assert received.opcode == TEXT
        await peer.part()

    options = {"ping_interval_ms": None, "ping_timeout_ms": 20}
    async with ws_server(silent) as url, one_turn(url, **options) as frames:
        with anyio.move_on_after(0.1):
            await frames.receive()


async def test_a_target_that_takes_nothing_breaks_the_turn_that_is_being_sent() -> None:
    over = anyio.Event()

    async def deaf(peer: Peer) -> None:
        sock = peer.stream.extra(SocketAttribute.raw_socket)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)  # or it takes 32 MiB unread
        await peer.receive()  # asyncio reads on until somebody has once waited
        await peer.send(text("a"))
        await over.wait()

    # Asked for the first time when the message is already under way.
    options = {"ping_interval_ms": 150, "ping_timeout_ms": 200}
    async with ws_server(deaf) as url, open_session(url, **options) as session:
        async with session.exchange(turn()) as frames:
            await take(frames, 1)
        with pytest.raises(StreamBrokenError, match="takes no more"):
            async with session.exchange(turn("x" * 5_000_000)):
                pass
        over.set()
