"""One socket, many turns."""

from __future__ import annotations

import json
from time import perf_counter_ns

import anyio
import pytest

from support.ws_client import one_turn, open_session, read_turn, take, texts, turn
from support.ws_server import (
    BINARY,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Peer,
    frame,
    text,
    ws_server,
)
from turnwire_core.contracts.driver import EndOfStream, Session
from turnwire_core.errors import InvalidFrame, ReplyError

pytestmark = pytest.mark.anyio


async def echo(peer: Peer) -> None:
    """Answer every message with itself, and close when asked to."""
    while (received := await peer.receive()).opcode != 0x8:
        await peer.send(text(f"echo {received.payload.decode()}"))
    await peer.send(frame(0x8, received.payload))


async def test_a_turn_is_sent_and_its_frames_come_back_stamped() -> None:
    async with ws_server(echo) as url, open_session(url) as session:
        begun = perf_counter_ns()
        async with session.exchange(turn("hello")) as frames:
            (found,) = await take(frames, 1)
            times = frames.times
            assert times.connected_ns is not None
            assert times.sent_ns is not None
            assert begun <= times.connected_ns <= times.sent_ns
            assert times.headers_ns is None
            assert not frames.ends
    assert found.data == "echo hello"
    assert found.raw == len(text("echo hello"))
    assert begun <= found.received_ns <= perf_counter_ns()
    assert found.event is None
    assert not found.whole


async def test_all_turns_of_a_conversation_share_a_socket() -> None:
    sockets = 0

    async def counting(peer: Peer) -> None:
        nonlocal sockets
        sockets += 1
        await echo(peer)

    connected = []
    async with ws_server(counting) as url, open_session(url) as session:
        assert sockets == 0
        for content in ("one", "two", "three"):
            async with session.exchange(turn(content)) as frames:
                assert await texts(frames, 1) == [f"echo {content}"]
                connected.append(frames.times.connected_ns is not None)
    assert sockets == 1
    assert connected == [True, False, False]


async def test_a_socket_for_each_turn_is_opened_for_it_and_closed_after_it() -> None:
    codes: list[int] = []

    async def one_turn(peer: Peer) -> None:
        received = await peer.receive()
        await peer.send(text(f"echo {received.payload.decode()}"))
        codes.append(await peer.part())

    async with ws_server(one_turn) as url, open_session(url, socket_per="turn") as session:
        assert codes == []
        for content in ("one", "two"):
            async with session.exchange(turn(content)) as frames:
                assert frames.times.connected_ns is not None
                assert frames.times.sent_ns is not None
                assert frames.times.connected_ns <= frames.times.sent_ns
                assert await texts(frames, 1) == [f"echo {content}"]
    assert codes == [1000, 1000]


async def test_bodies_are_sent_in_order_as_compact_json_or_as_the_text_they_are() -> None:
    received: list[bytes] = []

    async def collect(peer: Peer) -> None:
        for _ in range(3):
            received.append((await peer.receive()).payload)
        await peer.send(text("ok"))
        await peer.part()

    async with ws_server(collect) as url, open_session(url) as session:
        bodies = ({"a": [1, "é"]}, "plain", {"s": "\ud800"})
        async with session.exchange(turn(*bodies)) as frames:
            await take(frames, 1)
    assert received == ['{"a":[1,"é"]}'.encode(), b"plain", b'{"s":"\\ud800"}']
    assert json.loads(received[2]) == {"s": "\ud800"}


@pytest.mark.parametrize("body", ["\ud800", {"a": float("nan")}, {"a": object()}])
async def test_what_cannot_be_sent_is_refused_before_it_is(body: object) -> None:
    async with ws_server(echo) as url, open_session(url) as session:
        with pytest.raises(InvalidFrame) as caught:
            async with session.exchange(turn(body)):
                pass
        assert caught.value.phase == "send"
        async with session.exchange(turn("still here")) as frames:
            assert await texts(frames, 1) == ["echo still here"]


