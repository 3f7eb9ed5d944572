"""The driver against raw servers: what goes out, what comes back, and what can go wrong."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pluggy
import pytest
from anyio.abc import SocketAttribute, SocketStream

from support.raw_server import raw_server, read_http_request
from turnwire_core.contracts.connection import ByteCount, Connection, Limits, Request
from turnwire_core.contracts.driver import API_VERSION, EndOfStream, FrameStream, Session
from turnwire_core.errors import (
    FrameTooLarge,
    InvalidFrame,
    ProtocolError,
    RejectedError,
    StreamBrokenError,
)
from turnwire_core.events import Frame, Message, Turn
from turnwire_core.hookspecs import PROJECT, DriverHooks
from turnwire_core.secrets import Secrets
from turnwire_core.templates import Template
from turnwire_sse import SseDriver, SseOptions, plugin
from turnwire_sse.presets import PRESETS

HELLO = Message("user", "Hello")
EVENTS = b"data: 1\n\nevent: end\ndata: 2\n\n"


def make_connection(port: int = 1, **settings: Any) -> Connection:
    settings.setdefault("base_url", f"http://127.0.0.1:{port}/chat")
    settings.setdefault("options", SseOptions())
    return Connection(protocol="sse", name="target", trust_env=False, **settings)


def make_turn(body: Any = None, **settings: Any) -> Turn:
    body = {"message": "Hello"} if body is None else body
    return Turn(0, "Hello", (HELLO,), (body,), **settings)


def head(content_type: str | None = "text/event-stream", *headers: str, status: int = 200) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", *headers]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def response(
    body: bytes, content_type: str | None = "text/event-stream", status: int = 200
) -> bytes:
    return head(content_type, f"Content-Length: {len(body)}", status=status) + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@asynccontextmanager
async def server(*pieces: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Answer each connection's one request with ``pieces``; then close."""
    requests: list[bytes] = []

    async def handle(stream: SocketStream) -> None:
        requests.append(b"".join(await read_http_request(stream)))
        for piece in pieces:
            await stream.send(piece)

    async with raw_server(handle) as port:
        yield port, requests


@asynccontextmanager
async def exchange(connection: Connection, turn: Turn | None = None) -> AsyncIterator[FrameStream]:
    with anyio.fail_after(5):
        async with (
            SseDriver().connect(connection, connection.options) as session,
            session.exchange(turn or make_turn()) as stream,
        ):
            yield stream


async def collect(stream: FrameStream, frames: list[Frame]) -> None:
    """Put all frames into the list, until ``receive`` raises."""
    while True:
        frames += await stream.receive()


async def drain(stream: FrameStream) -> list[Frame]:
    frames: list[Frame] = []
    with pytest.raises(EndOfStream):
        await collect(stream, frames)
    return frames


async def frames_of(connection: Connection, turn: Turn | None = None) -> list[Frame]:
    async with exchange(connection, turn) as stream:
        return await drain(stream)


def seen(frames: Iterable[Frame]) -> list[tuple[str | bytes, str | None]]:
    return [(frame.data, frame.event) for frame in frames]


# --- What goes out ------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_turn_is_a_post_that_asks_for_an_event_stream() -> None:
    async with server(response(EVENTS)) as (port, requests):
        await frames_of(make_connection(port), make_turn(headers={"X-Trace": "7"}))
    line, _, rest = requests[0].partition(b"\r\n")
    fields, _, body = rest.partition(b"\r\n\r\n")
    assert line == b"POST /chat HTTP/1.1"
    lowered = fields.lower().split(b"\r\n")
    assert any(field.startswith(b"accept: text/event-stream, ") for field in lowered)
    assert b"content-type: application/json" in lowered
    assert b"x-trace: 7" in lowered
    assert json.loads(body) == {"message": "Hello"}


