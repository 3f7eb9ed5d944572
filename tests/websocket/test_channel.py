"""One socket on its own, as a conformance suite drives it: every message is echoed."""

from __future__ import annotations

import anyio
import pytest

from support.ws_client import PATIENCE_S, connection, turn
from support.ws_server import BINARY, CLOSE, TEXT, Peer, Received, close, frame, text, ws_server
from turnwire_core.contracts.driver import EndOfStream
from turnwire_core.errors import DriverError, ReplyError, StreamBrokenError
from turnwire_websocket import WebSocketOptions
from turnwire_websocket.channel import Channel

pytestmark = pytest.mark.anyio


async def echo(url: str) -> None:
    """Answer each message with itself until the socket ends."""
    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            channel = Channel(connection(url), WebSocketOptions(), tasks)
            await channel.open(turn())
            channel.listen()
            try:
                while True:
                    for received in await channel.receive():
                        await channel.send(str(received.data))
            except (EndOfStream, DriverError):
                await channel.wait_closed()


async def answers(data: bytes) -> list[Received]:
    """What the client sends upon these bytes, sent in one packet, up to its Close."""
    received: list[Received] = []

    async def ask(peer: Peer) -> None:
        await peer.send(data)
        received.append(await peer.receive())
        while received[-1].opcode != CLOSE:
            received.append(await peer.receive())

    async with ws_server(ask) as url:
        await echo(url)
    return received


async def test_what_was_good_before_a_violation_is_answered_before_the_close() -> None:
    found = await answers(text("good") + frame(TEXT, b"bad", rsv=2) + frame(9, b"never"))
    assert found == [Received(TEXT, b"good"), Received(CLOSE, b"\x03\xea")]


async def test_what_was_good_before_a_close_is_answered_before_the_close() -> None:
    found = await answers(text("good") + close(1000))
    assert found == [Received(TEXT, b"good"), Received(CLOSE, b"\x03\xe8")]


async def test_bytes_are_sent_as_a_binary_message() -> None:
    received: list[Received] = []

    async def listens(peer: Peer) -> None:
        received.append(await peer.receive())
        await peer.part()

    async with ws_server(listens) as url, anyio.create_task_group() as tasks:
        channel = Channel(connection(url), WebSocketOptions(), tasks)
        await channel.open(turn())
        await channel.send(b"\xfe\x00")
        channel.close()
        await channel.wait_closed()
    assert received == [Received(BINARY, b"\xfe\x00")]


@pytest.mark.parametrize(
    ("ending", "error", "said"),
    [
        (close(1008, "no"), ReplyError, "1008: no"),
        (close(1000), StreamBrokenError, "closed the WebSocket before"),
    ],
)
async def test_nothing_is_sent_after_the_answer_to_a_close(
    ending: bytes, error: type[DriverError], said: str
) -> None:
    opcodes: list[int] = []

    async def closes(peer: Peer) -> None:
        opcodes.append((await peer.receive()).opcode)
        await peer.send(ending)
        while opcodes[-1] != CLOSE:
            opcodes.append((await peer.receive()).opcode)
        answered.set()
        await peer.stream.send_eof()
        with pytest.raises(anyio.EndOfStream):
            await peer.receive()

    answered = anyio.Event()
    async with ws_server(closes) as url, anyio.create_task_group() as tasks:
        channel = Channel(connection(url), WebSocketOptions(), tasks)
        await channel.open(turn())
        await channel.send("first")
        await answered.wait()
        with pytest.raises(error, match=said):
            await channel.send("second")
        await channel.wait_closed()
    assert opcodes == [TEXT, CLOSE]