async def test_one_read_gives_all_of_its_messages_with_one_stamp() -> None:
    async def burst(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("a") + text("b") + text("c"))
        await peer.part()

    async with ws_server(burst) as url, one_turn(url) as frames:
        batch = await frames.receive()
    assert [frame.data for frame in batch] == ["a", "b", "c"]
    assert len({frame.received_ns for frame in batch}) == 1


async def test_a_read_without_a_message_is_an_empty_sign_of_life() -> None:
    async def slowly(peer: Peer) -> None:
        await peer.receive()
        await peer.send(frame(TEXT, b"a", fin=False) + frame(PING, b"?"))
        assert (await peer.receive()).opcode == PONG
        await peer.send(frame(CONTINUATION, b"b"))
        await peer.part()

    async with ws_server(slowly) as url, one_turn(url) as frames:
        assert list(await frames.receive()) == []
        assert await texts(frames, 1) == ["ab"]


async def test_messages_in_the_packet_of_the_handshake_are_not_lost_to_the_reader() -> None:
    async def talkative(peer: Peer) -> None:
        await peer.handshake(trailing=frame(PING, b"early"))
        received = await peer.receive()
        assert (received.opcode, received.payload) == (PONG, b"early")
        await echo(peer)

    async with ws_server(talkative, shake=False) as url, one_turn(url, "x") as frames:
        assert await texts(frames, 1) == ["echo x"]


async def _after_a_ping(peer: Peer) -> None:
    """Everything sent so far has been read by the client when this returns."""
    await peer.send(frame(PING, b"barrier"))
    while (await peer.receive()).opcode != PONG:
        pass


async def test_late_frames_of_a_turn_are_not_counted_in_the_next() -> None:
    read = anyio.Event()

    async def late(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("first"))
        await peer.send(text("late") + text("later"))
        await _after_a_ping(peer)
        read.set()
        await echo(peer)

    async with ws_server(late) as url, open_session(url) as session:
        async with session.exchange(turn()) as frames:
            assert (await texts(frames, 1))[0] == "first"
        await read.wait()
        async with session.exchange(turn("second")) as frames:
            assert await texts(frames, 1) == ["echo second"]


async def test_what_waits_unread_when_a_turn_begins_is_dropped() -> None:
    sent = anyio.Event()

    async def late(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("first"))
        await peer.receive()
        sent.set()
        await echo(peer)

    async with ws_server(late) as url, open_session(url) as session:
        async with session.exchange(turn()) as frames:
            await take(frames, 1)
            # Nobody takes these before the turn is over.
        async with session.exchange(turn("drop me")) as frames:
            await sent.wait()
        async with session.exchange(turn("second")) as frames:
            assert await texts(frames, 1) == ["echo second"]


async def test_a_message_that_began_in_one_turn_and_ends_in_the_next_is_dropped() -> None:
    read = anyio.Event()

    async def straddling(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("first") + frame(TEXT, b"la", fin=False))
        await _after_a_ping(peer)
        read.set()
        received = await peer.receive()
        await peer.send(frame(CONTINUATION, b"te") + text(received.payload.decode()))
        await peer.part()

    async with ws_server(straddling) as url, open_session(url) as session:
        async with session.exchange(turn()) as frames:
            assert await texts(frames, 1) == ["first"]
        await read.wait()
        async with session.exchange(turn("second")) as frames:
            assert await texts(frames, 1) == ["second"]


async def break_off(session: Session, error: Exception) -> None:
    async with session.exchange(turn()) as frames:
        await take(frames, 1)
        raise error


async def test_an_exchange_left_by_an_exception_drops_its_socket() -> None:
    codes: list[int] = []

    async def abandoned(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("half an ans"))
        codes.append(await peer.receive_close())
        await peer.wait_gone()

    async with ws_server(abandoned, echo) as url, open_session(url) as session:
        with pytest.raises(LookupError, match="mine"):
            await break_off(session, LookupError("mine"))
        async with session.exchange(turn("next")) as frames:
            assert frames.times.connected_ns is not None
            assert await texts(frames, 1) == ["echo next"]
    assert codes == [1001]


