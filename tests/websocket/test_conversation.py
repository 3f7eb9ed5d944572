"""The driver under the core: from a connection, as in a file, to a reply."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.ws_server import CLOSE, Peer, close, frame, message, text, ws_server
from turnwire_core import ConfigError, Conversation, Verdict, open_conversation, parse_connection

pytestmark = pytest.mark.anyio


async def converse(url: str, *messages: str, **fields: Any) -> list[Any]:
    """The replies to some messages, over one conversation."""
    async with open_conversation(connection(url, **fields)) as conversation:
        return [await conversation.send(content) for content in messages]


def connection(url: str, **fields: Any) -> Any:
    return parse_connection({"base_url": url, "protocol": "websocket", **fields}, trust_env=False)


async def test_the_documented_json_connection_works_unmodified() -> None:
    sent: list[Any] = []

    async def assistant(peer: Peer) -> None:
        while (received := await peer.receive()).opcode != CLOSE:
            sent.append(json.loads(received.payload))
            await peer.send(message(type="start") + message(type="token", text="Hel"))
            await peer.send(message(type="token", text="lo") + message(type="end", done=True))
        await peer.send(close())

    rules = {
        "messageFormat": "json",
        "messageField": "data.text",
        "contentPath": "text",
        "finishPath": "done",
        "finishValue": True,
    }
    async with ws_server(assistant) as url:
        replies = await converse(url, "hi", "again", websocket=rules)
    assert sent == [{"data": {"text": "hi"}}, {"data": {"text": "again"}}]
    for reply in replies:
        assert (reply.verdict, reply.content) == (Verdict.FINISHED, "Hello")
        assert reply.metrics.stream_chunks == 2
    first, second = replies
    assert first.metrics.connect_ms > 0
    assert second.metrics.connect_ms == 0


async def test_a_plain_text_assistant_works_without_any_rule() -> None:
    async def assistant(peer: Peer) -> None:
        received = await peer.receive()
        await peer.send(text(f"you said {received.payload.decode()}"))
        await peer.part()

    rules = {"messageFormat": "text", "contentPath": "$"}
    async with ws_server(assistant) as url:
        (reply,) = await converse(url, "hi", websocket=rules)
    assert (reply.verdict, reply.content) == (Verdict.FINISHED, "you said hi")


async def test_a_close_with_a_code_keeps_the_partial_reply() -> None:
    async def assistant(peer: Peer) -> None:
        await peer.receive()
        await peer.send(message(text="half") + close(4003, "quota"))
        await peer.receive_close()

    rules = {"contentPath": "text", "finishPath": "done"}
    async with ws_server(assistant) as url:
        (reply,) = await converse(url, "hi", websocket=rules)
    assert (reply.verdict, reply.content) == (Verdict.ERROR_EVENT, "half")
    assert "4003: quota" in reply.error


@pytest.mark.parametrize(
    ("end", "verdict"),
    [
        (close(None), Verdict.CLOSED_WITHOUT_FINISH),
        (close(1000), Verdict.CLOSED_WITHOUT_FINISH),
        (b"", Verdict.MALFORMED),
        (frame(3), Verdict.MALFORMED),
    ],
)
async def test_an_end_without_the_finish_is_no_success(end: bytes, verdict: Verdict) -> None:
    async def assistant(peer: Peer) -> None:
        await peer.receive()
        await peer.send(message(text="half") + end)
        if end:
            await peer.receive_close()

    rules = {"contentPath": "text", "finishPath": "done"}
    async with ws_server(assistant) as url:
        (reply,) = await converse(url, "hi", websocket=rules)
    assert (reply.verdict, reply.content, reply.ok) == (verdict, "half", False)


async def test_a_turn_that_stalls_costs_its_socket_and_the_conversation_goes_on() -> None:
    async def stalls(peer: Peer) -> None:
        await peer.receive()
        await peer.send(message(text="half"))
        await peer.wait_gone()

    async def answers(peer: Peer) -> None:
        await peer.receive()
        await peer.send(message(text="whole", done=True))
        await peer.part()

    rules = {"contentPath": "text", "finishPath": "done"}
    async with ws_server(stalls, answers) as url:
        first, second = await converse(url, "hi", "again", websocket=rules, limits={"idleMs": 100})
    assert (first.verdict, first.content) == (Verdict.STALLED, "half")
    assert (second.verdict, second.content) == (Verdict.FINISHED, "whole")


async def test_a_preset_opens_its_api_as_it_wants_to_be_opened() -> None:
    sent: list[Any] = []

    async def gemini(peer: Peer) -> None:
        sent.append(json.loads((await peer.receive()).payload))
        await peer.send(message(setupComplete={}))
        sent.append(json.loads((await peer.receive()).payload))
        parts = {"serverContent": {"modelTurn": {"parts": [{"text": "Hi!"}]}}}
        await peer.send(frame(2, json.dumps(parts).encode()))
        await peer.send(message(serverContent={"turnComplete": True}))
        await peer.part()

    async with ws_server(gemini) as url:
        (reply,) = await converse(url, "hi", preset="gemini-live")
    assert (reply.verdict, reply.content) == (Verdict.FINISHED, "Hi!")
    assert [next(iter(body)) for body in sent] == ["setup", "clientContent"]


def test_every_option_is_read_from_a_file_in_camel_case() -> None:
    options = connection(
        "wss://h/",
        websocket={
            "messageFormat": "text",
            "protocols": ["a", "b"],
            "opening": [{"send": {"a": 1}, "waitFor": {"b": [1, 2]}}, {"waitFor": {"c": True}}],
            "binary": "error",
            "socketPer": "turn",
            "pingIntervalMs": None,
            "pingTimeoutMs": 5,
            "maxFragments": 7,
        },
    ).options
    assert options.protocols == ("a", "b")
    assert options.opening[0].send.source == {"a": 1}
    assert options.opening[1].wait_for is not None
    assert (options.binary, options.socket_per) == ("error", "turn")
    assert (options.ping_interval_ms, options.ping_timeout_ms) == (None, 5)
    assert options.max_fragments == 7


def test_what_is_wrong_is_reported_before_anything_is_opened() -> None:
    with pytest.raises(ConfigError) as caught:
        connection(
            "wss://h/#x", request={"method": "GET"}, websocket={"protocols": ["a b"], "opening": []}
        )
    text = str(caught.value)
    assert "fragment" in text
    assert "request.method" in text
    assert "token" in text


async def test_an_open_conversation_has_said_nothing_yet() -> None:
    async def never(peer: Peer) -> None:
        raise AssertionError("connected without a turn")

    async with (
        ws_server(never, shake=False) as url,
        open_conversation(connection(url)) as conversation,
    ):
        assert isinstance(conversation, Conversation)
