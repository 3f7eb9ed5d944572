"""What a broken or hostile target does, and what is made of it. The rest is in the neighbours."""

from __future__ import annotations

import socket
import struct
import tracemalloc

import anyio
import pytest

from support.raw_server import raw_server, read_http_request
from support.ws_client import one_turn, open_session, read_turn, take, texts, turn
from support.ws_server import (
    BINARY,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Peer,
    close,
    frame,
    text,
    ws_server,
)
from turnwire_core.contracts.connection import Limits
from turnwire_core.errors import (
    ConnectError,
    FrameTooLarge,
    InvalidFrame,
    ProtocolError,
    RejectedError,
    StreamBrokenError,
    TimeLimitError,
)
from turnwire_core.secrets import Secrets

pytestmark = pytest.mark.anyio


# -- the handshake --------------------------------------------------------------------------------


async def test_a_refusal_brings_its_status_and_the_beginning_of_its_body() -> None:
    async def forbids(stream: anyio.abc.SocketStream) -> None:
        await read_http_request(stream)
        body = b'{"error": "no such key: sk-12345678"}' + b" " * 100_000
        head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        await stream.send(head + body)

    fields = {"secrets": Secrets(["sk-12345678"])}
    async with raw_server(forbids) as port:
        with pytest.raises(RejectedError) as caught:
            async with one_turn(f"ws://127.0.0.1:{port}/", fields=fields):
                pass
    assert caught.value.status == 403
    assert "no such key: ***" in caught.value.body
    assert len(caught.value.body) < 5000
    assert "sk-12345678" not in f"{caught.value} {caught.value.body}"


async def test_an_ordinary_page_is_no_websocket() -> None:
    async def page(stream: anyio.abc.SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

    async with raw_server(page) as port:
        with pytest.raises(RejectedError) as caught:
            async with one_turn(f"ws://127.0.0.1:{port}/"):
                pass
    assert caught.value.status == 200


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}, "Sec-WebSocket-Accept"),
        ({"headers": "Sec-WebSocket-Extensions: permessage-deflate\r\n"}, "permessage-deflate"),
        ({"protocol": "soap"}, "'soap'"),
        ({"protocol": "\x1b[2Jsoap"}, r"soap"),
    ],
)
async def test_a_handshake_that_answers_something_else_is_refused(
    answer: dict[str, str], said: str
) -> None:
    async def wrong(peer: Peer) -> None:
        await peer.handshake(**answer)  # type: ignore[arg-type]  # all of them are str
        await peer.wait_gone()

    async with ws_server(wrong, shake=False) as url:
        with pytest.raises(ProtocolError, match=said) as caught:
            async with one_turn(url, protocols=("chat",)):
                pass
    assert caught.value.phase == "connect"
    assert str(caught.value).isprintable()


async def test_an_offered_sub_protocol_is_accepted() -> None:
    async def chooses(peer: Peer) -> None:
        await peer.handshake(protocol="two")
        offered.append(peer.header("sec-websocket-protocol"))
        await peer.part()

    offered: list[str] = []
    async with ws_server(chooses, shake=False) as url, one_turn(url, protocols=("one", "two")):
        pass
    assert offered == ["one, two"]


async def test_a_refused_port_is_a_connect_error() -> None:
    async with ws_server(Peer.part) as url:
        pass
    with pytest.raises(ConnectError):
        async with one_turn(url):
            pass


async def test_a_handshake_that_is_never_answered_takes_no_longer_than_its_limit() -> None:
    async def mute(peer: Peer) -> None:
        await peer.wait_gone()

    async with ws_server(mute, shake=False) as url:
        with pytest.raises(TimeLimitError) as caught:
            async with one_turn(url, limits={"connect_ms": 100}):
                pass
    assert caught.value.limit == "connect"


