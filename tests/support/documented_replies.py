"""Replies written down from the APIs' documentation, because nothing that runs gives them.

Most are the errors that hide inside a 200, and the formats of which aimock has none. Each is named
after the preset that reads it.
"""

from __future__ import annotations

import json
from typing import Any

CHAT_CHUNK = {"choices": [{"index": 0, "delta": {"content": "Well"}, "finish_reason": None}]}


def events(*events: Any, content_type: str = "text/event-stream") -> bytes:
    """A 200 with these events: JSON values as data, text as it is."""
    texts = [event if isinstance(event, str) else f"data: {json.dumps(event)}" for event in events]
    return ok("".join(f"{text}\n\n" for text in texts), content_type)


def document(value: Any) -> bytes:
    return ok(json.dumps(value), "application/json")


def ok(body: str, content_type: str) -> bytes:
    data = body.encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(data)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + data


HIDDEN_ERRORS = {
    "openai-chat: an error for a chunk": (
        "openai-chat",
        events(CHAT_CHUNK, {"error": {"message": "Overloaded", "code": 502}}, "data: [DONE]"),
        "Well",
    ),
    "openai-chat: an error beside a finish, as OpenRouter sends it": (
        "openai-chat",
        events(
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
        events({"error": "Overloaded"}),
        "",
    ),
    "openai-chat: an error in place of a stream": (
        "openai-chat",
        document({"error": {"message": "Overloaded"}}),
        "",
    ),
    "openai-responses: the event error": (
        "openai-responses",
        events(
            {"type": "response.output_text.delta", "delta": "Well"},
            {"type": "error", "code": "server_error", "message": "Overloaded", "param": None},
        ),
        "Well",
    ),
    "openai-responses: a response that failed": (
        "openai-responses",
        events(
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
        events(
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Well"}},
            'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", '
            '"message": "Overloaded"}}',
        ),
        "Well",
    ),
    "gemini: an error for a chunk": (
        "gemini",
        events({"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}),
        "",
    ),
    "gemini: a blocked prompt": (
        "gemini",
        events({"promptFeedback": {"blockReason": "Overloaded"}}),
        "",
    ),
    "gemini-interactions: the event error": (
        "gemini-interactions",
        events({"event_type": "error", "error": {"code": "x", "message": "Overloaded"}}),
        "",
    ),
    "cohere-v2: an end that says so": (
        "cohere-v2",
        events(
            {"type": "content-delta", "delta": {"message": {"content": {"text": "Well"}}}},
            {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "Overloaded"}},
        ),
        "Well",
    ),
    "ollama: a line that says so": (
        "ollama",
        ok(
            '{"message": {"content": "Well"}, "done": false}\n{"error": "Overloaded"}\n',
            "application/x-ndjson",
        ),
        "Well",
    ),
    "ollama-generate: a line that says so": (
        "ollama-generate",
        ok(
            '{"response": "Well", "done": false}\n{"error": "Overloaded"}\n', "application/x-ndjson"
        ),
        "Well",
    ),
    "vercel-ui: an error before the finish": (
        "vercel-ui",
        events(
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
        events(
            {"type": "text-delta", "id": "1", "delta": "Well"},
            {"type": "abort", "reason": "Overloaded"},
            "data: [DONE]",
        ),
        "Well",
    ),
    "a2a: a task that failed": (
        "a2a",
        events(
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
        events(
            {"event": "message", "answer": "Well", "conversation_id": "c"},
            {"event": "error", "status": 400, "code": "completion_error", "message": "Overloaded"},
        ),
        "Well",
    ),
    "flowise: the event error": (
        "flowise",
        events({"event": "token", "data": "Well"}, {"event": "error", "data": "Overloaded"}),
        "Well",
    ),
    "langflow: the event error": (
        "langflow",
        ok(
            '{"event": "token", "data": {"chunk": "Well"}}\n\n'
            '{"event": "error", "data": {"error": "Overloaded"}}\n\n',
            "text/event-stream",
        ),
        "Well",
    ),
    "openai-chat-json: an error in a 200": (
        "openai-chat-json",
        document({"error": {"message": "Overloaded"}}),
        "",
    ),
}
"""The preset, the response, and the text that came before the error."""

ANSWERS = {
    "openai-chat: servers that write an empty reason with every chunk": (
        "openai-chat",
        events(
            {"choices": [{"delta": {"content": "It is "}, "finish_reason": ""}]},
            {"choices": [{"delta": {"content": "tea."}, "finish_reason": "stop"}]},
            "data: [DONE]",
        ),
    ),
    "openai-chat: reasoning as OpenRouter names it": (
        "openai-chat",
        events(
            {"choices": [{"delta": {"content": "", "reasoning": "hm"}, "finish_reason": None}]},
            {"choices": [{"delta": {"content": "It is tea."}, "finish_reason": "stop"}]},
        ),
    ),
    "openai-chat: an answer in one piece though it was to be streamed": (
        "openai-chat",
        document({"choices": [{"message": {"content": "It is tea."}, "finish_reason": "stop"}]}),
    ),
    "openai-responses: reasoning, a refusal and a tool beside the text": (
        "openai-responses",
        events(
            {"type": "response.reasoning_text.delta", "delta": "hm"},
            {"type": "response.function_call_arguments.delta", "delta": "{}"},
            {"type": "response.refusal.delta", "delta": "no"},
            {"type": "response.output_text.delta", "delta": "It is tea."},
            {"type": "response.incomplete", "response": {"status": "incomplete"}},
        ),
    ),
    "openai-responses: an answer in one piece": (
        "openai-responses",
        document(
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
        events(
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
        events(
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
        events(
            {"event_type": "step.delta", "delta": {"type": "thought", "text": "hm"}},
            {"event_type": "step.delta", "delta": {"type": "text", "text": "It is tea."}},
            {"event_type": "interaction.completed", "interaction": {"id": "i"}},
        ),
    ),
    "cohere-v2: thinking beside the text": (
        "cohere-v2",
        events(
            {"type": "content-delta", "delta": {"message": {"content": {"thinking": "hm"}}}},
            {"type": "content-delta", "delta": {"message": {"content": {"text": "It is tea."}}}},
            {"type": "message-end", "delta": {"finish_reason": "MAX_TOKENS"}},
        ),
    ),
    "ollama: thinking beside the text": (
        "ollama",
        ok(
            '{"message": {"content": "", "thinking": "hm"}, "done": false}\n'
            '{"message": {"content": "It is tea."}, "done": false}\n'
            '{"message": {"content": ""}, "done": true, "eval_count": 3}\n',
            "application/x-ndjson",
        ),
    ),
    "vercel-ui: reasoning and a tool beside the text": (
        "vercel-ui",
        events(
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
        events(
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
        events({"result": {"message": {"role": "ROLE_AGENT", "parts": [{"text": "It is tea."}]}}}),
    ),
    "a2a: the answer in the last status": (
        "a2a",
        events(
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
        events(
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
        ok(
            '{"event": "add_message", "data": {"text": "Hi"}}\n\n'
            '{"event": "token", "data": {"chunk": "It is "}}\n\n'
            '{"event": "token", "data": {"chunk": "tea."}}\n\n'
            '{"event": "end", "data": {"result": {}}}\n\n',
            "text/event-stream",
        ),
    ),
    "flowise: tokens between other events": (
        "flowise",
        events(
            {"event": "start", "data": ""},
            {"event": "token", "data": "It is "},
            {"event": "token", "data": "tea."},
            {"event": "metadata", "data": {"chatId": "c"}},
            {"event": "end", "data": "[DONE]"},
        ),
    ),
}
"""The preset, and a response whose answer is "It is tea."."""
