"""The closing handshake (RFC 6455 §7), from both sides."""

from __future__ import annotations

from time import perf_counter

import anyio
import pytest

from support.ws_client import one_turn, open_session, read_turn, take, texts, turn
from support.ws_server import CLOSE, PING, Peer, close, frame, text, ws_server
from turnwire_core.contracts.driver import EndOfStream
from turnwire_core.errors import ReplyError, StreamBrokenError
from turnwire_core.secrets import Secrets

pytestmark = pytest.mark.anyio


async def test_a_conversation_ends_with_a_closing_handshake_and_the_target_hangs_up_first() -> None:
    codes: list[int] = []

    async def polite(peer: Peer) -> None:
        codes.append(await peer.part())

    async with ws_server(polite) as url, one_turn(url):
        pass
    assert codes == [1000]


async def test_frames_on_the_way_do_not_disturb_the_closing() -> None:
    codes: list[int] = []

    async def busy(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("a"))
        codes.append(await peer.receive_close())
        await peer.send(text("late") + frame(PING, b"late") + b"\x83\x00" + close())

    async with ws_server(busy) as url, one_turn(url) as frames:
        await take(frames, 1)
    assert codes == [1000]


async def test_a_target_that_never_closes_is_dropped_after_the_limit() -> None:
    gone: list[float] = []
    noticed = anyio.Event()

    async def stubborn(peer: Peer) -> None:
        assert await peer.receive_close() == 1000
        begun = perf_counter()
        await peer.wait_gone()
        gone.append(perf_counter() - begun)
        noticed.set()

    async with ws_server(stubborn) as url:
        async with one_turn(url, limits={"close_ms": 200}):
            pass
        with anyio.fail_after(5):
            await noticed.wait()
    assert 0.1 < gone[0] < 2


async def test_a_target_that_reads_nothing_is_dropped_after_the_limit() -> None:
    async def deaf(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("a"))
        await peer.wait_gone()

    begun = perf_counter()
    async with ws_server(deaf) as url, one_turn(url, limits={"close_ms": 200}) as frames:
        await take(frames, 1)
    assert perf_counter() - begun < 2


@pytest.mark.parametrize("code", [1000, 1001, None])
async def test_a_clean_close_is_the_end_of_the_stream_and_is_answered(code: int | None) -> None:
    codes: list[int] = []

    async def closes(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("all") + close(code))
        codes.append(await peer.receive_close())

    async with ws_server(closes) as url, one_turn(url) as frames:
        assert await texts(frames, 1) == ["all"]
        with pytest.raises(EndOfStream):
            await frames.receive()
    assert codes == [code or 1005]


@pytest.mark.parametrize("code", [1002, 1008, 1011, 1014, 3000, 4401])
async def test_any_other_close_is_an_error_with_code_and_reason(code: int) -> None:
    codes: list[int] = []

    async def closes(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("half") + close(code, "quota exceeded"))
        codes.append(await peer.receive_close())

    got: list[str | bytes] = []
    async with ws_server(closes) as url, open_session(url) as session:
        with pytest.raises(ReplyError, match=f"{code}: quota exceeded") as caught:
            await read_turn(session, got)
        assert got == ["half"]
        assert caught.value.phase == "stream"
    assert codes == [code]


async def test_a_reason_is_untrusted_text() -> None:
    async def hostile(peer: Peer) -> None:
        await peer.receive()
        await peer.send(close(4000, "\x1b[2J\r\nkey sk-12345678 \u202egnp"))
        await peer.receive_close()

    fields = {"secrets": Secrets(["sk-12345678"])}
    async with ws_server(hostile) as url, open_session(url, fields=fields) as session:
        with pytest.raises(ReplyError) as caught:
            async with session.exchange(turn()) as frames:
                await take(frames, 1)
    said = str(caught.value)
    assert "4000" in said
    assert "***" in said
    assert "sk-12345678" not in said
    assert said.isprintable()


async def test_tcp_dropped_without_a_close_breaks_the_stream_and_keeps_what_came() -> None:
    async def drops(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("half an"))

    got: list[str | bytes] = []
    async with ws_server(drops) as url, open_session(url) as session:
        with pytest.raises(StreamBrokenError, match="1006"):
            await read_turn(session, got)
        assert got == ["half an"]


async def test_nothing_is_sent_after_a_close_frame() -> None:
    opcodes: list[int] = []

    async def closes(peer: Peer) -> None:
        await peer.receive()
        await peer.send(frame(PING, b"before") + close(1000) + frame(PING, b"after"))
        while (received := await peer.receive()).opcode != CLOSE:
            opcodes.append(received.opcode)

    async with ws_server(closes) as url, open_session(url) as session:
        with pytest.raises(EndOfStream):
            async with session.exchange(turn()) as frames:
                await take(frames, 1)
    assert opcodes == []
