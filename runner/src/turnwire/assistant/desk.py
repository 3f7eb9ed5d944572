"""What all connections of one server share: the pace, the token, the conversations, the stamps."""

from __future__ import annotations

import hmac
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from time import perf_counter_ns
from typing import Final

import attrs

from turnwire.assistant.brain import Entry, answer
from turnwire.assistant.errors import BadRequest
from turnwire.assistant.script import (
    FLAKY,
    Pace,
    Reject,
    Steps,
    Wishes,
    read_wishes,
    take_wishes,
    without_tags,
    write_script,
)
from turnwire.assistant.sessions import Sessions
from turnwire.assistant.shapes import Keeping, Question, Shape
from turnwire.assistant.stage import SendRecord

MAX_RECORDS: Final = 1_000
MAX_FLAKY: Final = 1_000
FAULT_HEADER: Final = "x-turnwire-fault"


@attrs.frozen
class Plan:
    """A reply, ready to be performed. ``remember`` is to be called before its finish is sent."""

    shape: Shape
    steps: Steps
    record: SendRecord
    entries: tuple[Entry, ...]
    """The conversation with this turn in it."""
    remember: Callable[[], None]


class Desk:
    """Takes questions and plans replies. Does no I/O."""

    def __init__(self, pace: Pace, token: str | None) -> None:
        self.pace = pace
        self.sends: deque[SendRecord] = deque(maxlen=MAX_RECORDS)
        self._token = token
        self._sessions = Sessions()
        self._failed_once: OrderedDict[tuple[str, str], None] = OrderedDict()

    def may_enter(self, headers: Mapping[str, str]) -> bool:
        """True if the request carries the server's token, or if the server asks for none."""
        if self._token is None:
            return True
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        shown = [headers.get("x-api-key", "")]
        if scheme.lower() == "bearer":
            shown.append(credentials.strip())
        return any(hmac.compare_digest(text.encode(), self._token.encode()) for text in shown)

    def wishes(self, query: Mapping[str, str], headers: Mapping[str, str]) -> Wishes:
        """What the request asks for outside its body.

        Raises:
            BadRequest: an unknown fault, or no number where one belongs.
        """
        by_query = read_wishes(query)
        if FAULT_HEADER in headers:
            return read_wishes({"fault": headers[FAULT_HEADER]}).over(by_query)
        return by_query

    def plan(self, path: str, shape: type[Shape], question: Question, wishes: Wishes) -> Plan:
        """The reply to ``question``, with the faults that it or the request asked for.

        Raises:
            BadRequest: the message asks for an unknown fault, or names an unknown conversation.
        """
        received_ns = perf_counter_ns()
        message, wanted = take_wishes(question.message)
        wishes = wanted.over(wishes)
        history = self._history(shape, question)
        session = question.session
        if session is None or shape.keeping is not Keeping.UNDER_ONE_ID:
            session = self._sessions.new_id(shape.id_prefix)
        text = answer(message, history, question.persona)
        entries = (*history, Entry("user", message), Entry("assistant", text))

        def remember() -> None:
            if shape.keeping is not Keeping.NOT:
                self._sessions.remember(session, *entries)

        steps = write_script(text, self.pace, wishes)
        if FLAKY in (wishes.faults or ()) and self._fails_now(path, question.message):
            steps = [Reject(503, wishes.retry_after)]
        record = SendRecord(path, received_ns)
        self.sends.append(record)
        question = attrs.evolve(question, message=message, history=history)
        return Plan(shape(question, session=session), steps, record, entries, remember)

    def _history(self, shape: type[Shape], question: Question) -> tuple[Entry, ...]:
        if question.history or question.session is None:
            return tuple(
                attrs.evolve(entry, content=without_tags(entry.content))
                for entry in question.history or ()
            )
        known = self._sessions.recall(question.session)
        if known is None and shape.keeping is Keeping.UNDER_A_NEW_ID:
            raise BadRequest(f"There is no earlier response {question.session!r}.")
        return known or ()

    def _fails_now(self, path: str, message: str) -> bool:
        key = (path, message)
        if key in self._failed_once:
            del self._failed_once[key]
            return False
        self._failed_once[key] = None
        if len(self._failed_once) > MAX_FLAKY:
            self._failed_once.popitem(last=False)
        return True
