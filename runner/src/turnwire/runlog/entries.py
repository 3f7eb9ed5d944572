"""The entries of a run log: one JSON object a line, each made from one class here.

Field names are snake_case here and camelCase in the file; times in ms end in ``Ms``. Every entry
has ``type``, ``t`` (seconds since the run started, on a monotonic clock) and ``run``; what belongs
to a conversation has ``conversation`` too, and what belongs to a turn ``turn`` (counted from 0).

The log grows by new types and new fields, which old readers skip; :data:`SCHEMA_VERSION` changes
only when something that is written today is to be read differently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import attrs

SCHEMA_VERSION: Final = 1


@attrs.frozen(kw_only=True)
class Entry:
    """What all entries have."""

    type: ClassVar[str]
    first: ClassVar[tuple[str, ...]] = ("t", "run", "conversation", "turn")
    """The fields that are written first, where the entry has them."""

    t: float
    run: str
    more: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    """Fields that this version does not know, as they were in the file."""

    def to_json(self) -> dict[str, Any]:
        """The entry as it stands in the file."""
        names = [field.name for field in attrs.fields(type(self)) if field.name != "more"]
        ordered = [name for name in self.first if name in names]
        ordered += [name for name in names if name not in self.first]
        written = {camel(name): getattr(self, name) for name in ordered}
        return {"type": self.type, **written, **self.more}


@attrs.frozen(kw_only=True)
class RunStarted(Entry):
    """The first entry of every log."""

    type: ClassVar[str] = "run_started"
    first: ClassVar[tuple[str, ...]] = ("schema_version", "t", "run")

    schema_version: int = SCHEMA_VERSION
    command: str
    started: str
    """Wall-clock time, ISO 8601 with its offset from UTC."""
    turnwire: str
    core: str
    python: str
    platform: str
    drivers: Mapping[str, Any]
    """Protocol → ``{"distribution", "version"}`` of the installed driver."""
    config: str | None = None
    """The config file, as it was named."""


@attrs.frozen(kw_only=True)
class _InConversation(Entry):
    conversation: str


@attrs.frozen(kw_only=True)
class ConnectionOpened(_InConversation):
    """A session is open. For HTTP that means ready, not yet connected."""

    type: ClassVar[str] = "connection_opened"

    connection: str
    protocol: str
    origin: str


@attrs.frozen(kw_only=True)
class ConnectionClosed(_InConversation):
    """The session is closed, by us or because of an error."""

    type: ClassVar[str] = "connection_closed"


@attrs.frozen(kw_only=True)
class _InTurn(_InConversation):
    turn: int


@attrs.frozen(kw_only=True)
class UserMessage(_InTurn):
    """A turn starts; ``t`` is the moment from which its times count."""

    type: ClassVar[str] = "user_message"

    content: str


@attrs.frozen(kw_only=True)
class StreamChunk(_InTurn):
    """Text arrived. Written at once: a log that ends here shows how far the reply had come."""

    type: ClassVar[str] = "stream_chunk"

    index: int
    text: str
    offset_ms: float
    """From the start of the turn to the arrival of the bytes."""
    replaces: bool = False
    """``text`` stands for everything before it."""


@attrs.frozen(kw_only=True)
class AttemptFailed(_InTurn):
    """A try brought nothing, and the turn was tried again."""

    type: ClassVar[str] = "attempt_failed"

    offset_ms: float
    error: str | None
    waited_ms: float


@attrs.frozen(kw_only=True)
class AssistantReply(_InTurn):
    """A turn is over, whatever its verdict. The documented fields come first."""

    type: ClassVar[str] = "assistant_reply"
    first: ClassVar[tuple[str, ...]] = (
        *("content", "latency_ms", "protocol", "stream_chunks", "first_token_ms"),
        *("t", "run", "conversation", "turn"),
    )

    content: str
    latency_ms: float | None
    """Null where the reply was never finished."""
    protocol: str
    stream_chunks: int
    first_token_ms: float | None
    """Null where no text ever came."""
    verdict: str
    ok: bool
    error: str | None = None
    phase: str | None = None
    metrics: Mapping[str, Any] = attrs.field(factory=dict)
    usage: Any = None
    captured: Mapping[str, Any] = attrs.field(factory=dict)
    attempts: Sequence[Mapping[str, Any]] = attrs.field(factory=list)
    hints: Sequence[str] = attrs.field(factory=list)


@attrs.frozen(kw_only=True)
class RunFinished(Entry):
    """The last entry of a run that ended by itself; a killed one has none."""

    type: ClassVar[str] = "run_finished"

    outcome: str
    """``completed`` (well or not: see the replies), ``interrupted`` (Ctrl-C), or ``failed``: an
    error ended it, such as a session that could not be opened."""
    error: str | None
    turns: int
    failed: int
    """Turns whose reply was not ``ok``."""


@attrs.frozen(kw_only=True)
class UnknownEntry(Entry):
    """An entry of a type that this version does not know; ``more`` holds all of it."""

    type: ClassVar[str] = ""


_TYPES: Final[Mapping[str, type[Entry]]] = {
    cls.type: cls
    for cls in (
        RunStarted,
        ConnectionOpened,
        ConnectionClosed,
        UserMessage,
        StreamChunk,
        AttemptFailed,
        AssistantReply,
        RunFinished,
    )
}


def entry_from_json(data: Mapping[str, Any]) -> Entry:
    """The entry that a line of a log holds.

    Raises:
        ValueError: a field of a known type is missing, or ``type`` is.
    """
    type_ = data.get("type")
    if not isinstance(type_, str) or not type_:
        raise ValueError("an entry needs a 'type'")
    cls = _TYPES.get(type_, UnknownEntry)
    known = {camel(field.name): field for field in attrs.fields(cls) if field.name != "more"}
    missing = [
        key for key, field in known.items() if key not in data and field.default is attrs.NOTHING
    ]
    if missing:
        raise ValueError(f"a {type_!r} entry needs {', '.join(map(repr, missing))}")
    values = {field.name: data[key] for key, field in known.items() if key in data}
    rest = {key: value for key, value in data.items() if key not in known}
    if cls is not UnknownEntry:
        rest.pop("type")
    return cls(**values, more=rest)


def camel(name: str) -> str:
    """``first_token_ms`` as ``firstTokenMs``."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
