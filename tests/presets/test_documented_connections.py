"""The example connections of the documentation, unmodified but for the URL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest

from support.preset_connection import PLUGINS
from support.replay import replay_response, talk_script
from turnwire_core import Verdict, load_config, open_conversation

pytestmark = pytest.mark.anyio

RECORDINGS = Path(__file__).parent / "recordings"
ANSWER = "Hello! It costs 12 €, in 東京 too. 🙂"

OPENAI = {
    "connections": {
        "openai-streaming": {
            "base_url": "https://api.openai.com/v1/chat/completions",
            "protocol": "sse",
            "headers": {"Authorization": "Bearer ${OPENAI_API_KEY}"},
            "responseFieldPath": "choices[0].message.content",
            "timeoutMs": 60000,
            "sse": {
                "contentPath": "choices[0].delta.content",
                "finishPath": "choices[0].finish_reason",
                "finishValue": ["stop", "length"],
            },
        }
    }
}

CLAUDE = {
    "connections": {
        "claude-streaming": {
            "base_url": "https://api.anthropic.com/v1/messages",
            "protocol": "sse",
            "headers": {
                "x-api-key": "${ANTHROPIC_API_KEY}",
                "anthropic-version": "2023-06-01",
            },
            "sse": {
                "contentPath": "delta.text",
                "finishPath": "type",
                "finishValue": "message_stop",
            },
        }
    }
}

WEBSOCKET_JSON = {
    "connections": {
        "chat-socket": {
            "base_url": "wss://chat.example.com/socket",
            "protocol": "websocket",
            "headers": {"Authorization": "Bearer ${CHAT_TOKEN}"},
            "websocket": {
                "messageFormat": "json",
                "messageField": "message",
                "contentPath": "content",
                "finishPath": "done",
                "finishValue": True,
                "protocols": ["chat.v1", "chat.v0"],
            },
        }
    }
}

WEBSOCKET_TEXT = {
    "connections": {
        "echo-socket": {
            "base_url": "wss://echo.example.com/",
            "protocol": "websocket",
            "websocket": {"messageFormat": "text"},
        }
    }
}

BEFORE_MIGRATION = {
    "connections": {
        "my-bot": {
            "base_url": "https://bot.example.com/chat",
            "responseFieldPath": "reply",
        }
    }
}

AFTER_MIGRATION = {
    "connections": {
        "my-bot": {
            "base_url": "https://bot.example.com/chat",
            "protocol": "sse",
            "responseFieldPath": "reply",
            "sse": {"contentPath": "text", "finishPath": "done", "finishValue": True},
        }
    }
}


def _write(folder: Path, example: dict[str, Any], url: str) -> Path:
    ((name, connection),) = example["connections"].items()
    file = folder / "turnwire.json"
    file.write_text(json.dumps({"connections": {name: {**connection, "base_url": url}}}))
    return file


async def _say(file: Path, message: str, environ: dict[str, str] | None = None) -> Any:
    (connection,) = load_config(file, plugins=PLUGINS, environ=environ or {}).connections.values()
    with anyio.fail_after(10):
        async with open_conversation(connection, plugins=PLUGINS) as conversation:
            return await conversation.send(message)


def _header(head: str, name: str) -> str | None:
    for line in head.splitlines()[1:]:
        found, _, value = line.partition(":")
        if found.strip().lower() == name:
            return value.strip()
    return None


def _response(content_type: str, body: str) -> bytes:
    data = body.encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


async def test_openai_over_sse(tmp_path: Path) -> None:
    recording = (RECORDINGS / "openai-chat.greet-me.http").read_bytes()
    async with replay_response(recording) as heard:
        file = _write(tmp_path, OPENAI, f"http://{heard.origin}/v1/chat/completions")
        reply = await _say(file, "greet me", {"OPENAI_API_KEY": "sk-of-a-test"})

    assert (reply.content, reply.verdict) == (ANSWER, Verdict.FINISHED)
    assert _header(heard.heads[0], "authorization") == "Bearer sk-of-a-test"


async def test_a_streaming_endpoint_that_answers_in_one_piece(tmp_path: Path) -> None:
    recording = (RECORDINGS / "openai-chat-json.greet-me.http").read_bytes()
    async with replay_response(recording) as heard:
        file = _write(tmp_path, OPENAI, f"http://{heard.origin}/v1/chat/completions")
        reply = await _say(file, "greet me", {"OPENAI_API_KEY": "sk-of-a-test"})

    assert (reply.content, reply.verdict) == (ANSWER, Verdict.FINISHED)


async def test_claude_over_sse(tmp_path: Path) -> None:
    recording = (RECORDINGS / "anthropic-messages.think-first.http").read_bytes()
    async with replay_response(recording) as heard:
        file = _write(tmp_path, CLAUDE, f"http://{heard.origin}/v1/messages")
        reply = await _say(file, "think first", {"ANTHROPIC_API_KEY": "sk-ant-of-a-test"})

    assert (reply.content, reply.verdict) == (ANSWER, Verdict.FINISHED)
    assert _header(heard.heads[0], "x-api-key") == "sk-ant-of-a-test"


async def test_json_over_a_websocket(tmp_path: Path) -> None:
    script = [
        {"client": None},
        {"server": '{"content": "Good ", "done": false}'},
        {"server": '{"content": "day.", "done": false}'},
        {"server": '{"content": "", "done": true}'},
    ]
    async with talk_script(script, subprotocol="chat.v0") as heard:
        file = _write(tmp_path, WEBSOCKET_JSON, f"ws://{heard.origin}/socket")
        reply = await _say(file, "Hello", {"CHAT_TOKEN": "token-of-a-test"})

    assert (reply.content, reply.verdict) == ("Good day.", Verdict.FINISHED)
    assert reply.metrics.stream_chunks == 2
    assert heard.bodies == [{"message": "Hello"}]
    assert _header(heard.heads[0], "authorization") == "Bearer token-of-a-test"
    assert _header(heard.heads[0], "sec-websocket-protocol") == "chat.v1, chat.v0"


async def test_text_over_a_websocket(tmp_path: Path) -> None:
    async with talk_script([{"client": None}, {"server": "You said Hello"}]) as heard:
        file = _write(tmp_path, WEBSOCKET_TEXT, f"ws://{heard.origin}/")
        reply = await _say(file, "Hello")

    assert (reply.content, reply.verdict) == ("You said Hello", Verdict.FINISHED)
    assert heard.bodies == ["Hello"]


async def test_a_migration_from_http_to_sse(tmp_path: Path) -> None:
    plain = _response("application/json", '{"reply": "Good day."}')
    stream = _response(
        "text/event-stream",
        'data: {"text": "Good ", "done": false}\n\ndata: {"text": "day.", "done": true}\n\n',
    )
    async with replay_response(plain, stream) as heard:
        url = f"http://{heard.origin}/chat"
        before = await _say(_write(tmp_path, BEFORE_MIGRATION, url), "Hello")
        after = await _say(_write(tmp_path, AFTER_MIGRATION, url), "Hello")

    assert (before.content, before.verdict) == ("Good day.", Verdict.FINISHED)
    assert (after.content, after.verdict) == ("Good day.", Verdict.FINISHED)
    assert after.metrics.stream_chunks == 2
    sent = {"message": "Hello", "transcript": [{"role": "user", "content": "Hello"}]}
    assert heard.bodies == [sent, {**sent, "stream": True}]
