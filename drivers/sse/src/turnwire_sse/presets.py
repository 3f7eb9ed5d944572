"""Presets: what an API expects and how its stream reads, so that a connection needs only a URL.

Each is a connection as in a file, without ``base_url``. Four traps are common to most of these
APIs, and every preset here avoids those that its API sets:

- Reasoning travels in the same stream, often under the same key as the answer: content is told
  apart by the event's type or the part's mark, never by the key alone.
- A tool call is no answer, and its arguments stream like one.
- Errors arrive inside a 200; some streams then end as if nothing had happened.
- The reason for finishing comes before the usage and the end of the stream, or in the same event
  as the last text.

In a condition ``[True]`` is JSON's true, while a bare ``True`` would mean any value at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_OPENAI_CHAT: Final = {
    "protocol": "sse",
    "description": "OpenAI Chat Completions, and the many servers that speak it",
    "variables": {"model": "gpt-4o-mini"},
    "request": {
        "body": {
            "model": "{{variables.model}}",
            "messages": "{{messages}}",
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    },
    "responseFieldPath": "choices[0].message.content",
    "sse": {
        # Reasoning has keys of its own: delta.reasoning_content, delta.reasoning.
        "content": [{"path": "choices[0].delta.content"}],
        # Any reason will do (stop, length, tool_calls, content_filter, and what compatible servers
        # invent), except the empty one that some send with every event.
        "finish": [
            {"path": "choices[0].finish_reason", "unless": {"choices[0].finish_reason": ""}},
            {"sentinel": "[DONE]"},
        ],
        "errors": [{"path": "error.message | error"}],
        "usagePath": "usage",
    },
}

_RESPONSES_RULES: Final = {
    # Reasoning, refusals and the arguments of tools have a `delta` too.
    "content": [{"path": "delta", "when": {"type": "response.output_text.delta"}}],
    # A failed reply ends here too: the error rules tell it from the others.
    "finish": [
        {"when": {"type": ["response.completed", "response.incomplete", "response.failed"]}},
    ],
    "errors": [
        {"when": {"type": "error"}, "path": "error.message | message"},
        {"when": {"type": "response.failed"}, "path": "response.error.message"},
        {"path": "error.message"},
    ],
    "usagePath": "response.usage | usage",
}

_OPENAI_RESPONSES: Final = {
    "protocol": "sse",
    "description": "OpenAI Responses",
    "variables": {"model": "gpt-4o-mini"},
    "request": {
        "body": {"model": "{{variables.model}}", "input": "{{messages}}", "stream": True},
    },
    # The message is the last item of the output; reasoning stands before it.
    "responseFieldPath": "output[-1].content[*].text",
    "sse": _RESPONSES_RULES,
}

_ANTHROPIC_MESSAGES: Final = {
    "protocol": "sse",
    "description": "Anthropic Messages",
    "variables": {"model": "claude-sonnet-4-5", "maxTokens": 1024},
    "headers": {"anthropic-version": "2023-06-01"},
    "request": {
        "body": {
            "model": "{{variables.model}}",
            "max_tokens": "{{variables.maxTokens}}",
            "messages": "{{messages}}",
            "stream": True,
        }
    },
    "responseFieldPath": "content[*].text",
    "sse": {
        "content": [{"path": "delta.text", "when": {"delta.type": "text_delta"}}],
        "finish": [{"when": {"type": "message_stop"}}],
        "errors": [{"when": {"type": "error"}, "path": "error.message"}],
        # message_start brings a first count, message_delta the final one.
        "usagePath": "usage | message.usage",
    },
}

_GEMINI: Final = {
    "protocol": "sse",
    "description": "Google Gemini streamGenerateContent",
    "request": {
        "query": {"alt": "sse"},
        "body": {"contents": "{{messages}}"},
        "messageTemplate": {"role": "{{role}}", "parts": [{"text": "{{content}}"}]},
        "roles": {"assistant": "model"},
    },
    "responseFieldPath": "candidates[0].content.parts[*].text",
    "sse": {
        "content": [
            {"path": "candidates[0].content.parts[*].text", "unless": {"thought": [True]}},
        ],
        # In the same event as the last text and the usage.
        "finish": [{"path": "candidates[0].finishReason"}],
        "errors": [
            {"path": "error.message"},
            # A prompt that was blocked: a 200 without candidates.
            {"path": "promptFeedback.blockReason"},
        ],
        "usagePath": "usageMetadata",
    },
}

_GEMINI_INTERACTIONS: Final = {
    "protocol": "sse",
    "description": "Google Gemini Interactions, which remembers the conversation itself",
    "variables": {"model": "gemini-2.5-flash"},
    "request": {
        "body": {
            "model": "{{variables.model}}",
            "input": "{{message}}",
            "previous_interaction_id": "{{variables.interactionId}}",
            "stream": True,
        }
    },
    "sse": {
        "content": [
            {"path": "delta.text", "when": {"event_type": "step.delta", "delta.type": "text"}},
        ],
        "finish": [{"when": {"event_type": "interaction.completed"}}],
        "errors": [{"path": "error.message"}],
        "usagePath": "interaction.usage",
        "capture": {"interactionId": "interaction.id"},
    },
}

_COHERE_V2: Final = {
    "protocol": "sse",
    "description": "Cohere Chat, version 2",
    "variables": {"model": "command-a-03-2025"},
    "request": {
        "body": {"model": "{{variables.model}}", "messages": "{{messages}}", "stream": True},
    },
    "responseFieldPath": "message.content[*].text",
    "sse": {
        # Thinking has a key of its own: delta.message.content.thinking.
        "content": [{"path": "delta.message.content.text", "when": {"type": "content-delta"}}],
        "finish": [{"when": {"type": "message-end"}}],
        "errors": [
            {
                "when": {"type": "message-end", "delta.finish_reason": ["ERROR", "TIMEOUT"]},
                "path": "delta.error | delta.finish_reason",
            },
        ],
        "usagePath": "delta.usage | usage",
    },
}

_OLLAMA_RULES: Final = {
    # `done` is in every line: only true ends the reply.
    "finish": [{"path": "done", "value": True}],
    "errors": [{"path": "error"}],
}

_OLLAMA: Final = {
    "protocol": "sse",
    "description": "Ollama /api/chat (NDJSON)",
    "variables": {"model": "llama3.2"},
    "request": {
        "body": {"model": "{{variables.model}}", "messages": "{{messages}}", "stream": True},
    },
    "responseFieldPath": "message.content",
    "sse": {
        **_OLLAMA_RULES,
        "content": [{"path": "message.content"}],
        # Ollama counts at the top of its last line, beside much else.
        "capture": {"inputTokens": "prompt_eval_count", "outputTokens": "eval_count"},
    },
}

_OLLAMA_GENERATE: Final = {
    "protocol": "sse",
    "description": "Ollama /api/generate (NDJSON), which hands its memory back with each reply",
    "variables": {"model": "llama3.2"},
    "request": {
        "body": {
            "model": "{{variables.model}}",
            "prompt": "{{message}}",
            "context": "{{variables.context}}",
            "stream": True,
        }
    },
    "responseFieldPath": "response",
    "sse": {
        **_OLLAMA_RULES,
        "content": [{"path": "response"}],
        "capture": {
            "context": "context",
            "inputTokens": "prompt_eval_count",
            "outputTokens": "eval_count",
        },
    },
}

_AG_UI: Final = {
    "protocol": "sse",
    "description": "AG-UI agents",
    "request": {
        "body": {
            "threadId": "{{sessionId}}",
            "runId": "{{turnId}}",
            "messages": "{{messages}}",
            "tools": [],
            "context": [],
            "state": {},
            "forwardedProps": {},
        },
        "messageTemplate": {"id": "{{id}}", "role": "{{role}}", "content": "{{content}}"},
    },
    "sse": {
        # Reasoning and the arguments of tools have a `delta` too.
        "content": [
            {"path": "delta", "when": {"type": ["TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_CHUNK"]}},
        ],
        "finish": [{"when": {"type": "RUN_FINISHED"}}],
        "errors": [{"when": {"type": "RUN_ERROR"}, "path": "message"}],
        "usagePath": "usage",
    },
}

_VERCEL_UI: Final = {
    "protocol": "sse",
    "description": "Vercel AI SDK, UI message stream",
    "request": {
        "body": {
            "id": "{{sessionId}}",
            "trigger": "submit-message",
            "messages": "{{messages}}",
        },
        "messageTemplate": {
            "id": "{{id}}",
            "role": "{{role}}",
            "parts": [{"type": "text", "text": "{{content}}"}],
        },
    },
    "sse": {
        "content": [{"path": "delta", "when": {"type": "text-delta"}}],
        "finish": [{"when": {"type": "finish"}}, {"sentinel": "[DONE]"}],
        "errors": [
            # `finish` and [DONE] follow all the same.
            {"when": {"type": "error"}, "path": "errorText"},
            {"when": {"type": "abort"}, "path": "reason | type"},
        ],
        "usagePath": "messageMetadata.usage | messageMetadata.totalUsage",
    },
}

_A2A_STATE: Final = "result.statusUpdate.status.state | result.task.status.state"
_A2A_ARTIFACT: Final = (
    "result.artifactUpdate.artifact.parts[*].text | result.artifact.parts[*].text"
)
_A2A_APPEND: Final = "result.artifactUpdate.append | result.artifact.append"
_A2A_STATUS_TEXT: Final = "result.statusUpdate.status.message.parts[*].text"

_A2A: Final = {
    "protocol": "sse",
    "description": "Agent2Agent 1.0 over JSON-RPC",
    "headers": {"A2A-Version": "1.0"},
    "request": {
        "body": {
            "jsonrpc": "2.0",
            "id": "{{turnId}}",
            "method": "SendStreamingMessage",
            "params": {
                "message": {
                    "messageId": "{{turnId}}",
                    "contextId": "{{variables.contextId}}",
                    "role": "ROLE_USER",
                    "parts": [{"text": "{{message}}"}],
                }
            },
        }
    },
    "sse": {
        "content": [
            # An artifact comes in pieces, or whole and anew: `append` is false, or left out.
            {"path": _A2A_ARTIFACT, "when": {_A2A_APPEND: [True]}},
            {"path": _A2A_ARTIFACT, "unless": {_A2A_APPEND: [True]}, "mode": "replace"},
            # Agents without artifacts answer in one message, or in the last status.
            {"path": "result.message.parts[*].text"},
            {
                "path": _A2A_STATUS_TEXT,
                "when": {_A2A_STATE: ["TASK_STATE_COMPLETED", "TASK_STATE_INPUT_REQUIRED"]},
            },
        ],
        "finish": [
            {"when": {_A2A_STATE: ["TASK_STATE_COMPLETED", "TASK_STATE_INPUT_REQUIRED"]}},
            {"path": "result.message"},
        ],
        "errors": [
            {"path": "error.message"},
            {
                "when": {
                    _A2A_STATE: ["TASK_STATE_FAILED", "TASK_STATE_REJECTED", "TASK_STATE_CANCELED"]
                },
                "path": f"result.statusUpdate.status.message.parts[0].text | {_A2A_STATE}",
            },
        ],
        "capture": {
            "contextId": "result.task.contextId | result.statusUpdate.contextId"
            " | result.artifactUpdate.contextId | result.message.contextId",
        },
    },
}

_DIFY: Final = {
    "protocol": "sse",
    "description": "Dify /v1/chat-messages",
    "variables": {"user": "turnwire"},
    "request": {
        "body": {
            "inputs": {},
            "query": "{{message}}",
            "response_mode": "streaming",
            "user": "{{variables.user}}",
            "conversation_id": "{{variables.conversationId}}",
        }
    },
    "responseFieldPath": "answer",
    "sse": {
        # `event` is a field of the JSON here, not the event's name.
        "content": [
            {"path": "answer", "when": {"event": ["message", "agent_message"]}},
            {"path": "answer", "when": {"event": "message_replace"}, "mode": "replace"},
        ],
        # workflow_finished comes first where a workflow is behind it, and is no end.
        "finish": [{"when": {"event": "message_end"}}],
        "errors": [{"when": {"event": "error"}, "path": "message"}],
        "usagePath": "metadata.usage",
        "capture": {"conversationId": "conversation_id"},
    },
}

_FLOWISE: Final = {
    "protocol": "sse",
    "description": "Flowise prediction",
    "request": {
        "body": {
            "question": "{{message}}",
            "streaming": True,
            "overrideConfig": {"sessionId": "{{sessionId}}"},
        }
    },
    "responseFieldPath": "text",
    "sse": {
        "content": [{"path": "data", "when": {"event": "token"}}],
        "finish": [{"when": {"event": "end"}}],
        "errors": [{"when": {"event": "error"}, "path": "data"}],
    },
}

_LANGFLOW: Final = {
    "protocol": "sse",
    "description": "Langflow /api/v1/run",
    "request": {
        "query": {"stream": "true"},
        "body": {
            "input_value": "{{message}}",
            "input_type": "chat",
            "output_type": "chat",
            "session_id": "{{sessionId}}",
        },
    },
    "sse": {
        # Announced as text/event-stream, but each event is a bare line of JSON.
        "format": "ndjson",
        "content": [{"path": "data.chunk", "when": {"event": "token"}}],
        "finish": [{"when": {"event": "end"}}],
        "errors": [{"when": {"event": "error"}, "path": "data.error | data.text | data"}],
    },
}

PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "openai-chat": _OPENAI_CHAT,
    "openai-responses": _OPENAI_RESPONSES,
    "anthropic-messages": _ANTHROPIC_MESSAGES,
    "gemini": _GEMINI,
    "gemini-interactions": _GEMINI_INTERACTIONS,
    "cohere-v2": _COHERE_V2,
    "ollama": _OLLAMA,
    "ollama-generate": _OLLAMA_GENERATE,
    "ag-ui": _AG_UI,
    "vercel-ui": _VERCEL_UI,
    "a2a": _A2A,
    "dify": _DIFY,
    "flowise": _FLOWISE,
    "langflow": _LANGFLOW,
}
"""The presets of this driver, by name."""
