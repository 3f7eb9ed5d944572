"""Stamps, raw bytes, and what is shown of them."""

from __future__ import annotations

import time

import anyio
import pytest
from anyio.abc import SocketStream
from hypothesis import given, settings
from hypothesis import strategies as st

import turnwire_core.http
from support.http_peer import TURN, Peer, read_all, response, target
from support.raw_server import raw_server, read_http_request
from turnwire_core.contracts.driver import WireTap
from turnwire_core.contracts.tap import FRAMES
from turnwire_core.http import HttpClient, excerpt_of, neutral
from turnwire_core.http._wire import Wire
from turnwire_core.secrets import Secrets

io = pytest.mark.anyio


class Tap(WireTap):
    def __init__(self) -> None:
        self.log: list[tuple[str, str, bytes]] = []
        self.stamps: list[int] = []

    def sent(self, at_ns: int, label: str, data: bytes) -> None:
        self.stamps.append(at_ns)
        self.log.append((">", label, data))

    def received(self, at_ns: int, label: str, data: bytes) -> None:
        self.stamps.append(at_ns)
        self.log.append(("<", label, data))


@io
async def test_stamps_follow_each_other_and_lie_inside_the_turn() -> None:
    async with raw_server(Peer(response(b"x"))) as port, HttpClient(target(port)) as client:
        start = time.perf_counter_ns()
        async with client.exchange(TURN, body={}, accept="*/*") as reply:
            _, received_ns = await reply.receive()
            times = reply.times
        stamps = [start, times.connected_ns, times.sent_ns, times.headers_ns, received_ns]
    assert None not in stamps
    assert stamps == sorted(stamps, key=lambda stamp: stamp or 0)
    assert received_ns < time.perf_counter_ns()


def test_an_answer_that_is_there_before_the_write_has_come_back_was_not_sent_too_early() -> None:
    wire = Wire(target(1))
    wire.sent_ns, wire.headers_ns = 300, 200
    assert wire.times.sent_ns == 200


@io
async def test_a_stamp_is_that_of_the_arrival_not_of_the_reading() -> None:
    second = anyio.Event()

    async def two_reads(stream: SocketStream) -> None:
        await read_http_request(stream)
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        await stream.send(head + b"1\r\na\r\n1\r\nb\r\n")
        await second.wait()
        await stream.send(b"1\r\nc\r\n0\r\n\r\n")

    async with (
        raw_server(two_reads) as port,
        HttpClient(target(port)) as client,
        client.exchange(TURN, accept="*/*") as reply,
    ):
        early = [await reply.receive()]
        await anyio.sleep(0.02)
        while len(early[0][0]) + len(early) < 3:  # httpcore hands out chunk by chunk
            early.append(await reply.receive())
        second.set()
        late = await reply.receive()
    assert b"".join(data for data, _ in early) == b"ab"
    assert {stamp for _, stamp in early} == {reply.times.headers_ns}
    assert late[0] == b"c"
    assert late[1] > early[0][1]


@io
async def test_what_one_read_brought_is_one_piece(http_path: str) -> None:
    async def many_chunks(stream: SocketStream) -> None:
        await read_http_request(stream)
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        await stream.send(head + b"2\r\nab\r\n" * 1000 + b"0\r\n\r\n")

    async with (
        raw_server(many_chunks) as port,
        HttpClient(target(port)) as client,
        client.exchange(TURN, accept="*/*") as reply,
    ):
        assert (await reply.receive())[0] == b"ab" * (1000 if http_path == "direct" else 1)
        await read_all(reply)


@io
async def test_the_tap_sees_the_bytes_of_the_wire() -> None:
    tap = Tap()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with (
        raw_server(Peer(head + b"2\r\nhi\r\n0\r\n\r\n")) as port,
        HttpClient(target(port, tap=tap)) as client,
        client.exchange(TURN, body={"a": 1}, accept="*/*") as reply,
    ):
        await read_all(reply)
    directions = [(direction, label) for direction, label, _ in tap.log]
    assert directions == [(">", "request"), (">", "body"), ("<", "response")]
    assert tap.log[0][2].startswith(b"POST /chat HTTP/1.1\r\n")
    assert tap.log[1][2] == b'{"a":1}'
    assert tap.log[2][2] == head + b"2\r\nhi\r\n0\r\n\r\n"
    assert tap.stamps == sorted(tap.stamps)


@io
async def test_of_an_upgraded_stream_the_tap_is_shown_only_what_comes() -> None:
    async def echo(stream: SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
        await stream.send(await stream.receive())

    tap = Tap()
    upgrade = {"Upgrade": "x", "Connection": "Upgrade"}
    async with (
        raw_server(echo) as port,
        HttpClient(target(port, tap=tap)) as client,
        client.upgrade(TURN, headers=upgrade) as stream,
    ):
        await stream.send(b"frame")
        await stream.receive()
    assert [label for _, label, _ in tap.log] == ["request", "response", FRAMES]


@io
async def test_headers_are_found_in_any_case_and_the_media_type_has_no_parameters() -> None:
    answer = response(b"", headers=["content-TYPE: Text/Event-Stream ; charset=UTF-8"])
    async with (
        raw_server(Peer(answer)) as port,
        HttpClient(target(port)) as client,
        client.exchange(TURN, accept="*/*") as reply,
    ):
        assert reply.headers["Content-Type"] == "Text/Event-Stream ; charset=UTF-8"
        assert reply.media_type == "text/event-stream"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\n\t b", "a b"),
        ("\x1b]0;x\x07", "\\x1b]0;x\\x07"),
        ("\u202eabc\u2066", "\\x202eabc\\x2066"),
        ("\u2028x\u0085", "x"),
        ("grüß 你好", "grüß 你好"),
    ],
)
def test_nothing_shown_is_obeyed_by_a_terminal(text: str, shown: str) -> None:
    assert neutral(text) == shown


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200), st.sampled_from([None, "utf-16", "no-such", "hex", "\x00"]))
def test_any_bytes_can_be_shown(data: bytes, charset: str | None) -> None:
    shown = excerpt_of(data, Secrets(["s3cret-value"]), limit=50, charset=charset)
    assert len(shown) <= 51
    assert shown.isprintable() or not shown


def test_the_public_names_are_these() -> None:
    assert turnwire_core.http.__all__ == [
        "Alarm",
        "Approach",
        "HttpAnswer",
        "HttpClient",
        "HttpResponse",
        "TlsFacts",
        "TokenStore",
        "Turnstile",
        "UpgradedStream",
        "call_once",
        "excerpt_of",
        "neutral",
        "prepare",
    ]
