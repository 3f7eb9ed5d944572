"""The server itself: its addresses, rude clients, and its end."""

from __future__ import annotations

import resource
import socket
import struct
import subprocess
import sys
from contextlib import AsyncExitStack, suppress

import anyio
import pytest
from anyio.abc import ByteStream, SocketAttribute

from support.assistant_client import http_client, websocket
from turnwire.assistant import serve_assistant
from turnwire.assistant import server as server_module

pytestmark = pytest.mark.anyio

STORY = b'{"message": "a story"}'


def request(
    target: bytes = b"/chat/stream", version: bytes = b"HTTP/1.1", extra: bytes = b""
) -> bytes:
    head = b"POST %s %s\r\nHost: a\r\n%sContent-Length: %d\r\n\r\n"
    return head % (target, version, extra, len(STORY)) + STORY


async def read_to_the_end(stream: ByteStream) -> bytes:
    """All that the server says until it hangs up, in whatever way."""
    received = b""
    with anyio.fail_after(5), suppress(anyio.EndOfStream, anyio.BrokenResourceError):
        while True:
            received += await stream.receive()
    return received


async def response_to(port: int, data: bytes) -> bytes:
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(data)
        return await read_to_the_end(stream)


async def is_well(port: int) -> bool:
    async with http_client(f"http://127.0.0.1:{port}") as http:
        response = await http.post("/chat", json={"message": "Hello"})
    return response.status_code == 200


async def test_says_where_it_is():
    async with serve_assistant() as server:
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert server.ws_url == f"ws://127.0.0.1:{server.port}"
        assert repr(server) == f"<Assistant at {server.url}>"


async def test_an_address_that_means_all_is_not_given_to_clients():
    async with serve_assistant("0.0.0.0") as server:
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert await is_well(server.port)


async def test_a_port_that_is_taken_is_a_plain_os_error():
    async with serve_assistant() as server:
        with pytest.raises(OSError, match="in use"):
            async with serve_assistant(port=server.port):
                pass


async def test_the_end_of_the_server_closes_every_socket():
    async with AsyncExitStack() as stack:
        async with serve_assistant() as server:
            streams = [
                await stack.enter_async_context(await anyio.connect_tcp("127.0.0.1", server.port))
                for _ in range(3)
            ]
            await streams[1].send(request())
            await streams[1].receive()
            await streams[2].send(request(b"/chat?fault=silent"))
            client = await stack.enter_async_context(websocket(server.port, "/ws?fault=stall"))
            await client.send('{"message": "Hello"}')
            await client.receive()
        for stream in (*streams, client.stream):
            await read_to_the_end(stream)
        with pytest.raises(OSError, match="connect"):
            await anyio.connect_tcp("127.0.0.1", server.port)


async def test_what_is_raised_beside_the_server_leaves_it_as_it_is():
    async def fail() -> None:
        async with (
            serve_assistant() as server,
            await anyio.connect_tcp("127.0.0.1", server.port) as stream,
        ):
            await stream.send(request())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()


async def test_the_server_can_be_cancelled():
    with anyio.move_on_after(0.05) as scope:
        async with serve_assistant():
            await anyio.sleep_forever()
    assert scope.cancelled_caught


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /chat HTTP/1.1\r\nHost: a\r\n",
        b"POST /chat HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{",
        request(),
        request(b"/chat/stream?fault=stall"),
        request(b"/chat?fault=silent"),
    ],
)
async def test_a_client_that_resets_the_connection_does_no_harm(sent, caplog):
    async with serve_assistant() as server:
        async with await anyio.connect_tcp("127.0.0.1", server.port) as stream:
            if sent:
                await stream.send(sent)
            raw = stream.extra(SocketAttribute.raw_socket)
            # With no time to linger, closing sends a reset.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert await is_well(server.port)
    assert [record.message for record in caplog.records if "assistant" in record.name] == []


