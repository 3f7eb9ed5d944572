"""What a broken or hostile peer does, and what we make of it."""

from __future__ import annotations

import re
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from anyio.abc import SocketStream

from support.http_peer import TURN, Peer, read_all, reset, response, target
from support.raw_server import raw_server, read_http_request
from turnwire_core.contracts.connection import ByteCount, Connection, Limits, Milliseconds
from turnwire_core.errors import (
    ConnectError,
    DriverError,
    FrameTooLarge,
    Phase,
    ProtocolError,
    StreamBrokenError,
    TimeLimitError,
)
from turnwire_core.http import HttpClient

pytestmark = pytest.mark.anyio


def says(*pieces: bytes, then: Callable[[SocketStream], Awaitable[None]] | None = None) -> Any:
    """Read a request, send the pieces, and close."""

    async def handler(stream: SocketStream) -> None:
        await read_http_request(stream)
        for piece in pieces:
            await stream.send(piece)
        if then is not None:
            await then(stream)

    return handler


async def failure(connection: Connection) -> DriverError:
    """The error that a turn ends with, within five seconds."""
    with anyio.fail_after(5):
        try:
            async with (
                HttpClient(connection) as client,
                client.exchange(TURN, body={}, accept="*/*") as reply,
            ):
                await read_all(reply)
        except DriverError as exc:
            return exc
    raise AssertionError("the turn went well")


async def failure_of(handler: Any, **options: Any) -> DriverError:
    async with raw_server(handler) as port:
        return await failure(target(port, **options))


async def test_closing_before_the_response_says_when() -> None:
    error = await failure_of(says())
    assert isinstance(error, StreamBrokenError)
    assert error.phase is Phase.HEADERS
    assert "closed the connection before it answered" in str(error)


async def test_a_reset_before_the_response_is_no_bare_os_error() -> None:
    error = await failure_of(says(then=reset))
    assert isinstance(error, StreamBrokenError)
    assert error.phase is Phase.HEADERS
    assert error.__cause__ is None or "Error" in type(error.__cause__).__name__


async def test_closing_inside_the_head_says_so() -> None:
    error = await failure_of(says(b"HTTP/1.1 200 OK\r\nContent-"))
    assert isinstance(error, StreamBrokenError)
    assert "in the middle of the response's head" in str(error)


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"Content-Length: 9\r\n\r\nabc", id="short-content-length"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", id="chunked-eof"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n9\r\nabc", id="cut-inside-a-chunk"),
    ],
)
@pytest.mark.parametrize("end", [None, reset], ids=["eof", "rst"])
async def test_a_body_cut_short_is_a_broken_stream(start: bytes, end: Any) -> None:
    error = await failure_of(says(b"HTTP/1.1 200 OK\r\n" + start, then=end))
    assert isinstance(error, StreamBrokenError)
    assert error.phase is Phase.STREAM
    assert not error.retryable
    assert "in the middle of the reply" in str(error)


async def test_a_broken_stream_stays_broken() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"
    async with (
        raw_server(says(head)) as port,
        HttpClient(target(port)) as client,
        client.exchange(TURN, accept="*/*") as reply,
    ):
        assert (await reply.receive())[0] == b"abc"
        for _ in range(2):
            with pytest.raises(StreamBrokenError):
                await reply.receive()


async def test_a_broken_chunk_size_breaks_the_rules_of_http() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    error = await failure_of(says(head, then=lambda stream: anyio.sleep_forever()))
    assert type(error) is ProtocolError
    assert "breaks the rules of HTTP" in str(error)


async def test_what_is_not_http_is_shown_in_a_line() -> None:
    error = await failure_of(says(b"\x1b[31mSSH-2.0 " + b"x" * 50_000 + b"\r\n\r\n"))
    assert type(error) is ProtocolError
    assert error.phase is Phase.HEADERS
    assert "did not answer with HTTP" in str(error)
    assert "SSH-2.0" in str(error)
    assert "\x1b" not in str(error)
    assert len(str(error)) < 400


