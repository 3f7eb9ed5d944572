"""What no recording holds: replies written down from the APIs' documentation.

Most are the errors that hide inside a 200, and the formats of which aimock has none.
"""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from support.documented_replies import ANSWERS, HIDDEN_ERRORS, document
from support.preset_connection import PLUGINS
from support.replay import replay_response, talk_script
from turnwire_core import Reply, Verdict, open_conversation, parse_connection

pytestmark = pytest.mark.anyio


async def _ask(preset: str, response: bytes) -> Reply:
    with anyio.fail_after(10):
        async with replay_response(response) as heard:
            url = f"http://{heard.origin}/"
            connection = parse_connection({"base_url": url, "preset": preset}, plugins=PLUGINS)
            async with open_conversation(connection, plugins=PLUGINS) as conversation:
                return await conversation.send("Hi")


async def _ask_socket(preset: str, *answers: Any, binary: bool = False) -> Reply:
    """One turn on a socket that is opened as the preset opens it."""
    script: list[dict[str, Any]] = {
        "openai-realtime": [
            {"server": json.dumps({"type": "session.created"})},
            {"client": None},
            {"server": json.dumps({"type": "session.updated"})},
            {"client": None},
            {"client": None},
        ],
        "openai-responses-ws": [{"client": None}],
        "gemini-live": [{"client": None}, {"server": '{"setupComplete": {}}'}, {"client": None}],
    }[preset]
    script = [*script, *({"server": json.dumps(answer)} for answer in answers)]
    script = [{**line, "binary": binary} for line in script]
    with anyio.fail_after(10):
        async with talk_script(script) as heard:
            url = f"ws://{heard.origin}/"
            connection = parse_connection({"base_url": url, "preset": preset}, plugins=PLUGINS)
            async with open_conversation(connection, plugins=PLUGINS) as conversation:
                return await conversation.send("Hi")


@pytest.mark.parametrize(
    ("preset", "response", "content"), HIDDEN_ERRORS.values(), ids=HIDDEN_ERRORS.keys()
)
async def test_an_error_inside_a_200_is_no_success(
    preset: str, response: bytes, content: str
) -> None:
    reply = await _ask(preset, response)

    assert (reply.verdict, reply.content) == (Verdict.ERROR_EVENT, content)
    assert not reply.ok
    assert reply.error is not None
    assert "Overloaded" in reply.error


SOCKET_ERRORS = {
    "openai-realtime: the event error": (
        "openai-realtime",
        {"type": "error", "error": {"type": "server_error", "message": "Overloaded"}},
    ),
    "openai-realtime: a reply that was cancelled": (
        "openai-realtime",
        {
            "type": "response.done",
            "response": {
                "status": "cancelled",
                "status_details": {"type": "cancelled", "reason": "Overloaded"},
            },
        },
    ),
    "openai-responses-ws: a response that failed": (
        "openai-responses-ws",
        {"type": "response.failed", "response": {"error": {"message": "Overloaded"}}},
    ),
}


@pytest.mark.parametrize(("preset", "answer"), SOCKET_ERRORS.values(), ids=SOCKET_ERRORS.keys())
async def test_an_error_inside_a_101_is_no_success(preset: str, answer: Any) -> None:
    reply = await _ask_socket(preset, answer)

    assert reply.verdict is Verdict.ERROR_EVENT
    assert reply.error is not None
    assert "Overloaded" in reply.error


@pytest.mark.parametrize(("preset", "response"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_the_answer_is_all_that_is_heard(preset: str, response: bytes) -> None:
    reply = await _ask(preset, response)

    assert (reply.content, reply.verdict, reply.error) == ("It is tea.", Verdict.FINISHED, None)


async def test_messages_of_rasa_are_lines_of_one_answer() -> None:
    response = document([{"text": "It is tea."}, {"image": "tea.png"}, {"text": "Milk?"}])

    reply = await _ask("rasa", response)

    assert (reply.content, reply.verdict) == ("It is tea.\nMilk?", Verdict.FINISHED)


async def test_rasa_may_say_nothing() -> None:
    reply = await _ask("rasa", document([]))

    assert (reply.content, reply.verdict) == ("", Verdict.FINISHED)


async def test_a_thought_of_gemini_live_is_no_answer() -> None:
    reply = await _ask_socket(
        "gemini-live",
        {"serverContent": {"modelTurn": {"parts": [{"text": "hm", "thought": True}]}}},
        {"serverContent": {"modelTurn": {"parts": [{"text": "It is tea."}]}}},
        {"serverContent": {"turnComplete": True}, "usageMetadata": {"totalTokenCount": 3}},
    )

    assert (reply.content, reply.verdict) == ("It is tea.", Verdict.FINISHED)
    assert reply.usage == {"totalTokenCount": 3}


async def test_a_realtime_session_that_speaks_is_read_by_its_transcript() -> None:
    reply = await _ask_socket(
        "openai-realtime",
        {"type": "response.output_audio.delta", "delta": "UklGRg=="},
        {"type": "response.output_audio_transcript.delta", "delta": "It is tea."},
        {"type": "response.done", "response": {"status": "completed"}},
    )

    assert (reply.content, reply.verdict) == ("It is tea.", Verdict.FINISHED)


async def test_gemini_live_may_send_its_json_in_binary_messages() -> None:
    reply = await _ask_socket(
        "gemini-live",
        {"serverContent": {"modelTurn": {"parts": [{"text": "It is tea."}]}}},
        {"serverContent": {"turnComplete": True}, "usageMetadata": {"totalTokenCount": 3}},
        binary=True,
    )

    assert (reply.content, reply.verdict) == ("It is tea.", Verdict.FINISHED)