async def test_a_socket_that_the_target_closed_between_turns_is_replaced() -> None:
    async def brief(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("only one"))
        await peer.receive()
        await peer.send(text("done") + frame(0x8, b"\x03\xe9going"))
        assert await peer.receive_close() == 1001
        gone.set()

    gone = anyio.Event()
    async with ws_server(brief, echo) as url, open_session(url) as session:
        async with session.exchange(turn()) as frames:
            assert await texts(frames, 1) == ["only one"]
        async with session.exchange(turn()) as frames:
            assert await texts(frames, 1) == ["done"]
        await gone.wait()
        async with session.exchange(turn("again")) as frames:
            assert frames.times.connected_ns is not None
            assert await texts(frames, 1) == ["echo again"]


async def test_binary_messages_are_passed_over_unless_told_otherwise() -> None:
    async def binary(peer: Peer) -> None:
        await peer.receive()
        await peer.send(frame(BINARY, b"\xff\x00") + text("text"))
        await peer.part()

    async with ws_server(binary) as url, one_turn(url) as frames:
        assert await texts(frames, 1) == ["text"]


async def test_binary_messages_are_read_as_text_on_request() -> None:
    async def binary(peer: Peer) -> None:
        await peer.receive()
        await peer.send(frame(BINARY, '{"a": "é"}'.encode()))
        await peer.part()

    async with ws_server(binary) as url, one_turn(url, binary="text") as frames:
        assert await texts(frames, 1) == ['{"a": "é"}']


@pytest.mark.parametrize(
    ("option", "payload", "said"),
    [("text", b"\xff", "not UTF-8"), ("error", b"fine", "binary message")],
)
async def test_binary_messages_that_are_not_wanted_end_the_turn(
    option: str, payload: bytes, said: str
) -> None:
    async def binary(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("before") + frame(BINARY, payload))
        codes.append(await peer.receive_close())

    codes: list[int] = []
    got: list[str | bytes] = []
    async with ws_server(binary) as url, open_session(url, binary=option) as session:
        with pytest.raises(InvalidFrame, match=said):
            await read_turn(session, got)
        assert got == ["before"]
    assert codes == [1003]


async def test_the_end_is_raised_again_on_every_later_call() -> None:
    async def ends(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("last") + frame(0x8, b"\x03\xe8"))
        await peer.receive_close()

    async with ws_server(ends) as url, one_turn(url) as frames:
        assert await texts(frames, 1) == ["last"]
        for _ in range(3):
            with pytest.raises(EndOfStream):
                await frames.receive()


async def test_a_target_that_closes_instead_of_listening_is_quoted() -> None:
    async def refuses(peer: Peer) -> None:
        await peer.send(frame(0x8, b"\x0f\xa1" + b"no such token"))
        await peer.receive_close()

    async with ws_server(refuses) as url, open_session(url, socket_per="turn") as session:
        with pytest.raises(ReplyError, match=r"4001: no such token"):
            async with session.exchange(turn()) as frames:
                await take(frames, 1)


async def test_frames_that_nobody_takes_are_bounded() -> None:
    written = 0
    payload = b"x" * 10_000

    async def flood(peer: Peer) -> None:
        nonlocal written
        await peer.receive()
        while True:
            await peer.send(frame(TEXT, payload))
            written += len(payload)

    limits = {"max_event_bytes": 100_000, "close_ms": 100}
    async with ws_server(flood) as url, one_turn(url, limits=limits) as frames:
        await take(frames, 1)
        steady = 0
        while written != steady:  # until the system's buffers are full as well
            steady = written
            await anyio.wait_all_tasks_blocked()
        while written == steady:
            await take(frames, 1)
