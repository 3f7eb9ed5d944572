"""The driver, from a connection to a reply, against servers on loopback."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from anyio.abc import SocketStream

from support.http_peer import Peer, response
from support.raw_server import raw_server, read_http_request
from turnwire_core import ConfigError, Reply, Verdict, open_conversation, parse_connection
from turnwire_core.errors import FrameTooLarge, InvalidFrame, RejectedError, StreamBrokenError
from turnwire_http_chat.plugin import turnwire_driver, turnwire_presets
from turnwire_http_chat.presets import PRESETS

io = pytest.mark.anyio


def reply_of(text: str, *, field: str = "reply") -> bytes:
    body = json.dumps({field: text}).encode()
    return response(body, headers=["Content-Type: application/json"])


async def converse(handler: Any, *messages: str, **config: Any) -> list[Reply]:
    async with raw_server(handler) as port:
        document = {"base_url": f"http://127.0.0.1:{port}/chat", **config}
        connection = parse_connection(document, trust_env=False)
        with anyio.fail_after(5):
            async with open_conversation(connection) as conversation:
                return [await conversation.send(message) for message in messages]


@io
async def test_a_message_goes_out_and_the_reply_comes_in() -> None:
    peer = Peer(reply_of("Hello!"))
    [reply] = await converse(peer, "hi", persona="a grump")
    assert (reply.content, reply.verdict) == ("Hello!", Verdict.FINISHED)
    assert json.loads(peer.bodies[0]) == {
        "message": "hi",
        "transcript": [{"role": "user", "content": "hi"}],
        "persona": "a grump",
    }


@io
async def test_turns_share_one_connection() -> None:
    peer = Peer(reply_of("one"), reply_of("two"), reply_of("three"))
    replies = await converse(peer, "a", "b", "c")
    assert [reply.content for reply in replies] == ["one", "two", "three"]
    assert peer.connections == 1
    assert len(json.loads(peer.bodies[2])["transcript"]) == 5


@io
async def test_the_reply_is_where_the_connection_says() -> None:
    body = b'{"choices":[{"message":{"content":"deep"}}]}'
    [reply] = await converse(
        Peer(response(body)), "hi", responseFieldPath="choices[0].message.content"
    )
    assert reply.content == "deep"


@io
async def test_get_carries_the_message_in_its_query() -> None:
    peer = Peer(reply_of("ok"))
    request = {"method": "GET", "query": {"q": "{{message}}"}}
    [reply] = await converse(peer, "a&b=ü", request=request)
    assert reply.content == "ok"
    assert peer.lines[0] == "GET /chat?q=a%26b%3D%C3%BC HTTP/1.1"
    assert peer.bodies == [b""]


@io
async def test_a_reply_in_many_reads_is_one_chunk_at_its_end() -> None:
    async def slow(stream: SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for byte in b'{"reply":"slow"}':
            await stream.send(b"1\r\n%c\r\n" % byte)
        await stream.send(b"0\r\n\r\n")

    [reply] = await converse(slow, "hi")
    assert reply.content == "slow"
    assert reply.metrics.stream_chunks == 1
    assert reply.metrics.first_token_ms == reply.metrics.latency_ms


@io
@pytest.mark.parametrize(
    ("answer", "verdict", "kind"),
    [
        (response(b"no", status="401 Unauthorized"), Verdict.REJECTED, RejectedError),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
            Verdict.MALFORMED,
            StreamBrokenError,
        ),
        (
            response(b"data: {}\n\n", headers=["Content-Type: text/event-stream"]),
            Verdict.MALFORMED,
            InvalidFrame,
        ),
        (response(b"<!doctype html>Log in"), Verdict.MALFORMED, InvalidFrame),
        (response(b""), Verdict.MALFORMED, InvalidFrame),
        (response(b"x" * 2000), Verdict.TOO_LARGE, FrameTooLarge),
    ],
)
async def test_what_goes_wrong_is_a_verdict_with_its_reason(
    answer: bytes, verdict: Verdict, kind: type[Exception]
) -> None:
    [reply] = await converse(Peer(answer), "hi", limits={"maxEventBytes": 1000})
    assert reply.verdict is verdict
    assert type(reply.exception) is kind
    assert reply.error


@io
async def test_a_page_is_quoted_without_its_secrets() -> None:
    page = b"<html>your key is sk-12345678, " + b"x" * 5000
    [reply] = await converse(
        Peer(response(page)), "hi", auth={"type": "bearer", "token": "sk-12345678"}
    )
    assert "your key is ***," in str(reply.exception)
    assert len(str(reply.exception)) < 500


@io
async def test_a_turn_that_failed_leaves_the_next_one_clean() -> None:
    peers = [Peer(response(b"<html>")), Peer(reply_of("clean"))]
    replies = await converse(lambda stream: peers.pop(0)(stream), "a", "b")
    assert [reply.verdict for reply in replies] == [Verdict.MALFORMED, Verdict.FINISHED]
    assert replies[1].content == "clean"


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"base_url": "wss://h.test/"}, '"protocol": "websocket"'),
        ({"request": {"bodies": [{"a": 1}]}}, "'request.body'"),
        ({"request": {"method": "GET"}}, '{"q": "{{message}}"}'),
        ({"request": {"method": "GET", "body": {"m": "{{message}}"}}}, "not sent with GET"),
    ],
)
def test_what_cannot_work_is_said_when_the_config_is_loaded(
    config: dict[str, Any], text: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_connection({"base_url": "http://h.test/", **config})
    assert text in str(caught.value)


def test_the_plugin_names_its_driver_and_presets() -> None:
    assert turnwire_driver().name == "http_chat"
    assert turnwire_driver().response_field_path == "reply"
    assert turnwire_presets() is PRESETS
