"""The OpenAI Chat Completions API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from turnwire.assistant.framing import Event, json_event
from turnwire.assistant.shapes.base import (
    MODEL,
    Question,
    Shape,
    entries,
    flag,
    last_message,
    optional_text,
    phrase,
)

CREATED = 1_750_000_000
"""When every reply says that it was made: the assistant reads no clock."""


class OpenAIChat(Shape):
    """``{"model", "messages", "stream"?, "stream_options"?}``."""

    id_prefix: ClassVar[str] = "chatcmpl-"
    finish_position: ClassVar[int] = 0

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Question:
        said = entries(body.get("messages"), "messages")
        message, history = last_message(said, "messages")
        options = body.get("stream_options")
        return Question(
            message,
            history=history,
            stream=flag(body, "stream"),
            include_usage=isinstance(options, dict) and options.get("include_usage") is True,
            model=optional_text(body, "model") or MODEL,
        )

    def opening(self) -> Sequence[Event]:
        # The first chunk names the role and has no text: a reader must not take it for content.
        return [self._chunk({"role": "assistant", "content": ""})]

    def text_events(self, piece: str) -> Sequence[Event]:
        return [self._chunk({"content": piece})]

    def thought(self, piece: str) -> Sequence[Event]:
        return [self._chunk({"reasoning_content": piece})]

    def failure(self, message: str) -> Sequence[Event]:
        return [json_event(self.rejection(503, message))]

    def closing(self) -> Sequence[Event]:
        events = [self._chunk({}, "stop")]
        if self.question.include_usage:
            # It comes after the finish, and its empty ``choices`` is what the real API sends.
            events.append(json_event({**self._head(), "choices": [], "usage": self._usage()}))
        return [*events, Event("[DONE]")]

    def document(self) -> dict[str, Any]:
        message = {"role": "assistant", "content": self.text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return {
            **self._head("chat.completion"),
            "choices": [choice],
            "usage": self._usage(),
        }

    @classmethod
    def rejection(cls, status: int, message: str) -> dict[str, Any]:
        kind = phrase(status)
        return {"error": {"message": message, "type": kind, "param": None, "code": kind}}

    def _head(self, kind: str = "chat.completion.chunk") -> dict[str, Any]:
        return {
            "id": self.session,
            "object": kind,
            "created": CREATED,
            "model": self.question.model,
        }

    def _chunk(self, delta: dict[str, str], finish_reason: str | None = None) -> Event:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        chunk = {**self._head(), "choices": [choice]}
        if self.question.include_usage:
            chunk["usage"] = None
        return json_event(chunk)

    def _usage(self) -> dict[str, int]:
        prompt, reply = self.question.prompt_words, self.reply_words
        return {
            "prompt_tokens": prompt,
            "completion_tokens": reply,
            "total_tokens": prompt + reply,
        }