async def test_a_tls_alert_in_plain_http_suggests_https() -> None:
    error = await failure_of(says(b"\x15\x03\x01\x00\x02\x02\x46"))
    assert "write https://" in str(error)


async def test_an_endless_head_is_cut_off() -> None:
    async def flood(stream: SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while True:
            await stream.send(b"x" * 65536)

    error = await failure_of(flood)
    assert type(error) is ProtocolError
    assert "too long" in str(error)


async def test_an_endless_body_meets_its_bound() -> None:
    async def flood(stream: SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await stream.send(b"x" * 65536)

    error = await failure_of(flood, limits=Limits(max_reply_bytes=ByteCount(300_000)))
    assert isinstance(error, FrameTooLarge)
    assert error.limit_bytes == 300_000


@pytest.mark.parametrize("status", ["204 No Content", "205 Reset Content"])
async def test_an_empty_answer_is_named(status: str) -> None:
    error = await failure_of(says(f"HTTP/1.1 {status}\r\n\r\n".encode()))
    assert type(error) is ProtocolError
    assert "empty answer" in str(error)


async def test_a_refused_port_says_what_to_look_at() -> None:
    error = await failure(target(1))
    assert isinstance(error, ConnectError)
    assert error.phase is Phase.CONNECT
    assert "http://127.0.0.1:1: connection refused. Is the server running" in str(error)
    assert isinstance(error.__cause__, ConnectionRefusedError)


async def test_an_unknown_host_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    connection = Connection(base_url="http://no-such.invalid/?key=s3cret", trust_env=False)
    error = await failure(connection)
    assert isinstance(error, ConnectError)
    assert "'no-such.invalid' (Name or service not known)" in str(error)
    assert "s3cret" not in str(error)


async def test_a_host_that_dns_cannot_write_is_no_crash() -> None:
    error = await failure(Connection(base_url=f"http://{'a' * 70}.test/", trust_env=False))
    assert isinstance(error, ConnectError | ProtocolError)


async def test_connecting_has_its_own_limit() -> None:
    async def silent(stream: SocketStream) -> None:
        await anyio.sleep_forever()

    async with raw_server(silent) as port:
        limits = Limits(connect_ms=Milliseconds(100))
        error = await failure(target(port, scheme="https", limits=limits))
    assert isinstance(error, TimeLimitError)
    assert (error.limit, error.phase) == ("connect", Phase.CONNECT)
    assert "within 0.1 s (limits.connectMs): the TLS handshake did not end" in str(error)


async def test_a_slow_answer_is_not_this_clients_to_judge() -> None:
    gate = anyio.Event()

    async def slow(stream: SocketStream) -> None:
        await read_http_request(stream)
        await gate.wait()
        await stream.send(response(b"late"))

    async with (
        raw_server(slow) as port,
        HttpClient(target(port, limits=Limits(connect_ms=Milliseconds(500)))) as client,
    ):
        with anyio.move_on_after(0.7) as scope:
            async with client.exchange(TURN, accept="*/*"):
                pass
        assert scope.cancelled_caught
        gate.set()


async def test_cancelled_reading_is_over_and_does_not_look_like_the_end() -> None:
    async def stall(stream: SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(b"HTTP/1.1 200 OK\r\n\r\nabc")
        await anyio.sleep_forever()

    async with (
        raw_server(stall) as port,
        HttpClient(target(port)) as client,
        client.exchange(TURN, accept="*/*") as reply,
    ):
        assert (await reply.receive())[0] == b"abc"
        with anyio.move_on_after(0.05) as scope:
            await reply.receive()
        assert scope.cancelled_caught
        with pytest.raises(StreamBrokenError):
            await reply.receive()


@pytest.mark.parametrize("handler", [says(), says(b"nonsense\r\n\r\n"), Peer(b"")])
async def test_no_message_holds_more_of_the_url_than_its_origin(handler: Any) -> None:
    async with raw_server(handler) as port:
        with anyio.move_on_after(0.3):
            error = await failure(target(port, "/secret-path?key=s3cret"))
            assert not re.search("s3cret|secret-path", str(error))