async def test_a_client_that_resets_its_websocket_does_no_harm(caplog):
    async with serve_assistant() as server:
        async with websocket(server.port) as client:
            await client.send('{"message": "a story"}')
            raw = client.stream.extra(SocketAttribute.raw_socket)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert await is_well(server.port)
    assert [record.message for record in caplog.records if "assistant" in record.name] == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"Hello\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000, b"431"),
        (b"POST /chat HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
    ],
)
async def test_what_is_no_http_is_told_so(sent, status):
    async with serve_assistant() as server:
        received = await response_to(server.port, sent + b"\r\n")
        assert received.startswith(b"HTTP/1.1 " + status)
        assert b"That is no HTTP request" in received
        assert await is_well(server.port)


async def test_http_1_0_gets_a_body_that_ends_with_the_connection():
    async with serve_assistant() as server:
        received = await response_to(server.port, request(b"/chat/stream?gap_ms=0", b"HTTP/1.0"))
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert body.startswith(b'data: {"content":"Once "}\n\n')
    assert body.endswith(b"}\n\n")


async def test_a_connection_is_used_again_and_requests_may_be_sent_ahead():
    async with serve_assistant() as server:
        target = b"/chat?gap_ms=0"
        sent = request(target) * 2 + request(target, extra=b"Connection: close\r\n")
        received = await response_to(server.port, sent)
    assert received.count(b"HTTP/1.1 200") == 3


async def test_a_client_may_wait_to_be_told_to_go_on():
    fields = b"Expect: 100-continue\r\nConnection: close\r\n"
    head, blank, body = request(b"/chat?gap_ms=0", extra=fields).partition(b"\r\n\r\n")
    async with (
        serve_assistant() as server,
        await anyio.connect_tcp("127.0.0.1", server.port) as stream,
    ):
        await stream.send(head + blank)
        with anyio.fail_after(5):
            assert (await stream.receive()).startswith(b"HTTP/1.1 100")
        await stream.send(body)
        assert (await read_to_the_end(stream)).startswith(b"HTTP/1.1 200")


async def test_the_absolute_form_of_a_target_is_understood():
    async with serve_assistant() as server:
        received = await response_to(
            server.port,
            request(b"http://elsewhere/chat?gap_ms=0", extra=b"Connection: close\r\n"),
        )
    assert received.startswith(b"HTTP/1.1 200")


async def test_many_clients_at_once_are_served_at_once():
    async with serve_assistant() as server, http_client(server.url) as http:
        url = "/chat/stream?first_ms=100&gap_ms=0&chunks=1"

        async def ask() -> None:
            assert (await http.post(url, json={"message": "Hello"})).status_code == 200

        with anyio.fail_after(2):
            async with anyio.create_task_group() as tasks:
                for _ in range(40):
                    tasks.start_soon(ask)


async def test_running_out_of_file_descriptors_is_no_end(monkeypatch):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    noticed = anyio.Event()
    monkeypatch.setattr(server_module._log, "warning", lambda *_: noticed.set())
    async with (
        serve_assistant() as server,
        await anyio.connect_tcp("127.0.0.1", server.port) as client,
    ):
        with socket.socket() as waiting:
            # It can be connected but not accepted: there is no descriptor for its other end.
            resource.setrlimit(resource.RLIMIT_NOFILE, (waiting.fileno() + 1, hard))
            try:
                waiting.connect(("127.0.0.1", server.port))
                with anyio.fail_after(5):
                    await noticed.wait()
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            await client.send(request(b"/chat?gap_ms=0", extra=b"Connection: close\r\n"))
            assert (await read_to_the_end(client)).startswith(b"HTTP/1.1 200")
        assert await is_well(server.port)


async def test_a_defect_of_the_assistant_ends_one_connection_and_not_the_server(
    monkeypatch, caplog
):
    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    async with serve_assistant() as server:
        with monkeypatch.context() as patch:
            patch.setattr(server_module, "receive_client", fail)
            assert await response_to(server.port, request()) == b""
        assert await is_well(server.port)
    [record] = caplog.records
    assert (record.name, record.exc_info[0]) == ("turnwire.assistant.server", ZeroDivisionError)


def test_the_assistant_brings_its_own_sockets_and_nothing_of_what_it_is_to_test():
    script = (
        "import sys, turnwire.assistant; "
        "print([name for name in sys.modules if name.startswith(('turnwire_', 'httpx'))])"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]"