@pytest.mark.anyio
async def test_get_sends_the_query_and_no_body() -> None:
    async with server(response(EVENTS)) as (port, requests):
        connection = make_connection(port, request=Request(method="GET"))
        frames = await frames_of(connection, make_turn(query={"q": "Hello you"}))
    assert requests[0].startswith((b"GET /chat?q=Hello+you ", b"GET /chat?q=Hello%20you "))
    assert b"content-length" not in requests[0].lower()
    assert requests[0].endswith(b"\r\n\r\n")
    assert len(frames) == 2


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("wanted", "accept"),
    [
        ("sse", b"accept: text/event-stream\r\n"),
        ("ndjson", b"accept: application/x-ndjson, "),
        ("json", b"accept: application/json, "),
    ],
)
async def test_a_configured_format_is_what_is_asked_for(wanted: Any, accept: bytes) -> None:
    async with server(response(b"{}\n", "application/json")) as (port, requests):
        await frames_of(make_connection(port, options=SseOptions(format=wanted)))
    assert accept in requests[0].lower()


def test_the_default_body_asks_to_stream() -> None:
    assert SseDriver().default_body(SseOptions()) == {
        "message": "{{message}}",
        "transcript": "{{transcript}}",
        "persona": "{{persona}}",
        "stream": True,
    }


# --- What comes back ----------------------------------------------------------------------------


@pytest.mark.anyio
async def test_events_come_in_order_with_name_size_and_stamp() -> None:
    async with (
        server(response(EVENTS)) as (port, _),
        exchange(make_connection(port)) as stream,
    ):
        frames = await drain(stream)
        times = stream.times
    assert seen(frames) == [("1", None), ("2", "end")]
    assert [frame.raw for frame in frames] == [9, 20]
    assert times.headers_ns is not None
    assert all(frame.received_ns >= times.headers_ns for frame in frames)
    assert not any(frame.whole for frame in frames)


@pytest.mark.anyio
async def test_an_event_that_spans_reads_is_stamped_by_the_last() -> None:
    more = anyio.Event()

    async def handle(stream: SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(head() + b"data: 1\n\ndata: 2\n")
        await more.wait()
        await stream.send(b"\n")

    async with raw_server(handle) as port, exchange(make_connection(port)) as stream:
        (first,) = await stream.receive()
        more.set()
        (second,) = await stream.receive()
        assert (first.data, second.data) == ("1", "2")
        assert second.received_ns > first.received_ns


@pytest.mark.anyio
@pytest.mark.parametrize("beat", [b": keep-alive\n\n", b"event: ping\n\n", b"data: half"])
async def test_a_read_that_completes_nothing_is_an_empty_sign_of_life(beat: bytes) -> None:
    async with (
        server(head("text/event-stream", "Transfer-Encoding: chunked"), chunk(beat)) as (port, _),
        exchange(make_connection(port)) as stream,
    ):
        assert list(await stream.receive()) == []


@pytest.mark.anyio
async def test_the_end_is_told_again_on_every_call() -> None:
    async with server(response(EVENTS)) as (port, _), exchange(make_connection(port)) as stream:
        await drain(stream)
        for _ in range(2):
            with pytest.raises(EndOfStream):
                await stream.receive()


@pytest.mark.anyio
@pytest.mark.parametrize(
    "content_type",
    [
        "text/event-stream",
        "Text/Event-Stream",
        "TEXT/EVENT-STREAM; CHARSET=UTF-8",
        "text/event-stream;charset=latin-1",
        'text/event-stream; charset="windows-1252"',
        # web-platform-tests: format-mime-trailing-semicolon, format-mime-valid-bogus
        "text/event-stream;",
        "text/event-stream ;",
        "text/event-stream;x bogus",
        "text/event-stream;=;;charset",
    ],
)
async def test_an_event_stream_is_utf_8_whatever_its_content_type_says_besides(
    content_type: str,
) -> None:
    async with server(response("data: é\n\n".encode(), content_type)) as (port, _):
        assert seen(await frames_of(make_connection(port))) == [("é", None)]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-ndjson",
        "application/ndjson; charset=utf-8",
        "application/jsonl",
        "application/x-jsonlines",
        "application/stream+json",
    ],
)
async def test_ndjson_is_a_frame_a_line(content_type: str) -> None:
    async with server(response(b'{"a": 1}\r\n\n{"a": 2}', content_type)) as (port, _):
        frames = await frames_of(make_connection(port))
    assert seen(frames) == [('{"a": 1}', None), ('{"a": 2}', None)]
    assert not any(frame.whole for frame in frames)


