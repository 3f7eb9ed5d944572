"""A message that the target does not take at once, and what is to be sent meanwhile."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, cast

import anyio
import pytest
from anyio.abc import SocketAttribute

from support.ws_client import open_session, take, texts, turn
from support.ws_server import PING, PONG, TEXT, Peer, frame, text, ws_server
from turnwire_core.errors import StreamBrokenError
from turnwire_websocket.outlet import Outlet

if TYPE_CHECKING:
    from turnwire_core.http import UpgradedStream

pytestmark = pytest.mark.anyio

LONG = "x" * 5_000_000
"""More than the buffers of the system hold, where the reader's is kept small."""


async def stop_reading(peer: Peer) -> None:
    """Leave unread what comes from now on."""
    sock = peer.stream.extra(SocketAttribute.raw_socket)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    await peer.receive()  # asyncio reads on until somebody has once waited
    await peer.send(text("first"))


async def test_what_is_asked_while_a_message_is_being_sent_is_answered_behind_it() -> None:
    received: list[tuple[int, int | bytes]] = []

    async def asks(peer: Peer) -> None:
        await stop_reading(peer)
        await begun.wait()
        await anyio.wait_all_tasks_blocked()  # the client, because we take nothing
        await peer.send(frame(PING, b"?"))
        # All of this is taken before we take anything, and so is the ping.
        await peer.send(text(LONG))
        message = await peer.receive()
        received.append((message.opcode, len(message.payload)))
        pong = await peer.receive()
        received.append((pong.opcode, pong.payload))
        await peer.part()

    begun = anyio.Event()
    limits = {"max_event_bytes": len(LONG)}
    async with ws_server(asks) as url, open_session(url, limits=limits) as session:
        async with session.exchange(turn()) as frames:
            assert await texts(frames, 1) == ["first"]
        begun.set()
        async with session.exchange(turn(LONG)) as frames:
            assert await texts(frames, 1) == [LONG]
    assert received == [(TEXT, len(LONG)), (PONG, b"?")]


async def test_a_message_that_was_broken_off_is_followed_by_nothing() -> None:
    received: list[bytes] = []

    async def asks(peer: Peer) -> None:
        await stop_reading(peer)
        await given_up.wait()
        await peer.send(frame(PING, b"?"))
        try:
            while True:
                received.append(await peer.stream.receive())
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            over.set()

    async def well(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("second"))
        await peer.part()

    given_up, over = anyio.Event(), anyio.Event()
    async with ws_server(asks, well) as url, open_session(url) as session:
        async with session.exchange(turn()) as frames:
            await take(frames, 1)
        with anyio.move_on_after(0.1) as scope:
            async with session.exchange(turn(LONG)):
                pass
        assert scope.cancelled_caught
        given_up.set()
        async with session.exchange(turn()) as frames:
            assert await texts(frames, 1) == ["second"]
        await over.wait()
    assert 0 < sum(map(len, received)) < len(LONG)


class Slow:
    """A stream that takes nothing before ``go``."""

    tap = None

    def __init__(self) -> None:
        self.go = anyio.Event()
        self.written: list[bytes] = []

    async def send(self, data: bytes) -> None:
        await self.go.wait()
        self.written.append(data)


async def test_of_the_answers_that_wait_for_a_message_only_the_last_are_sent() -> None:
    stream = Slow()
    outlet = Outlet(cast("UpgradedStream", stream), str)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(outlet.send, b"message", "message", "")
        await anyio.wait_all_tasks_blocked()
        for pong in (b"1" * 4000, b"2" * 4000, b"3"):
            outlet.owe(pong, "pong", b"")
            await outlet.flush()
        outlet.owe(b"0", "ping", b"")
        assert outlet.owes("ping")
        stream.go.set()
    assert stream.written == [b"message", b"0", b"2" * 4000 + b"3"]
    assert not outlet.owes("ping")


async def test_an_answer_goes_before_the_next_message_and_nothing_goes_behind_a_close() -> None:
    stream = Slow()
    stream.go.set()
    outlet = Outlet(cast("UpgradedStream", stream), str)
    outlet.owe(b"1", "pong", b"")
    await outlet.send(b"message", "message", "")
    outlet.owe(b"2", "pong", b"")
    await outlet.send(b"close", "close", "")
    await outlet.flush()
    assert stream.written == [b"1", b"message", b"close"]
    assert outlet.sealed
    with pytest.raises(StreamBrokenError):
        await outlet.send(b"message", "message", "")
