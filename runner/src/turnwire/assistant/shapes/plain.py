"""Turnwire's own default shapes: ``message`` in, ``reply`` or ``content`` … ``done`` out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from turnwire.assistant.framing import Event, json_event
from turnwire.assistant.shapes.base import (
    Keeping,
    Question,
    Shape,
    entries,
    optional_text,
    required_text,
)


class Plain(Shape):
    """``{"message", "transcript"?, "sessionId"?, "persona"?}``."""

    id_prefix: ClassVar[str] = "session-"
    keeping: ClassVar[Keeping] = Keeping.UNDER_ONE_ID

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Question:
        message = required_text(body, "message")
        history = None
        if body.get("transcript") is not None:
            history = entries(body["transcript"], "transcript")
            # The transcript may or may not hold the message that is just being sent.
            if history and history[-1].role == "user" and history[-1].content == message:
                history = history[:-1]
        return Question(
            message,
            history=history,
            session=optional_text(body, "sessionId"),
            persona=optional_text(body, "persona"),
        )

    def text_events(self, piece: str) -> Sequence[Event]:
        return [json_event({"content": piece})]

    def thought(self, piece: str) -> Sequence[Event]:
        return [json_event({"reasoning": piece})]

    def failure(self, message: str) -> Sequence[Event]:
        return [json_event({"error": {"message": message}}, "error")]

    def closing(self) -> Sequence[Event]:
        return [json_event({"done": True, "sessionId": self.session})]

    def document(self) -> dict[str, Any]:
        return {"reply": self.text, "sessionId": self.session}


class PlainText(Plain):
    """The same without JSON: each piece is a message of its own, and so is the end."""

    def text_events(self, piece: str) -> Sequence[Event]:
        return [Event(piece)]

    def thought(self, piece: str) -> Sequence[Event]:
        return [Event(f"[thinking] {piece}")]

    def failure(self, message: str) -> Sequence[Event]:
        return [Event(f"[ERROR] {message}")]

    def closing(self) -> Sequence[Event]:
        return [Event(self.question.end_text)] if self.question.end_text else []
