"""Every preset against what a real peer said: recorded bytes, through driver and core."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import anyio
import pytest

from support.preset_connection import PLUGINS, connection_to
from support.presets import ANSWER, APIS, REASONING, Api
from support.replay import Heard, replay_response, replay_socket
from turnwire_core import Connection, Reply, Verdict, open_conversation

RECORDINGS = Path(__file__).parent / "recordings"

pytestmark = pytest.mark.anyio

USAGE = {
    "openai-chat": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    "openai-responses": {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18},
    "anthropic-messages": {"input_tokens": 11, "output_tokens": 7},
    "gemini": {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18},
    "gemini-interactions": {"total_input_tokens": 11, "total_output_tokens": 7, "total_tokens": 18},
    "cohere-v2": {
        "billed_units": {
            "input_tokens": 11,
            "output_tokens": 7,
            "search_units": 0,
            "classifications": 0,
        },
        "tokens": {"input_tokens": 11, "output_tokens": 7},
    },
    "openai-chat-json": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    "openai-responses-ws": {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18},
    "openai-realtime": {"total_tokens": 0, "input_tokens": 0, "output_tokens": 0},
}
"""What the scripted assistant says that it used; the others say nothing at one place."""

ONE_CHUNK = ("ag-ui", "openai-chat-json")
"""aimock gives these answers in one piece."""

OVERLOADED = "The model is overloaded."


def _that_say(message: str) -> pytest.MarkDecorator:
    apis = [api for api in APIS if message in api.says]
    assert apis
    return pytest.mark.parametrize("api", apis, ids=lambda api: api.preset)


def _play(api: Api, message: str) -> AbstractAsyncContextManager[Heard]:
    recording = (RECORDINGS / api.recording(message)).read_bytes()
    if api.protocol == "websocket":
        return replay_socket(recording)
    return replay_response(recording)


async def _say(connection: Connection, message: str) -> Reply:
    with anyio.fail_after(10):
        async with open_conversation(connection, plugins=PLUGINS) as conversation:
            return await conversation.send(message)


async def _replay(api: Api, message: str) -> tuple[Reply, Heard]:
    async with _play(api, message) as heard:
        return await _say(connection_to(api, heard.origin), message), heard


@_that_say("greet me")
async def test_an_answer_is_read_whole_with_its_usage(api: Api) -> None:
    reply, _ = await _replay(api, "greet me")

    assert (reply.content, reply.verdict, reply.error) == (ANSWER, Verdict.FINISHED, None)
    assert reply.ok
    assert reply.usage == USAGE.get(api.preset)
    assert (reply.metrics.stream_chunks == 1) == (api.preset in ONE_CHUNK)


@_that_say("greet me")
async def test_the_request_is_what_the_api_documents(api: Api) -> None:
    _, heard = await _replay(api, "greet me")

    assert heard.bodies == [*api.opening, *api.bodies("greet me")]
    request_line, *headers = heard.heads[0].splitlines()
    method = "GET" if api.protocol == "websocket" else "POST"
    assert request_line == f"{method} {api.path} HTTP/1.1"
    sent = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in headers}
    assert {name: sent.get(name.lower()) for name in api.headers} == api.headers


@_that_say("think first")
async def test_reasoning_is_kept_out_of_the_answer(api: Api) -> None:
    heard_reasoning = (RECORDINGS / api.recording("think first")).read_text()
    reply, _ = await _replay(api, "think first")

    assert (
        "reasoning" in heard_reasoning
        or "thinking" in heard_reasoning
        or "thought" in heard_reasoning
    )
    assert (reply.content, reply.verdict) == (ANSWER, Verdict.FINISHED)


@_that_say("break off")
async def test_a_reply_that_is_cut_off_keeps_what_had_come(api: Api) -> None:
    reply, _ = await _replay(api, "break off")

    assert reply.verdict is Verdict.MALFORMED
    assert reply.content
    assert (ANSWER * 3).startswith(reply.content)
    assert reply.error


@pytest.mark.parametrize(
    "api",
    [
        api
        for api in APIS
        if "fail" in api.says and api.protocol != "websocket" and api.preset not in ("ag-ui", "a2a")
    ],
    ids=lambda api: api.preset,
)
async def test_a_refusal_by_status_shows_what_the_target_said(api: Api) -> None:
    reply, _ = await _replay(api, "fail")

    assert reply.verdict is Verdict.REJECTED
    assert reply.error is not None
    assert "503" in reply.error
    assert OVERLOADED in reply.error


@pytest.mark.parametrize(
    ("preset", "content", "error"),
    [
        ("ag-ui", "I wanted", OVERLOADED),
        ("a2a", "I wanted", "TASK_STATE_FAILED"),
        ("openai-realtime", "", OVERLOADED),
        ("openai-responses-ws", "", OVERLOADED),
        ("gemini-live", "", OVERLOADED),
    ],
)
async def test_an_error_inside_the_stream_is_recognised(
    preset: str, content: str, error: str
) -> None:
    (api,) = [api for api in APIS if api.preset == preset]
    reply, _ = await _replay(api, "fail")

    assert (reply.verdict, reply.content) == (Verdict.ERROR_EVENT, content)
    assert reply.error is not None
    assert error in reply.error


async def test_an_error_that_an_agent_answers_as_json_is_recognised() -> None:
    (api,) = [api for api in APIS if api.preset == "a2a"]
    reply, _ = await _replay(api, "nothing you know")

    assert reply.verdict is Verdict.ERROR_EVENT
    assert reply.error is not None
    assert "No matching pattern for message" in reply.error


async def test_a_filtered_answer_finishes_with_what_there_is() -> None:
    (api,) = [api for api in APIS if api.preset == "openai-chat"]
    reply, _ = await _replay(api, "say something rude")

    assert (reply.verdict, reply.content) == (Verdict.FINISHED, "I would")


async def test_the_arguments_of_a_tool_are_no_answer() -> None:
    (api,) = [api for api in APIS if api.preset == "openai-chat"]
    reply, _ = await _replay(api, "call the tool")

    assert (reply.verdict, reply.content) == (Verdict.FINISHED, "One moment.")


def test_there_is_a_recording_for_everything_that_is_said() -> None:
    expected = {api.recording(message) for api in APIS for message in api.says}

    assert {path.name for path in RECORDINGS.iterdir()} - {".gitattributes"} == expected


def test_the_reasoning_that_is_recorded_is_not_part_of_the_answer() -> None:
    assert REASONING not in ANSWER