@pytest.mark.anyio
@pytest.mark.parametrize("content_type", ["application/json", "application/problem+json"])
async def test_plain_json_is_one_whole_frame(content_type: str) -> None:
    async with server(response(b'{\n\n"a": 1}', content_type)) as (port, _):
        (frame,) = await frames_of(make_connection(port))
    assert (frame.data, frame.whole, frame.raw) == ('{\n\n"a": 1}', True, 10)
    assert frame.received_ns > 0


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("wanted", "body", "expected"),
    [
        ("sse", b"data: 1\n\n", ["1"]),
        ("ndjson", b"1\n2\n", ["1", "2"]),
        ("json", b"[1,\n2]", ["[1,\n2]"]),
    ],
)
async def test_a_configured_format_wins_over_the_content_type(
    wanted: Any, body: bytes, expected: list[str]
) -> None:
    async with server(response(body, "text/plain")) as (port, _):
        frames = await frames_of(make_connection(port, options=SseOptions(format=wanted)))
    assert [frame.data for frame in frames] == expected


@pytest.mark.anyio
async def test_broken_utf_8_is_replaced_and_the_stream_goes_on() -> None:
    async with server(response(b"data: a\xff\xe2\x82\n\ndata: b\n\n")) as (port, _):
        assert seen(await frames_of(make_connection(port))) == [
            ("a\ufffd\ufffd", None),
            ("b", None),
        ]


@pytest.mark.anyio
async def test_turns_follow_each_other_on_one_connection() -> None:
    connections = 0

    async def handle(stream: SocketStream) -> None:
        nonlocal connections
        connections += 1
        for number in (1, 2):
            await read_http_request(stream)
            await stream.send(response(b"data: %d\n\n" % number))

    async with raw_server(handle) as port:
        connection = make_connection(port)
        with anyio.fail_after(5):
            async with SseDriver().connect(connection, connection.options) as session:
                for expected in ("1", "2"):
                    async with session.exchange(make_turn()) as stream:
                        assert [frame.data for frame in await drain(stream)] == [expected]
    assert connections == 1


async def break_off(session: Session) -> None:
    async with session.exchange(make_turn()) as stream:
        await stream.receive()
        raise RuntimeError("enough")


@pytest.mark.anyio
async def test_events_of_a_turn_that_was_broken_off_never_reach_the_next() -> None:
    turns = 0

    async def handle(stream: SocketStream) -> None:
        nonlocal turns
        await read_http_request(stream)
        turns += 1
        await stream.send(head() + b"data: %d\n\n" % turns)
        await stream.send(b"data: late %d\n\n" % turns)

    async with raw_server(handle) as port:
        connection = make_connection(port)
        with anyio.fail_after(5):
            async with SseDriver().connect(connection, connection.options) as session:
                with pytest.raises(RuntimeError, match="enough"):
                    await break_off(session)
                async with session.exchange(make_turn()) as stream:
                    assert [frame.data for frame in await drain(stream)] == ["2", "late 2"]


