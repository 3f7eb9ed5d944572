"""The Anthropic Messages API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from turnwire.assistant.errors import BadRequest
from turnwire.assistant.framing import Event, json_event
from turnwire.assistant.shapes.base import (
    MODEL,
    Question,
    Shape,
    entries,
    flag,
    last_message,
    optional_text,
)

_ERROR_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class AnthropicMessages(Shape):
    """``{"model", "max_tokens", "messages", "stream"?}``."""

    id_prefix: ClassVar[str] = "msg_"

    def __init__(self, question: Question, *, session: str) -> None:
        super().__init__(question, session=session)
        self._block: str | None = None
        self._index = -1

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Question:
        message, history = last_message(entries(body.get("messages"), "messages"), "messages")
        max_tokens = body.get("max_tokens")
        if type(max_tokens) is not int or max_tokens < 1:
            raise BadRequest("The body needs 'max_tokens': a positive whole number.")
        return Question(
            message,
            history=history,
            stream=flag(body, "stream"),
            model=optional_text(body, "model") or MODEL,
        )

    def opening(self) -> Sequence[Event]:
        message = {**self.document(), "content": [], "stop_reason": None}
        return [_event("message_start", message=message), self.heartbeat()]

    def text_events(self, piece: str) -> Sequence[Event]:
        return self._delta("text", {"type": "text_delta", "text": piece})

    def thought(self, piece: str) -> Sequence[Event]:
        return self._delta("thinking", {"type": "thinking_delta", "thinking": piece})

    def heartbeat(self) -> Event:
        return _event("ping")

    def failure(self, message: str) -> Sequence[Event]:
        return [json_event(self.rejection(529, message), "error")]

    def closing(self) -> Sequence[Event]:
        return [
            *self._close_block(),
            _event(
                "message_delta",
                delta={"stop_reason": "end_turn", "stop_sequence": None},
                usage={"output_tokens": self.reply_words},
            ),
            _event("message_stop"),
        ]

    def document(self) -> dict[str, Any]:
        return {
            "id": self.session,
            "type": "message",
            "role": "assistant",
            "model": self.question.model,
            "content": [{"type": "text", "text": self.text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {
                "input_tokens": self.question.prompt_words,
                "output_tokens": self.reply_words,
            },
        }

    @classmethod
    def rejection(cls, status: int, message: str) -> dict[str, Any]:
        kind = _ERROR_TYPES.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}}

    def _delta(self, block: str, delta: dict[str, str]) -> list[Event]:
        events = []
        if self._block != block:
            events = self._close_block()
            self._block = block
            self._index += 1
            start = {"type": block, block: ""}
            events.append(_event("content_block_start", index=self._index, content_block=start))
        events.append(_event("content_block_delta", index=self._index, delta=delta))
        return events

    def _close_block(self) -> list[Event]:
        if self._block is None:
            return []
        self._block = None
        return [_event("content_block_stop", index=self._index)]


def _event(kind: str, **members: Any) -> Event:
    return json_event({"type": kind, **members}, kind)
