"""What each preset has to send, word for word, and where aimock takes it.

Written down by hand from the APIs' documentation, not derived from the presets: the recorder sends
these bodies, the tests hold the presets to them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

ANSWER = "Hello! It costs 12 €, in 東京 too. 🙂"
"""What the scripted assistant answers to everything that is not meant to fail."""

REASONING = "keep this to myself"
"""Part of what the scripted assistant thinks and must not be heard to say."""


class SomeText(str):
    """Text that the client makes up: equal to any that is not empty."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and bool(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


SESSION, TURN = SomeText("session-1"), SomeText("turn-1")
"""What the recorder sends where a client names the conversation and the turn."""


@attrs.frozen
class Api:
    """One API, as a preset speaks it.

    ``bodies`` makes what is sent for the first turn of a conversation from the user's message.
    ``says`` are the messages for which there are recordings.
    """

    preset: str
    protocol: str
    path: str
    bodies: Callable[[str], list[Any]]
    says: tuple[str, ...] = ("greet me", "think first", "break off", "fail")
    headers: dict[str, str] = attrs.field(factory=dict)
    opening: tuple[Any, ...] = ()
    opened_by: str = ""

    def recording(self, message: str) -> str:
        """The name of the file with what aimock answered."""
        suffix = "jsonl" if self.protocol == "websocket" else "http"
        return f"{self.preset}.{message.replace(' ', '-')}.{suffix}"


def _user(message: str) -> dict[str, str]:
    return {"role": "user", "content": message}


APIS = (
    Api(
        "openai-chat",
        "sse",
        "/v1/chat/completions",
        lambda message: [
            {
                "model": "gpt-4o-mini",
                "messages": [_user(message)],
                "stream": True,
                "stream_options": {"include_usage": True},
            }
        ],
        says=(
            "greet me",
            "think first",
            "break off",
            "fail",
            "say something rude",
            "call the tool",
        ),
    ),
    Api(
        "openai-responses",
        "sse",
        "/v1/responses",
        lambda message: [{"model": "gpt-4o-mini", "input": [_user(message)], "stream": True}],
    ),
    Api(
        "anthropic-messages",
        "sse",
        "/v1/messages",
        lambda message: [
            {
                "model": "claude-sonnet-4-5",
                "max_tokens": 1024,
                "messages": [_user(message)],
                "stream": True,
            }
        ],
        headers={"anthropic-version": "2023-06-01"},
    ),
    Api(
        "gemini",
        "sse",
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        lambda message: [{"contents": [{"role": "user", "parts": [{"text": message}]}]}],
    ),
    Api(
        "gemini-interactions",
        "sse",
        "/v1beta/interactions",
        lambda message: [{"model": "gemini-2.5-flash", "input": message, "stream": True}],
        says=("greet me", "break off", "fail"),
    ),
    Api(
        "cohere-v2",
        "sse",
        "/v2/chat",
        lambda message: [
            {"model": "command-a-03-2025", "messages": [_user(message)], "stream": True}
        ],
        says=("greet me", "break off", "fail"),
    ),
    Api(
        "ollama",
        "sse",
        "/api/chat",
        lambda message: [{"model": "llama3.2", "messages": [_user(message)], "stream": True}],
    ),
    Api(
        "ollama-generate",
        "sse",
        "/api/generate",
        lambda message: [{"model": "llama3.2", "prompt": message, "stream": True}],
    ),
    Api(
        "ag-ui",
        "sse",
        "/agui",
        lambda message: [
            {
                "threadId": SESSION,
                "runId": TURN,
                "messages": [{"id": TURN, **_user(message)}],
                "tools": [],
                "context": [],
                "state": {},
                "forwardedProps": {},
            }
        ],
        says=("greet me", "think first", "fail"),
    ),
    Api(
        "a2a",
        "sse",
        "/a2a",
        lambda message: [
            {
                "jsonrpc": "2.0",
                "id": TURN,
                "method": "SendStreamingMessage",
                "params": {
                    "message": {
                        "messageId": TURN,
                        "role": "ROLE_USER",
                        "parts": [{"text": message}],
                    }
                },
            }
        ],
        says=("greet me", "fail", "nothing you know"),
        headers={"A2A-Version": "1.0"},
    ),
    Api(
        "openai-chat-json",
        "http_chat",
        "/v1/chat/completions",
        lambda message: [{"model": "gpt-4o-mini", "messages": [_user(message)], "stream": False}],
        says=("greet me", "think first", "fail"),
    ),
    Api(
        "openai-realtime",
        "websocket",
        "/v1/realtime?model=gpt-realtime",
        lambda message: [
            {
                "type": "conversation.item.create",
                "item": {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text", "text": message}],
                },
            },
            {"type": "response.create"},
        ],
        says=("greet me", "break off", "fail"),
        opening=(
            {
                "type": "session.update",
                "session": {"type": "realtime", "output_modalities": ["text"]},
            },
        ),
        opened_by="session.updated",
    ),
    Api(
        "openai-responses-ws",
        "websocket",
        "/v1/responses",
        lambda message: [
            {"type": "response.create", "model": "gpt-4o-mini", "input": [_user(message)]}
        ],
    ),
    Api(
        "gemini-live",
        "websocket",
        "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
        lambda message: [
            {
                "clientContent": {
                    "turns": [{"role": "user", "parts": [{"text": message}]}],
                    "turnComplete": True,
                }
            }
        ],
        says=("greet me", "break off", "fail"),
        opening=(
            {
                "setup": {
                    "model": "models/gemini-2.0-flash-live-001",
                    "generationConfig": {"responseModalities": ["TEXT"]},
                }
            },
        ),
        opened_by="setupComplete",
    ),
)
"""Every preset that aimock can be the peer of."""