# --- What is no reply ---------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("content_type", "body", "says"),
    [
        ("text/html", b"<!DOCTYPE html><p>Sign in</p>", r"'text/html'.*login page.*Sign in"),
        ("text/plain", b"<html>", r"'text/plain'.*web page"),
        ("text/event-stream-x", b"data: 1\n\n", r'event-stream-x.*"sse": \{"format": "sse"\}'),
        # web-platform-tests: format-mime-bogus
        ("text/event-streamx", b"data: 1\n\n", r'event-streamx.*"sse": \{"format": "sse"\}'),
        ("x bogus", b"data: 1\n\n", r'x bogus.*"sse": \{"format": "sse"\}'),
        ("text", b"data: 1\n\n", r'"sse": \{"format": "sse"\}'),
        ("text/event-stream x", b"data: 1\n\n", r'"sse": \{"format": "sse"\}'),
        ("", b"data: 1\n\n", r'"sse": \{"format": "sse"\}'),
        ("text/plain", b": hi\n\ndata: 1\n\n", r'event stream.*"sse": \{"format": "sse"\}'),
        ("text/plain", b'{"a": 1}\n', r'"sse": \{"format": "ndjson"\}'),
        ("image/png", b"\x89PNG", r"'image/png'.*Check the URL"),
        (None, b"data: 1\n\n", r"no Content-Type.*looks like an event stream"),
        (None, b"", r"no Content-Type.*It is empty"),
    ],
)
async def test_a_content_type_that_is_no_stream_says_what_to_write(
    content_type: str | None, body: bytes, says: str
) -> None:
    async with server(response(body, content_type)) as (port, _):
        with pytest.raises(
            InvalidFrame, match=rf"(?s)^http://127\.0\.0\.1:\d+ answered 200 .*{says}"
        ):
            await frames_of(make_connection(port))


@pytest.mark.anyio
async def test_the_excerpt_of_a_wrong_answer_is_short_masked_and_harmless() -> None:
    body = b"your key is hunter2hunter2 \x1b[2J" + b"x" * 100_000
    async with server(response(body, "text/plain")) as (port, _):
        with pytest.raises(InvalidFrame) as error:
            await frames_of(make_connection(port, secrets=Secrets(["hunter2hunter2"])))
    text = str(error.value)
    assert "your key is ***" in text
    assert "hunter2" not in text
    assert "\x1b" not in text
    assert len(text) < 1000


@pytest.mark.anyio
async def test_a_status_outside_2xx_is_no_reply_even_as_an_event_stream() -> None:
    async with server(response(EVENTS, status=500)) as (port, _):
        with pytest.raises(RejectedError) as error:
            await frames_of(make_connection(port))
    assert error.value.status == 500


@pytest.mark.anyio
async def test_204_is_an_error_and_is_asked_for_only_once() -> None:
    async with server(head(None, status=204)) as (port, requests):
        with pytest.raises(ProtocolError, match="204"):
            await frames_of(make_connection(port))
    assert len(requests) == 1


# --- What breaks off ----------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(
            [head("text/event-stream", "Transfer-Encoding: chunked"), chunk(b"data: 1\n\n")],
            id="the last chunk is missing",
        ),
        pytest.param(
            [
                head("text/event-stream", "Transfer-Encoding: chunked"),
                chunk(b"data: 1\n\n"),
                b"20\r\ndata: 2",
            ],
            id="cut inside a chunk",
        ),
        pytest.param(
            [head("text/event-stream", "Content-Length: 99"), b"data: 1\n\ndata: 2"],
            id="fewer bytes than announced",
        ),
    ],
)
async def test_a_body_that_is_cut_off_is_broken_after_its_whole_events(pieces: list[bytes]) -> None:
    async with server(*pieces) as (port, _), exchange(make_connection(port)) as stream:
        frames: list[Frame] = []
        with pytest.raises(StreamBrokenError):
            await collect(stream, frames)
        assert [frame.data for frame in frames] == ["1"]


