"""A live reply is collected whatever becomes of it."""

from __future__ import annotations

import anyio
import pytest
from anyio.abc import SocketStream

from support.raw_server import raw_server, read_http_request
from turnwire.inferring import Exchange, Reply, infer
from turnwire.inferring.live import call
from turnwire_core import DriverError, Plugins, TimeLimitError, parse_connection

pytestmark = pytest.mark.anyio

PLUGINS = Plugins()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
EVENTS = b'data: {"text": "It is "}\n\ndata: {"text": "tea."}\n\n'


async def _call(
    answer: bytes, *, stay: bool = False, timeout_ms: int = 5000
) -> Reply | DriverError:
    """Call a server that says this, and then hangs up or says no more."""

    async def handle(stream: SocketStream) -> None:
        await read_http_request(stream)
        if answer:
            await stream.send(answer)
        if stay:
            await anyio.sleep_forever()

    with anyio.fail_after(10):
        async with raw_server(handle) as port:
            url = f"http://127.0.0.1:{port}/"
            mapping = {"base_url": url, "protocol": "sse", "timeoutMs": timeout_ms}
            connection = parse_connection(mapping, plugins=PLUGINS)
            try:
                return await call(connection, PLUGINS, "Hello", quiet_s=0.2)
            except DriverError as exc:
                return exc


async def test_a_stream_that_stays_open_ends_by_silence() -> None:
    reply = await _call(HEAD + b"\r\n" + EVENTS, stay=True)

    assert isinstance(reply, Reply)
    assert (len(reply.events), reply.ended, reply.stays_open) == (2, True, True)
    section = infer(Exchange(reply=reply)).connection["sse"]
    assert section == {"contentPath": "text", "finish": [{"quietMs": 2000}, {"end": True}]}


async def test_a_stream_that_breaks_off_is_known_not_to_have_ended() -> None:
    reply = await _call(HEAD + b"Content-Length: 999\r\n\r\n" + EVENTS)

    assert isinstance(reply, Reply)
    assert (len(reply.events), reply.ended, reply.stays_open) == (2, False, False)


async def test_any_status_and_any_type_is_evidence() -> None:
    reply = await _call(b"HTTP/1.1 418 Tea\r\nContent-Type: text/html\r\n\r\n<p>No coffee.</p>")

    assert isinstance(reply, Reply)
    assert (reply.status, reply.content_type, reply.whole) == (418, "text/html", True)


async def test_nothing_at_all_is_an_error_in_time() -> None:
    silent = await _call(b"", stay=True, timeout_ms=300)
    gone = await _call(b"")

    assert isinstance(silent, TimeLimitError)
    assert "did not answer within 0.3 seconds" in str(silent)
    assert isinstance(gone, DriverError)
