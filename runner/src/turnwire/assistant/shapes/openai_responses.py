"""The OpenAI Responses API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from turnwire.assistant.brain import Entry
from turnwire.assistant.errors import BadRequest
from turnwire.assistant.framing import Event, json_event
from turnwire.assistant.shapes.base import (
    MODEL,
    Keeping,
    Question,
    Shape,
    entries,
    flag,
    last_message,
    optional_text,
    phrase,
)
from turnwire.assistant.shapes.openai_chat import CREATED

_PART_TYPES = ("input_text", "output_text", "text")


class OpenAIResponses(Shape):
    """``{"model", "input", "previous_response_id"?, "stream"?}``.

    The id of a response is the id of the conversation up to it, so ``previous_response_id`` goes
    on where that response ended, any number of times.
    """

    id_prefix: ClassVar[str] = "resp_"
    keeping: ClassVar[Keeping] = Keeping.UNDER_A_NEW_ID

    def __init__(self, question: Question, *, session: str) -> None:
        super().__init__(question, session=session)
        self._sequence = 0
        self._thoughts = ""
        self._output: list[dict[str, Any]] = []
        """The items that are complete."""
        self._message_open = False

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Question:
        value = body.get("input")
        said = (
            (Entry("user", value),)
            if isinstance(value, str)
            else entries(value, "input", part_types=_PART_TYPES)
        )
        message, history = last_message(said, "input")
        previous = optional_text(body, "previous_response_id")
        if previous and history:
            raise BadRequest("With 'previous_response_id', 'input' is the new message alone.")
        return Question(
            message,
            history=None if previous else history,
            session=previous,
            stream=flag(body, "stream"),
            model=optional_text(body, "model") or MODEL,
        )

    def opening(self) -> Sequence[Event]:
        return [
            self._event("response.created", response=self._response("in_progress")),
            self._event("response.in_progress", response=self._response("in_progress")),
        ]

    def text_events(self, piece: str) -> Sequence[Event]:
        opening = () if self._message_open else self._open_message()
        return [*opening, self._part_event("response.output_text.delta", delta=piece)]

    def thought(self, piece: str) -> Sequence[Event]:
        events = []
        if not self._thoughts:
            item = {**self._reasoning(), "summary": []}
            events = [self._event("response.output_item.added", output_index=0, item=item)]
        self._thoughts += piece
        events.append(
            self._event(
                "response.reasoning_summary_text.delta",
                item_id=self._reasoning()["id"],
                output_index=0,
                summary_index=0,
                delta=piece,
            )
        )
        return events

    def failure(self, message: str) -> Sequence[Event]:
        return [self._event("error", code="server_error", message=message, param=None)]

    def closing(self) -> Sequence[Event]:
        events = [*self._close_reasoning(), *self._close_message()]
        return [
            *events,
            self._event("response.completed", response=self._response("completed")),
        ]

    def document(self) -> dict[str, Any]:
        self._output = [self._message("completed")]
        return self._response("completed")

    @classmethod
    def rejection(cls, status: int, message: str) -> dict[str, Any]:
        kind = phrase(status)
        return {"error": {"message": message, "type": kind, "param": None, "code": kind}}

    def _open_message(self) -> list[Event]:
        events = self._close_reasoning()
        self._message_open = True
        item = {**self._message("in_progress"), "content": []}
        return [
            *events,
            self._event("response.output_item.added", output_index=len(self._output), item=item),
            self._part_event("response.content_part.added", part=_part("")),
        ]

    def _close_reasoning(self) -> list[Event]:
        if not self._thoughts or self._output:
            return []
        item = self._reasoning()
        event = self._event("response.output_item.done", output_index=0, item=item)
        self._output.append(item)
        return [event]

    def _close_message(self) -> list[Event]:
        if not self._message_open:
            return []
        index, item = len(self._output), self._message("completed")
        events = [
            self._part_event("response.output_text.done", text=self.text),
            self._part_event("response.content_part.done", part=_part(self.text)),
            self._event("response.output_item.done", output_index=index, item=item),
        ]
        self._output.append(item)
        return events

    def _event(self, kind: str, **members: Any) -> Event:
        event = json_event({"type": kind, "sequence_number": self._sequence, **members}, kind)
        self._sequence += 1
        return event

    def _part_event(self, kind: str, **members: Any) -> Event:
        return self._event(
            kind,
            item_id=self._message("in_progress")["id"],
            output_index=len(self._output),
            content_index=0,
            **members,
        )

    def _response(self, status: str) -> dict[str, Any]:
        completed = status == "completed"
        return {
            "id": self.session,
            "object": "response",
            "created_at": CREATED,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "model": self.question.model,
            "output": self._output if completed else [],
            "usage": self._usage() if completed else None,
        }

    def _message(self, status: str) -> dict[str, Any]:
        return {
            "id": self.session.replace("resp_", "msg_", 1),
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": [_part(self.text)],
        }

    def _reasoning(self) -> dict[str, Any]:
        return {
            "id": self.session.replace("resp_", "rs_", 1),
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": self._thoughts}],
        }

    def _usage(self) -> dict[str, int]:
        prompt, reply = self.question.prompt_words, self.reply_words
        return {"input_tokens": prompt, "output_tokens": reply, "total_tokens": prompt + reply}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}