async def test_a_connection_that_ends_in_the_handshake_is_broken() -> None:
    async def hangs_up(stream: anyio.abc.SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(b"HTTP/1.1 101 Switch")

    async with raw_server(hangs_up) as port:
        with pytest.raises((StreamBrokenError, ProtocolError)):
            async with one_turn(f"ws://127.0.0.1:{port}/"):
                pass


# -- frames ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        pytest.param(frame(PING, b"x" * 126), 1002, id="oversized ping"),
        pytest.param(frame(PING, b"x", fin=False), 1002, id="fragmented ping"),
        pytest.param(frame(TEXT, b"x", mask=b"mask"), 1002, id="masked"),
        pytest.param(frame(TEXT, b"x", rsv=4), 1002, id="reserved bit"),
        pytest.param(frame(3), 1002, id="reserved opcode"),
        pytest.param(frame(0xB), 1002, id="reserved control opcode"),
        pytest.param(frame(TEXT, b"\xff"), 1007, id="bad UTF-8"),
        pytest.param(
            frame(TEXT, b"\xe2", fin=False) + frame(CONTINUATION, b"x"), 1007, id="split bad UTF-8"
        ),
        pytest.param(frame(0x8, b"x"), 1002, id="close with one byte"),
        pytest.param(close(999), 1002, id="close 999"),
        pytest.param(close(1005), 1002, id="close 1005"),
        pytest.param(close(1006), 1002, id="close 1006"),
        pytest.param(frame(0x8, b"\x03\xe8\xff"), 1007, id="close with a bad reason"),
    ],
)
async def test_a_target_that_breaks_the_framing_is_told_so(fault: bytes, code: int) -> None:
    codes: list[int] = []

    async def breaks(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("before") + fault + text("after"))
        codes.append(await peer.receive_close())

    got: list[str | bytes] = []
    async with ws_server(breaks) as url, open_session(url) as session:
        with pytest.raises(InvalidFrame, match=f"\\({code}\\)"):
            await read_turn(session, got)
        assert got == ["before"]
    assert codes == [code]


async def test_a_frame_of_2_to_the_62_bytes_is_refused_before_anything_is_set_aside_for_it() -> (
    None
):
    codes: list[int] = []

    async def announces(peer: Peer) -> None:
        await peer.receive()
        await peer.send(frame(TEXT, b"x", length=2**62))
        codes.append(await peer.receive_close())

    async with ws_server(announces) as url, open_session(url) as session:
        tracemalloc.start()
        try:
            with pytest.raises(FrameTooLarge) as caught:
                async with session.exchange(turn()) as frames:
                    await take(frames, 1)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert codes == [1009]
    assert caught.value.limit_bytes == Limits().max_event_bytes
    assert peak < 10_000_000


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(frame(TEXT, b"x" * 60, fin=False) + frame(CONTINUATION, length=41), id="sum"),
        pytest.param(frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) * 5, id="fragments"),
        pytest.param(frame(BINARY, length=101), id="binary, though ignored"),
    ],
)
async def test_a_message_beyond_its_bounds_is_too_large(fault: bytes) -> None:
    codes: list[int] = []

    async def endless(peer: Peer) -> None:
        await peer.receive()
        await peer.send(fault)
        codes.append(await peer.receive_close())

    limits = {"max_event_bytes": 100}
    async with (
        ws_server(endless) as url,
        open_session(url, limits=limits, max_fragments=5) as session,
    ):
        with pytest.raises(FrameTooLarge, match="maxEventBytes"):
            async with session.exchange(turn()) as frames:
                await take(frames, 1)
    assert codes == [1009]


async def test_a_compressed_frame_is_refused_not_inflated() -> None:
    async def bomb(peer: Peer) -> None:
        await peer.receive()
        await peer.send(frame(TEXT, b"\xab" * 50, rsv=4))
        assert await peer.receive_close() == 1002

    async with ws_server(bomb) as url, open_session(url) as session:
        with pytest.raises(InvalidFrame):
            async with session.exchange(turn()) as frames:
                await take(frames, 1)


async def test_unsolicited_pongs_are_ignored() -> None:
    async def ponging(peer: Peer) -> None:
        await peer.send(frame(PONG) + frame(PONG, b"unasked"))
        await peer.receive()
        await peer.send(frame(PONG, b"again") + text("a"))
        await peer.part()

    async with ws_server(ponging) as url, one_turn(url) as frames:
        assert await texts(frames, 1) == ["a"]


async def test_a_violation_between_turns_costs_only_the_socket() -> None:
    broken = anyio.Event()

    async def breaks(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("a"))
        await peer.receive()
        await peer.send(text("b") + frame(3))
        assert await peer.receive_close() == 1002
        broken.set()

    async def well(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("c"))
        await peer.part()

    async with ws_server(breaks, well) as url, open_session(url) as session:
        for wanted in "ab":
            async with session.exchange(turn()) as frames:
                assert await texts(frames, 1) == [wanted]
        await broken.wait()
        async with session.exchange(turn()) as frames:
            assert await texts(frames, 1) == ["c"]


async def test_a_target_that_reset_the_connection_broke_the_stream() -> None:
    async def resets(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("half"))
        raw = peer.stream.extra(anyio.abc.SocketAttribute.raw_socket)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    got: list[str | bytes] = []
    async with ws_server(resets) as url, open_session(url) as session:
        with pytest.raises(StreamBrokenError):
            await read_turn(session, got)
        assert got == ["half"]
