"""Presets: what an API expects and where its answer is, so that a connection needs only a URL.

Each is a connection as in a file, without ``base_url``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_OPENAI_CHAT_JSON: Final = {
    "protocol": "http_chat",
    "description": "OpenAI Chat Completions, not streamed",
    "variables": {"model": "gpt-4o-mini"},
    "request": {
        "body": {"model": "{{variables.model}}", "messages": "{{messages}}", "stream": False},
    },
    "responseFieldPath": "choices[0].message.content",
    "http_chat": {
        "errors": [{"path": "error.message | error"}],
        "usagePath": "usage",
    },
}

_RASA: Final = {
    "protocol": "http_chat",
    "description": "Rasa, REST channel",
    "request": {"body": {"sender": "{{sessionId}}", "message": "{{message}}"}},
    # The reply is a list of messages, each with a text, an image or buttons; it may be empty.
    "http_chat": {"content": [{"path": "[*].text", "join": "\n"}]},
}

PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "openai-chat-json": _OPENAI_CHAT_JSON,
    "rasa": _RASA,
}
"""The presets of this driver, by name."""
