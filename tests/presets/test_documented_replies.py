"""What no recording holds: replies written down from the APIs' documentation.

Most are the errors that hide inside a 200, and the formats of which aimock has none.
"""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from support.preset_connection import PLUGINS
from support.replay import replay_response, talk_script
from turnwire_core import Reply, Verdict, open_conversation, parse_connection

pytestmark = pytest.mark.anyio

CHAT_CHUNK = {"choices": [{"index": 0, "delta": {"content": "Well"}, "finish_reason": None}]}


def _events(*events: Any, content_type: str = "text/event-stream") -> bytes:
    """A 200 with these events: JSON values as data, text as it is."""
    texts = [event if isinstance(event, str) else f"data: {json.dumps(event)}" for event in events]
    return _ok("".join(f"{text}\n\n" for text in texts), content_type)


def _json(value: Any) -> bytes:
    return _ok(json.dumps(value), "application/json")


def _ok(body: str, content_type: str) -> bytes:
    data = body.encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(data)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + data


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


HIDDEN_ERRORS = {
    "openai-chat: an error for a chunk": (
        "openai-chat",
        _events(CHAT_CHUNK, {"error": {"message": "Overloaded", "code": 502}}, "data: [DONE]"),
        "Well",
    ),
    "openai-chat: an error beside a finish, as OpenRouter sends it": (
        "openai-chat",
        _events(
            ": OPENROUTER PROCESSING",
            CHAT_CHUNK,
            {
                "error": {"code": 502, "message": "Overloaded"},
                "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
            },
            "data: [DONE]",
        ),
        "Well",
    ),
    "openai-chat: an error that is only text": (
        "openai-chat",
        _events({"error": "Overloaded"}),
        "",
    ),
    "openai-chat: an error in place of a stream": (
        "openai-chat",
        _json({"error": {"message": "Overloaded"}}),
        "",
    ),
    "openai-responses: the event error": (
        "openai-responses",
        _events(
            {"type": "response.output_text.delta", "delta": "Well"},
            {"type": "error", "code": "server_error", "message": "Overloaded", "param": None},
        ),
        "Well",
    ),
    "openai-responses: a response that failed": (
        "openai-responses",
        _events(
            {"type": "response.output_text.delta", "delta": "Well"},
            {
                "type": "response.failed",
                "response": {"status": "failed", "error": {"message": "Overloaded"}},
            },
        ),
        "Well",
    ),
    "anthropic-messages: the event error": (
        "anthropic-messages",
        _events(
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Well"}},
            'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", '
            '"message": "Overloaded"}}',
        ),
        "Well",
    ),
    "gemini: an error for a chunk": (
        "gemini",
        _events({"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}),
        "",
    ),
    "gemini: a blocked prompt": (
        "gemini",
        _events({"promptFeedback": {"blockReason": "Overloaded"}}),
        "",
    ),
    "gemini-interactions: the event error": (
        "gemini-interactions",
        _events({"event_type": "error", "error": {"code": "x", "message": "Overloaded"}}),
        "",
    ),
    "cohere-v2: an end that says so": (
        "cohere-v2",
        _events(
            {"type": "content-delta", "delta": {"message": {"content": {"text": "Well"}}}},
            {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "Overloaded"}},
        ),
        "Well",
    ),
    "ollama: a line that says so": (
        "ollama",
        _ok(
            '{"message": {"content": "Well"}, "done": false}\n{"error": "Overloaded"}\n',
            "application/x-ndjson",
        ),
        "Well",
    ),
    "ollama-generate: a line that says so": (
        "ollama-generate",
        _ok(
            '{"response": "Well", "done": false}\n{"error": "Overloaded"}\n', "application/x-ndjson"
        ),
        "Well",
    ),
    "vercel-ui: an error before the finish": (
        "vercel-ui",
        _events(
            {"type": "start"},
            {"type": "text-delta", "id": "1", "delta": "Well"},
            {"type": "error", "errorText": "Overloaded"},
            {"type": "finish"},
            "data: [DONE]",
        ),
        "Well",
    ),
    "vercel-ui: a reply that was given up": (
        "vercel-ui",
        _events(
            {"type": "text-delta", "id": "1", "delta": "Well"},
            {"type": "abort", "reason": "Overloaded"},
            "data: [DONE]",
        ),
        "Well",
    ),
    "a2a: a task that failed": (
        "a2a",
        _events(
            {"result": {"artifactUpdate": {"artifact": {"parts": [{"text": "Well"}]}}}},
            {
                "result": {
                    "statusUpdate": {
                        "status": {
                            "state": "TASK_STATE_FAILED",
                            "message": {"parts": [{"text": "Overloaded"}]},
                        }
                    }
                }
            },
        ),
        "Well",
    ),
    "dify: the event error": (
        "dify",
        _events(
            {"event": "message", "answer": "Well", "conversation_id": "c"},
            {"event": "error", "status": 400, "code": "completion_error", "message": "Overloaded"},
        ),
        "Well",
    ),
    "flowise: the event error": (
        "flowise",
        _events({"event": "token", "data": "Well"}, {"event": "error", "data": "Overloaded"}),
        "Well",
    ),
    "langflow: the event error": (
        "langflow",
        _ok(
            '{"event": "token", "data": {"chunk": "Well"}}\n\n'
            '{"event": "error", "data": {"error": "Overloaded"}}\n\n',
            "text/event-stream",
        ),
        "Well",
    ),
    "openai-chat-json: an error in a 200": (
        "openai-chat-json",
        _json({"error": {"message": "Overloaded"}}),
        "",
    ),
}


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


ANSWERS = {
    "openai-chat: servers that write an empty reason with every chunk": (
        "openai-chat",
        _events(
            {"choices": [{"delta": {"content": "It is "}, "finish_reason": ""}]},
            {"choices": [{"delta": {"content": "tea."}, "finish_reason": "stop"}]},
            "data: [DONE]",
        ),
    ),
    "openai-chat: reasoning as OpenRouter names it": (
        "openai-chat",
        _events(
            {"choices": [{"delta": {"content": "", "reasoning": "hm"}, "finish_reason": None}]},
            {"choices": [{"delta": {"content": "It is tea."}, "finish_reason": "stop"}]},
        ),
    ),
    "openai-chat: an answer in one piece though it was to be streamed": (
        "openai-chat",
        _json({"choices": [{"message": {"content": "It is tea."}, "finish_reason": "stop"}]}),
    ),
    "openai-responses: reasoning, a refusal and a tool beside the text": (
        "openai-responses",
        _events(
            {"type": "response.reasoning_text.delta", "delta": "hm"},
            {"type": "response.function_call_arguments.delta", "delta": "{}"},
            {"type": "response.refusal.delta", "delta": "no"},
            {"type": "response.output_text.delta", "delta": "It is tea."},
            {"type": "response.incomplete", "response": {"status": "incomplete"}},
        ),
    ),
    "openai-responses: an answer in one piece": (
        "openai-responses",
        _json(
            {
                "output": [
                    {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}]},
                    {"type": "message", "content": [{"type": "output_text", "text": "It is tea."}]},
                ]
            }
        ),
    ),
    "anthropic-messages: a heartbeat and a tool beside the text": (
        "anthropic-messages",
        _events(
            'event: ping\ndata: {"type": "ping"}',
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "It is tea."}},
            {
                "type": "content_block_delta",
                "delta": {"type": "input_json_delta", "partial_json": "{}"},
            },
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
            {"type": "message_stop"},
        ),
    ),
    "gemini: a thought and two parts of text in the event that finishes": (
        "gemini",
        _events(
            {
                "candidates": [
                    {
                        "content": {
                            "parts": [
                                {"text": "hm", "thought": True},
                                {"text": "It is ", "thought": False},
                                {"text": "tea."},
                            ]
                        },
                        "finishReason": "MAX_TOKENS",
                    }
                ]
            }
        ),
    ),
    "gemini-interactions: a thought beside the text": (
        "gemini-interactions",
        _events(
            {"event_type": "step.delta", "delta": {"type": "thought", "text": "hm"}},
            {"event_type": "step.delta", "delta": {"type": "text", "text": "It is tea."}},
            {"event_type": "interaction.completed", "interaction": {"id": "i"}},
        ),
    ),
    "cohere-v2: thinking beside the text": (
        "cohere-v2",
        _events(
            {"type": "content-delta", "delta": {"message": {"content": {"thinking": "hm"}}}},
            {"type": "content-delta", "delta": {"message": {"content": {"text": "It is tea."}}}},
            {"type": "message-end", "delta": {"finish_reason": "MAX_TOKENS"}},
        ),
    ),
    "ollama: thinking beside the text": (
        "ollama",
        _ok(
            '{"message": {"content": "", "thinking": "hm"}, "done": false}\n'
            '{"message": {"content": "It is tea."}, "done": false}\n'
            '{"message": {"content": ""}, "done": true, "eval_count": 3}\n',
            "application/x-ndjson",
        ),
    ),
    "vercel-ui: reasoning and a tool beside the text": (
        "vercel-ui",
        _events(
            {"type": "start", "messageId": "m"},
            {"type": "reasoning-delta", "id": "0", "delta": "hm"},
            {"type": "tool-input-delta", "toolCallId": "c", "inputTextDelta": "{}"},
            {"type": "text-start", "id": "1"},
            {"type": "text-delta", "id": "1", "delta": "It is "},
            {"type": "text-delta", "id": "1", "delta": "tea."},
            {"type": "text-end", "id": "1"},
            {"type": "finish"},
            "data: [DONE]",
        ),
    ),
    "a2a: an artifact in pieces, sent anew": (
        "a2a",
        _events(
            {"result": {"task": {"id": "t", "contextId": "c"}}},
            {"result": {"artifactUpdate": {"artifact": {"parts": [{"text": "It "}]}}}},
            {
                "result": {
                    "artifactUpdate": {"artifact": {"parts": [{"text": "is tea."}]}, "append": True}
                }
            },
            {"result": {"statusUpdate": {"status": {"state": "TASK_STATE_COMPLETED"}}}},
        ),
    ),
    "a2a: a message in place of a task": (
        "a2a",
        _events({"result": {"message": {"role": "ROLE_AGENT", "parts": [{"text": "It is tea."}]}}}),
    ),
    "a2a: the answer in the last status": (
        "a2a",
        _events(
            {
                "result": {
                    "statusUpdate": {
                        "status": {
                            "state": "TASK_STATE_WORKING",
                            "message": {"parts": [{"text": "Looking it up"}]},
                        }
                    }
                }
            },
            {
                "result": {
                    "statusUpdate": {
                        "status": {
                            "state": "TASK_STATE_COMPLETED",
                            "message": {"parts": [{"text": "It is tea."}]},
                        }
                    }
                }
            },
        ),
    ),
    "dify: heartbeats without data, and an answer that is taken back": (
        "dify",
        _events(
            "event: ping",
            {"event": "message", "answer": "Dirty", "conversation_id": "c"},
            "event: ping",
            {"event": "message_replace", "answer": "It is ", "conversation_id": "c"},
            {"event": "agent_message", "answer": "tea.", "conversation_id": "c"},
            {"event": "workflow_finished", "conversation_id": "c"},
            {"event": "message_end", "conversation_id": "c", "metadata": {"usage": {}}},
        ),
    ),
    "langflow: lines of JSON that are announced as events": (
        "langflow",
        _ok(
            '{"event": "add_message", "data": {"text": "Hi"}}\n\n'
            '{"event": "token", "data": {"chunk": "It is "}}\n\n'
            '{"event": "token", "data": {"chunk": "tea."}}\n\n'
            '{"event": "end", "data": {"result": {}}}\n\n',
            "text/event-stream",
        ),
    ),
    "flowise: tokens between other events": (
        "flowise",
        _events(
            {"event": "start", "data": ""},
            {"event": "token", "data": "It is "},
            {"event": "token", "data": "tea."},
            {"event": "metadata", "data": {"chatId": "c"}},
            {"event": "end", "data": "[DONE]"},
        ),
    ),
}


@pytest.mark.parametrize(("preset", "response"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_the_answer_is_all_that_is_heard(preset: str, response: bytes) -> None:
    reply = await _ask(preset, response)

    assert (reply.content, reply.verdict, reply.error) == ("It is tea.", Verdict.FINISHED, None)


async def test_messages_of_rasa_are_lines_of_one_answer() -> None:
    response = _json([{"text": "It is tea."}, {"image": "tea.png"}, {"text": "Milk?"}])

    reply = await _ask("rasa", response)

    assert (reply.content, reply.verdict) == ("It is tea.\nMilk?", Verdict.FINISHED)


async def test_rasa_may_say_nothing() -> None:
    reply = await _ask("rasa", _json([]))

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
