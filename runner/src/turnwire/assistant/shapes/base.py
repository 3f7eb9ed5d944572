"""What every API's shape can do: read a request, and write a reply event by event."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from enum import StrEnum
from http import HTTPStatus
from typing import Any, ClassVar, Final

import attrs

from turnwire.assistant.brain import Entry
from turnwire.assistant.errors import BadRequest
from turnwire.assistant.framing import Event

MODEL: Final = "turnwire-demo"
DONE_TEXT: Final = "[DONE]"


@attrs.frozen
class Question:
    """A request, understood.

    ``history`` is what the client says was said before ``message``; None if it does not say, and
    then what the server knows of ``session`` counts. ``stream`` is None where the route decides.
    ``end_text`` ends a reply that is plain text; empty, nothing does.
    """

    message: str
    history: tuple[Entry, ...] | None = None
    session: str | None = None
    persona: str | None = None
    stream: bool | None = None
    include_usage: bool = False
    model: str = MODEL
    end_text: str = DONE_TEXT

    @property
    def prompt_words(self) -> int:
        """What the assistant was given to read. It counts words where others count tokens."""
        return sum(len(e.content.split()) for e in self.history or ()) + len(self.message.split())


class Keeping(StrEnum):
    """How the server keeps a conversation for clients that do not send it along."""

    NOT = "not"
    """It does not: the client sends the whole conversation each time."""
    UNDER_ONE_ID = "under one id"
    """The client names the session, or takes the id that it was given, for all turns."""
    UNDER_A_NEW_ID = "under a new id"
    """Each reply has an id, and the next request names the one that it follows."""


class Shape(ABC):
    """How one reply is written. Stateful: an instance writes one reply, in order.

    ``session`` is the id under which the server keeps the conversation up to this reply.
    """

    id_prefix: ClassVar[str] = ""
    """What the ids begin with under which the server keeps a conversation."""

    keeping: ClassVar[Keeping] = Keeping.NOT

    finish_position: ClassVar[int] = -1
    """Which of the closing events says that the reply is complete."""

    def __init__(self, question: Question, *, session: str) -> None:
        self.question = question
        self.session = session
        self.text = ""

    @classmethod
    @abstractmethod
    def read(cls, body: Mapping[str, Any]) -> Question:
        """The question in a request's body.

        Raises:
            BadRequest: something is missing or of the wrong kind; the message names it.
        """

    def opening(self) -> Sequence[Event]:
        """What stands before the text."""
        return ()

    def say(self, piece: str) -> Sequence[Event]:
        """A piece of the text. The last of the events is the one that carries it."""
        self.text += piece
        return self.text_events(piece)

    @abstractmethod
    def text_events(self, piece: str) -> Sequence[Event]:
        """The events of one piece of the text."""

    @abstractmethod
    def thought(self, piece: str) -> Sequence[Event]:
        """A piece of reasoning, which is no part of the answer."""

    def heartbeat(self) -> Event:
        """A sign of life."""
        return Event(None)

    def garbage(self) -> Event:
        """An event that breaks off in the middle of its JSON."""
        return Event('{"content": "cut')

    @abstractmethod
    def failure(self, message: str) -> Sequence[Event]:
        """An error in the middle of the reply."""

    @abstractmethod
    def closing(self) -> Sequence[Event]:
        """What says that the reply is complete, and what follows that."""

    @abstractmethod
    def document(self) -> dict[str, Any]:
        """The reply as a single JSON document."""

    @classmethod
    def rejection(cls, status: int, message: str) -> dict[str, Any]:
        """The body of an answer that is no reply."""
        return {"error": {"message": message, "type": phrase(status)}}

    @property
    def reply_words(self) -> int:
        """How much was said so far, in words."""
        return len(self.text.split())


def phrase(status: int) -> str:
    """A status in words that are good for a field: ``not_found``."""
    try:
        return HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")
    except ValueError:
        return "error"


def required_text(body: Mapping[str, Any], name: str) -> str:
    """The non-empty text of a member.

    Raises:
        BadRequest: it is not there, or no text.
    """
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(f"The body needs {name!r}: a text that is not empty.")
    return value


def optional_text(body: Mapping[str, Any], name: str) -> str | None:
    """The text of a member that may be absent, null or empty.

    Raises:
        BadRequest: it is something else.
    """
    value = body.get(name)
    if value is None or isinstance(value, str):
        return value or None
    raise BadRequest(f"{name!r} must be a text, not {type(value).__name__}.")


def entries(value: Any, name: str, *, part_types: Sequence[str] = ("text",)) -> tuple[Entry, ...]:
    """A list of ``{"role", "content"}``; what is neither the user's nor ours is left out.

    ``content`` is a text, or a list of parts of which those of ``part_types`` have a ``text``.

    Raises:
        BadRequest: it is no such list.
    """
    if not isinstance(value, list):
        raise BadRequest(f"{name!r} must be a list of objects with 'role' and 'content'.")
    found = []
    for index, item in enumerate(value):
        if not isinstance(item, dict) or not isinstance(item.get("role"), str):
            raise BadRequest(f"{name}[{index}] must be an object with 'role' and 'content'.")
        if item["role"] in ("user", "assistant"):
            content = _content(item.get("content"), f"{name}[{index}].content", part_types)
            found.append(Entry(item["role"], content))
    return tuple(found)


def _content(value: Any, name: str, part_types: Sequence[str]) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, dict) for part in value):
        texts = [part.get("text") for part in value if part.get("type") in part_types]
        if all(isinstance(text, str) for text in texts):
            return "".join(str(text) for text in texts)
    raise BadRequest(f"{name!r} must be a text, or a list of parts with 'type' and 'text'.")


def last_message(said: tuple[Entry, ...], name: str) -> tuple[str, tuple[Entry, ...]]:
    """The user's message at the end of a conversation, and what came before it.

    Raises:
        BadRequest: the conversation does not end with a message of the user.
    """
    if not said or said[-1].role != "user" or not said[-1].content.strip():
        raise BadRequest(f"{name!r} must end with a message of the role 'user'.")
    return said[-1].content, said[:-1]


def flag(body: Mapping[str, Any], name: str) -> bool:
    """A member that is true, false or absent.

    Raises:
        BadRequest: it is something else.
    """
    value = body.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise BadRequest(f"{name!r} must be true or false.")
