"""How a conversation goes on: who sends the transcript, and who sends what it was given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from support.preset_connection import PLUGINS, connection_to
from support.presets import ANSWER, APIS, TURN
from support.replay import replay_response
from turnwire_core import open_conversation

RECORDINGS = Path(__file__).parent / "recordings"

pytestmark = pytest.mark.anyio


async def _second_body(preset: str) -> tuple[Any, bytes]:
    """What the second turn of a conversation sends, and the recording of the reply before it."""
    (api,) = [api for api in APIS if api.preset == preset]
    recording = (RECORDINGS / api.recording("greet me")).read_bytes()
    with anyio.fail_after(10):
        async with replay_response(recording, recording) as heard:
            connection = connection_to(api, heard.origin)
            async with open_conversation(connection, plugins=PLUGINS) as conversation:
                await conversation.send("greet me")
                await conversation.send("and again")
    return heard.bodies[1], recording


PLAIN = [
    {"role": "user", "content": "greet me"},
    {"role": "assistant", "content": ANSWER},
    {"role": "user", "content": "and again"},
]


@pytest.mark.parametrize(
    ("preset", "key", "messages"),
    [
        ("openai-chat", "messages", PLAIN),
        ("openai-chat-json", "messages", PLAIN),
        ("openai-responses", "input", PLAIN),
        ("anthropic-messages", "messages", PLAIN),
        ("cohere-v2", "messages", PLAIN),
        ("ollama", "messages", PLAIN),
        ("ag-ui", "messages", [{"id": TURN, **message} for message in PLAIN]),
        (
            "gemini",
            "contents",
            [
                {"role": "user", "parts": [{"text": "greet me"}]},
                {"role": "model", "parts": [{"text": ANSWER}]},
                {"role": "user", "parts": [{"text": "and again"}]},
            ],
        ),
    ],
)
async def test_an_api_without_memory_is_sent_the_whole_conversation(
    preset: str, key: str, messages: list[Any]
) -> None:
    body, _ = await _second_body(preset)

    assert body[key] == messages


async def test_each_message_of_an_agent_has_an_id_of_its_own() -> None:
    body, _ = await _second_body("ag-ui")

    assert len({message["id"] for message in body["messages"]}) == len(body["messages"])


async def test_an_interaction_names_the_one_before_it() -> None:
    body, recording = await _second_body("gemini-interactions")

    assert body["input"] == "and again"
    assert f'"id":"{body["previous_interaction_id"]}"'.encode() in recording


async def test_an_agent_is_told_its_context_again() -> None:
    body, recording = await _second_body("a2a")

    assert f'"contextId":"{body["params"]["message"]["contextId"]}"'.encode() in recording


async def test_ollama_is_handed_its_memory_back() -> None:
    body, recording = await _second_body("ollama-generate")

    assert body["context"] == []
    assert b'"context":[]' in recording