@pytest.mark.anyio
async def test_a_reset_in_mid_stream_is_a_broken_stream() -> None:
    read = anyio.Event()

    async def handle(stream: SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(head() + b"data: 1\n\n")
        await read.wait()
        raw = stream.extra(SocketAttribute.raw_socket)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async with raw_server(handle) as port, exchange(make_connection(port)) as stream:
        assert [frame.data for frame in await stream.receive()] == ["1"]
        read.set()
        with pytest.raises(StreamBrokenError, match=r"\w"):
            await stream.receive()


@pytest.mark.anyio
async def test_a_clean_end_inside_an_event_discards_it_and_says_so() -> None:
    async with (
        server(head() + b"data: 1\n\n", b"data: half\n") as (port, _),
        exchange(make_connection(port)) as stream,
    ):
        frames: list[Frame] = []
        with pytest.raises(EndOfStream, match="inside an event: 11 bytes"):
            await collect(stream, frames)
        assert [frame.data for frame in frames] == ["1"]


@pytest.mark.anyio
@pytest.mark.parametrize("content_type", ["text/event-stream", "application/x-ndjson"])
async def test_an_endless_line_is_refused_at_its_bound(content_type: str) -> None:
    async def handle(stream: SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(head(content_type))
        while True:
            await stream.send(b"x" * 65536)

    limits = Limits(max_event_bytes=ByteCount(100_000))
    async with raw_server(handle) as port:
        with pytest.raises(FrameTooLarge, match="100,000 bytes") as error:
            await frames_of(make_connection(port, limits=limits))
    assert error.value.limit_bytes == 100_000


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("content_type", "body", "before"),
    [
        ("text/event-stream", b"data: 1\n\ndata: " + b"x" * 200 + b"\n\n", ["1"]),
        ("application/x-ndjson", b"1\n" + b"x" * 200, ["1"]),
        ("application/json", b"x" * 200, []),
    ],
)
async def test_what_came_before_a_frame_that_is_too_large_is_handed_out_first(
    content_type: str, body: bytes, before: list[str]
) -> None:
    limits = Limits(max_event_bytes=ByteCount(100))
    async with (
        server(response(body, content_type)) as (port, _),
        exchange(make_connection(port, limits=limits)) as stream,
    ):
        frames: list[Frame] = []
        for _ in range(2):
            with pytest.raises(FrameTooLarge):
                await collect(stream, frames)
        assert [frame.data for frame in frames] == before


# --- Configuration and plugin -------------------------------------------------------------------


def problems(**settings: Any) -> list[str]:
    connection = make_connection(**settings)
    return list(SseDriver().check(connection, connection.options))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"base_url": "wss://h/chat"}, '"protocol": "websocket"'),
        ({"base_url": "WS://h/chat"}, '"protocol": "websocket"'),
        ({"base_url": "ftp://h/chat"}, "http:// or https://"),
        ({"base_url": "h/chat"}, "http:// or https://"),
        ({"request": Request(bodies=(Template({}),))}, "'request.body'"),
        ({"request": Request(method="GET", body=Template({}))}, "'request.query'"),
        ({"request": Request(method="GET")}, '{"q": "{{message}}"}'),
        ({"request": Request(method="GET", query={"stream": Template("1")})}, "{{message}}"),
    ],
)
def test_a_connection_that_cannot_work_is_told_what_to_write(
    settings: dict[str, Any], says: str
) -> None:
    (problem,) = problems(**settings)
    assert says in problem


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"base_url": "https://h/chat"},
        {"request": Request(body=Template({"m": "{{message}}"}))},
        {"request": Request(method="GET", query={"q": Template("{{message}}")})},
        {"request": Request(method="GET"), "headers": {"X-Q": Template("{{message}}")}},
    ],
)
def test_a_connection_that_can_work_has_no_problems(settings: dict[str, Any]) -> None:
    assert problems(**settings) == []


def test_the_plugin_gives_the_driver_and_its_presets() -> None:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(DriverHooks)
    manager.register(plugin)
    manager.check_pending()
    driver = manager.hook.turnwire_driver()
    assert isinstance(driver, SseDriver)
    assert (driver.name, driver.api_version) == ("sse", API_VERSION)
    assert manager.hook.turnwire_presets() == [PRESETS]
