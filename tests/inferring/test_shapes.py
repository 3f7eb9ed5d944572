"""Replies of many shapes, none of them made by an API that anybody has heard of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from turnwire.inferring import Exchange, Inference, infer, read_reply
from turnwire.inferring.probing import Outcome, as_connection, read_again
from turnwire.inferring.sockets import exchange_of_messages
from turnwire_core import Plugins, Verdict

PLUGINS = Plugins()

ANSWER = "It is tea, and it costs 12 euros."
PIECES = [ANSWER[start : start + 5] for start in range(0, len(ANSWER), 5)]
SO_FAR = ["".join(PIECES[: count + 1]) for count in range(len(PIECES))]


def _stream(*events: Any) -> Exchange:
    """An event stream of JSON values; text stands as it is."""
    texts = [event if isinstance(event, str) else f"data: {json.dumps(event)}" for event in events]
    return Exchange(reply=read_reply("".join(f"{text}\n\n" for text in texts).encode()))


def _document(value: Any) -> Exchange:
    return Exchange(reply=read_reply(json.dumps(value).encode()))


def _read(exchange: Exchange) -> tuple[Inference, Outcome]:
    assert exchange.reply is not None
    inference = infer(exchange)
    return inference, read_again(as_connection(inference, PLUGINS), exchange.reply)


SHAPES = {
    "the whole text so far, in a list": (
        _stream(
            *(f"event: generating\ndata: {json.dumps([text])}" for text in SO_FAR),
            f"event: complete\ndata: {json.dumps([ANSWER])}",
        ),
        {
            "content": [{"path": "[0]", "when": {"$event": "generating"}, "mode": "cumulative"}],
            "finish": [{"when": {"$event": "complete"}}],
        },
    ),
    "the whole text so far, without any end": (
        _stream(*({"output": text, "id": "a-1234567"} for text in SO_FAR)),
        {"content": [{"path": "output", "mode": "cumulative"}]},
    ),
    "mere text and a mark": (
        _stream(*(f"data: {piece}" for piece in PIECES), "data: [END]"),
        {"contentPath": "$", "finish": [{"sentinel": "[END]"}]},
    ),
    "mere text in events with names": (
        _stream(
            "event: start\ndata: begin",
            *(f"event: token\ndata: {piece}" for piece in PIECES),
            "event: done\ndata: bye",
        ),
        {
            "content": [{"path": "$", "when": {"$event": "token"}}],
            "finish": [{"when": {"$event": "done"}}],
        },
    ),
    "JSON strings": (
        _stream(*(f"data: {json.dumps(piece)}" for piece in PIECES)),
        {"contentPath": "$"},
    ),
    "names that mean nothing": (
        _stream(*({"k": "tok", "v": piece} for piece in PIECES), {"k": "over"}),
        {
            "content": [{"path": "v", "when": {"k": "tok"}}],
            "finishPath": "k",
            "finishValue": "over",
        },
    ),
    "pieces, and then all of it again": (
        _stream(
            *({"type": "token", "text": piece} for piece in PIECES),
            {"type": "final", "text": ANSWER},
        ),
        {
            "content": [{"path": "text", "when": {"type": "token"}}],
            "finishPath": "type",
            "finishValue": "final",
        },
    ),
    "all of it again in the event that says so": (
        _stream(
            *({"text": piece, "done": False} for piece in PIECES), {"text": ANSWER, "done": True}
        ),
        {
            "content": [{"path": "text", "when": {"done": [False]}}],
            "finishPath": "done",
            "finishValue": True,
        },
    ),
    "remarks before the answer": (
        _stream(
            {"type": "status", "text": "Searching the web"},
            *({"type": "answer", "text": piece} for piece in PIECES),
            {"type": "end"},
        ),
        {
            "content": [{"path": "text", "when": {"type": "answer"}}],
            "finishPath": "type",
            "finishValue": "end",
        },
    ),
    "thoughts in a channel of their own": (
        _stream(
            {"channel": "analysis", "delta": "Let me see."},
            *({"channel": "final", "delta": piece} for piece in PIECES),
        ),
        {"content": [{"path": "delta", "when": {"channel": "final"}}]},
    ),
    "events known by their keys, and usage after the end": (
        _stream(
            *({"blockDelta": {"delta": {"text": piece}}} for piece in PIECES),
            {"messageStop": {"stopReason": "end_turn"}},
            {"metadata": {"usage": {"inputTokens": 3, "outputTokens": 9}}},
        ),
        {
            "contentPath": "blockDelta.delta.text",
            "finishPath": "messageStop.stopReason",
            "usagePath": "metadata.usage",
        },
    ),
    "several pieces in one event": (
        _stream(*({"tokens": [piece[:2], piece[2:]]} for piece in PIECES)),
        {"contentPath": "tokens[*]"},
    ),
}


@pytest.mark.parametrize(("exchange", "section"), SHAPES.values(), ids=SHAPES.keys())
def test_a_stream_is_understood(exchange: Exchange, section: dict[str, Any]) -> None:
    inference, outcome = _read(exchange)

    assert (outcome.content, outcome.verdict) == (ANSWER, Verdict.FINISHED)
    assert inference.connection["sse"] == section


DOCUMENTS = {
    "an answer beside an id": ({"reply": ANSWER, "id": "x-1234567890"}, "reply"),
    "an answer beside longer sources": (
        {"answer": ANSWER, "sources": [{"title": "Tea", "snippet": "Leaves in water. " * 20}]},
        "answer",
    ),
}


@pytest.mark.parametrize("name", ["an answer beside an id", "an answer beside longer sources"])
def test_a_document_is_understood(name: str) -> None:
    value, path = DOCUMENTS[name]
    inference, outcome = _read(_document(value))

    assert (outcome.content, outcome.verdict) == (ANSWER, Verdict.FINISHED)
    assert inference.connection["responseFieldPath"] == path
    assert inference.connection["protocol"] == "http_chat"


def test_what_the_user_said_is_left_out_of_a_transcript() -> None:
    messages = [
        {"role": "user", "text": "Hello, can you tell me what this is?"},
        {"role": "assistant", "text": ANSWER},
    ]
    inference, outcome = _read(
        _document({"data": {"conversation_id": "c-1", "messages": messages}})
    )

    assert outcome.content == ANSWER
    assert outcome.captured == {"sessionId": "c-1"}
    assert inference.connection["http_chat"]["capture"] == {"sessionId": "data.conversation_id"}


def test_a_stream_that_is_announced_as_something_else_is_called_by_its_name() -> None:
    lines = "\n".join(json.dumps({"text": piece}) for piece in PIECES)
    inference = infer(Exchange(reply=read_reply(lines.encode(), "text/event-stream")))

    assert inference.connection["sse"]["format"] == "ndjson"


def test_a_socket_is_opened_as_it_was() -> None:
    exchange = exchange_of_messages(
        [
            (False, '{"type":"Welcome"}'),
            (True, '{"type":"Settings","agent":{}}'),
            (False, '{"type":"SettingsApplied"}'),
            (True, '{"type":"Inject","content":"Hello there"}'),
            (False, '{"type":"Text","role":"user","content":"Hello there"}'),
            (False, json.dumps({"type": "Text", "role": "assistant", "content": ANSWER})),
            (False, '{"type":"SpeechDone"}'),
        ]
    )
    inference, outcome = _read(exchange)

    assert (outcome.content, outcome.verdict) == (ANSWER, Verdict.FINISHED)
    assert inference.connection["request"] == {"body": {"type": "Inject", "content": "{{message}}"}}
    assert inference.connection["websocket"] == {
        "opening": [
            {"waitFor": {"type": "Welcome"}},
            {
                "send": {"type": "Settings", "agent": {}},
                "waitFor": {"type": "SettingsApplied"},
            },
        ],
        "content": [{"path": "content", "when": {"type": "Text", "role": "assistant"}}],
        "finishPath": "type",
        "finishValue": "SpeechDone",
    }


def test_texts_that_nothing_tells_apart_are_doubted() -> None:
    sure, _ = _read(_stream(*({"k": "tok", "v": piece} for piece in PIECES), {"k": "over"}))
    thoughts = [{"k": "mull", "v": "The user"}, {"k": "mull", "v": " wants tea. "}]
    unsure, _ = _read(
        _stream(*thoughts, *({"k": "tok", "v": piece} for piece in PIECES), {"k": "over"})
    )

    assert unsure.confidence < sure.confidence
    assert any("are all of them meant for the user?" in f.because for f in unsure.findings)


@pytest.mark.parametrize(
    ("exchange", "note"),
    [
        (_stream({"id": "a-1234567"}, {"id": "a-1234567"}), "no text in the reply"),
        (Exchange(reply=read_reply(b"HTTP/1.1 503 Gone\r\n\r\n{}")), "status 503"),
        (Exchange(reply=read_reply(b"HTTP/1.1 200 OK\r\n\r\n")), "empty"),
        (Exchange(), "no reply to look at"),
    ],
)
def test_what_cannot_be_known_is_said(exchange: Exchange, note: str) -> None:
    (said,) = infer(exchange).notes
    assert note in said
