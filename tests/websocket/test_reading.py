"""Who reads a socket: the task of the turn, or the attendant. Nothing is lost between the two."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
import trustme
from anyio.abc import SocketStream
from anyio.streams.tls import TLSStream

from support.raw_server import raw_server
from support.ws_client import one_turn, open_session, take, texts, turn
from support.ws_server import PING, PONG, TEXT, Peer, Script, frame, text, ws_server
from turnwire_core.contracts.connection import Tls
from turnwire_core.contracts.driver import FrameStream
from turnwire_core.errors import ReplyError, StreamBrokenError

pytestmark = pytest.mark.anyio

LONG = "x" * 5_000_000
"""More than the buffers of the system hold, where the reader's is kept small."""


def driver_tasks() -> list[str]:
    names = [task.name or "" for task in anyio.get_running_tasks()]
    return [name for name in names if "turnwire_websocket" in name]


async def test_the_task_of_the_turn_reads_and_answers_and_there_is_no_other() -> None:
    found: list[list[str]] = []

    async def asks(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("a"))
        for payload in (b"1", b"2"):
            await peer.send(frame(PING, payload))
            received = await peer.receive()
            assert (received.opcode, received.payload) == (PONG, payload)
            found.append(driver_tasks())
        await peer.send(text("b"))
        await peer.part()

    async with ws_server(asks) as url, one_turn(url) as frames:
        assert await texts(frames, 2) == ["a", "b"]
    assert found == [[], []]


async def test_between_turns_an_attendant_reads_who_is_gone_when_the_next_is_read() -> None:
    async def asks(peer: Peer) -> None:
        assert (await peer.receive()).opcode == TEXT
        await peer.send(text("a"))
        await over.wait()
        await peer.send(text("late") + frame(PING, b"?"))
        assert (await peer.receive()).opcode == PONG
        answered.set()
        await peer.receive()
        await peer.send(text("b"))
        await peer.part()

    over, answered = anyio.Event(), anyio.Event()
    async with ws_server(asks) as url, open_session(url) as session:
        async with session.exchange(turn()) as frames:
            assert await texts(frames, 1) == ["a"]
        assert len(driver_tasks()) == 1
        over.set()
        await answered.wait()
        async with session.exchange(turn()) as frames:
            assert await texts(frames, 1) == ["b"]
            assert not driver_tasks()


async def test_a_turn_that_is_read_no_more_is_attended_when_the_keepalive_is_due() -> None:
    async def asks(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("a"))
        await read.wait()
        await peer.send(text("b") + frame(PING, b"?"))
        while (received := await peer.receive()).opcode != PONG:
            await peer.send(frame(PONG, received.payload))
        answered.set()
        await peer.part()

    read, answered = anyio.Event(), anyio.Event()
    async with ws_server(asks) as url, one_turn(url, ping_interval_ms=20) as frames:
        assert await texts(frames, 1) == ["a"]
        read.set()
        await answered.wait()
        assert await texts(frames, 1) == ["b"]


async def test_both_sides_may_send_what_the_other_does_not_take_at_once() -> None:
    received: list[int] = []

    async def talks_first(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text(LONG))
        received.append(len((await peer.receive()).payload))
        await peer.part()

    limits = {"max_event_bytes": len(LONG)}
    async with ws_server(talks_first) as url, one_turn(url, "hi", LONG, limits=limits) as frames:
        assert await texts(frames, 1) == [LONG]
    assert received == [len(LONG)]


async def test_why_a_target_hung_up_is_found_though_only_a_write_failed() -> None:
    async def refuses(peer: Peer) -> None:
        await peer.send(frame(0x8, b"\x0f\xa1" + b"too long"))
        await peer.receive_close()

    async with ws_server(refuses) as url, open_session(url) as session:
        with pytest.raises((ReplyError, StreamBrokenError), match="4001: too long"):
            async with session.exchange(turn("x" * 20_000_000)) as frames:
                await take(frames, 1)


@asynccontextmanager
async def tls_server(script: Script, roots: Path) -> AsyncIterator[str]:
    """As ``ws_server``, over TLS; the file ``roots`` is made for the client."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(roots))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    async def serve(stream: SocketStream) -> None:
        tls = await TLSStream.wrap(
            stream, server_side=True, ssl_context=context, standard_compatible=False
        )
        peer = Peer(tls)
        await peer.handshake()
        await script(peer)

    async with raw_server(serve) as port:
        yield f"wss://localhost:{port}/"


COUNT = 200


async def counts(peer: Peer) -> None:
    """Number messages, send them in pieces that fit nothing, with pings among them."""
    await peer.receive()
    data = b"".join(text(f"{number}") + frame(PING, b"%d" % number) for number in range(COUNT))
    for start in range(0, len(data), 7):
        await peer.send(data[start : start + 7])
        if start % 5 == 0:
            await anyio.lowlevel.checkpoint()
    while (await peer.receive()).payload != b"%d" % (COUNT - 1):
        pass
    await peer.send(text("answered"))
    await peer.part()


async def impatiently(frames: FrameStream) -> list[str | bytes]:
    """All that comes, by a reader who gives up, and at times is not there at all."""
    got: list[str | bytes] = []
    tries = 0
    while "answered" not in got:
        tries += 1
        with anyio.move_on_after((0, 0, 0.001, 0.0001)[tries % 4]):
            while True:
                got.extend(one.data for one in await frames.receive())
        if tries % 3 == 0:
            await anyio.sleep(0.002)
    return got


@pytest.mark.parametrize("secured", [False, True])
async def test_giving_up_in_the_middle_loses_neither_a_message_nor_a_ping(
    secured: bool, tmp_path: Path
) -> None:
    roots = tmp_path / "roots.pem"
    server = tls_server(counts, roots) if secured else ws_server(counts)
    settings: dict[str, Any] = {"ping_interval_ms": 1}  # so the attendant comes and goes
    async with server as url:
        if secured:
            settings["fields"] = {"tls": Tls(ca_bundle=str(roots))}
        async with one_turn(url, **settings) as frames:
            got = await impatiently(frames)
    assert got == [*map(str, range(COUNT)), "answered"]
