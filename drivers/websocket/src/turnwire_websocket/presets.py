"""Presets: what an API expects and how its messages read, so that a connection needs only a URL.

Each is a connection as in a file, without ``base_url``. All of these APIs keep the socket open
after a reply, whether it went well or not, and remember the conversation themselves: a turn sends
its own message, not the transcript (except where the API is stateless).

In a condition ``[True]`` is JSON's true, while a bare ``True`` would mean any value at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_OPENAI_REALTIME: Final = {
    "protocol": "websocket",
    "description": "OpenAI Realtime, in text",
    "request": {
        "bodies": [
            {
                "type": "conversation.item.create",
                "item": {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text", "text": "{{message}}"}],
                },
            },
            {"type": "response.create"},
        ],
    },
    "websocket": {
        "opening": [
            {
                "send": {
                    "type": "session.update",
                    "session": {"type": "realtime", "output_modalities": ["text"]},
                },
                "waitFor": {"type": "session.updated"},
            },
        ],
        # The transcript is what a session that speaks sends in place of text.
        "content": [
            {
                "path": "delta",
                "when": {
                    "type": [
                        "response.output_text.delta",
                        "response.output_audio_transcript.delta",
                    ]
                },
            },
        ],
        # response.done ends a failed reply too.
        "finish": [{"when": {"type": "response.done"}}],
        "errors": [
            {"when": {"type": "error"}, "path": "error.message"},
            {
                "when": {"type": "response.done", "response.status": ["failed", "cancelled"]},
                "path": "response.status_details.error.message"
                " | response.status_details.reason | response.status",
            },
        ],
        "usagePath": "response.usage",
    },
}

_OPENAI_RESPONSES_WS: Final = {
    "protocol": "websocket",
    "description": "OpenAI Responses over WebSocket",
    "variables": {"model": "gpt-4o-mini"},
    "request": {
        "body": {
            "type": "response.create",
            "model": "{{variables.model}}",
            "input": "{{messages}}",
        },
    },
    "websocket": {
        # Reasoning, refusals and the arguments of tools have a `delta` too.
        "content": [{"path": "delta", "when": {"type": "response.output_text.delta"}}],
        "finish": [
            {"when": {"type": ["response.completed", "response.incomplete", "response.failed"]}},
        ],
        "errors": [
            {"when": {"type": "error"}, "path": "error.message | message"},
            {"when": {"type": "response.failed"}, "path": "response.error.message"},
        ],
        "usagePath": "response.usage",
    },
}

_GEMINI_LIVE: Final = {
    "protocol": "websocket",
    "description": "Google Gemini Live, in text",
    "variables": {"model": "models/gemini-2.0-flash-live-001"},
    "request": {
        "body": {
            "clientContent": {
                "turns": [{"role": "user", "parts": [{"text": "{{message}}"}]}],
                "turnComplete": True,
            }
        },
    },
    "websocket": {
        "opening": [
            {
                "send": {
                    "setup": {
                        "model": "{{variables.model}}",
                        "generationConfig": {"responseModalities": ["TEXT"]},
                    }
                },
                "waitFor": {"setupComplete": True},
            },
        ],
        # The service may send its JSON in binary messages.
        "binary": "text",
        "content": [
            {"path": "serverContent.modelTurn.parts[*].text", "unless": {"thought": [True]}},
            # What a session that speaks sends in place of text.
            {"path": "serverContent.outputTranscription.text"},
        ],
        "finish": [{"path": "serverContent.turnComplete", "value": True}],
        "errors": [{"path": "error.message"}],
        "usagePath": "usageMetadata",
    },
}

PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "openai-realtime": _OPENAI_REALTIME,
    "openai-responses-ws": _OPENAI_RESPONSES_WS,
    "gemini-live": _GEMINI_LIVE,
}
"""The presets of this driver, by name."""
