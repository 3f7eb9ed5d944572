"""What a recording holds: one conversation, every byte of it in both directions, with its time.

A file of JSON Lines. The first line is the header, each other one event, in the order in which it
happened; ``atNs`` counts from the opening of the conversation, on a monotonic clock. Bytes are
``text`` where they are UTF-8, else ``base64``. The format grows by new types of lines and new
fields, which old readers skip; :data:`RECORDING_VERSION` changes only when something that is
written today is to be read differently.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from turnwire_core.contracts.tap import Ending

RECORDING_VERSION: Final = 1

SUFFIX: Final = ".recording.jsonl"
"""How the names of recordings end."""


@attrs.frozen
class Piece:
    """Bytes that went over the wire: of what was received, one network read."""

    at_ns: int
    transport: int
    """Which connection to the target, counted from 1 in the order of their first bytes."""
    sent: bool
    label: str
    """What the driver calls them."""
    data: bytes = attrs.field(repr=False)


@attrs.frozen
class Payload:
    """What pieces labelled ``frames`` carried: a message, a ping …, besides these pieces."""

    at_ns: int
    transport: int
    sent: bool
    label: str
    data: bytes = attrs.field(repr=False)


@attrs.frozen
class End:
    """The target ended a transport: cleanly, or it broke."""

    at_ns: int
    transport: int
    ending: Ending


@attrs.frozen
class TurnBegan:
    """A turn starts: from here its times count."""

    at_ns: int
    turn: int
    """Counted from 0."""
    message: str = attrs.field(repr=False)


@attrs.frozen
class TurnEnded:
    """A turn is over. What came of it when it was recorded, masked."""

    at_ns: int
    turn: int
    verdict: str
    ok: bool
    error: str | None = None
    content: str = attrs.field(default="", repr=False)
    stream_chunks: int = 0
    first_token_ms: float | None = None
    latency_ms: float | None = None


Event = Piece | Payload | End | TurnBegan | TurnEnded


@attrs.frozen
class Recording:
    """One recorded conversation."""

    path: Path
    connection: str
    """The name of the connection."""
    protocol: str
    url: str = attrs.field(repr=False)
    """``base_url``, masked."""
    started: str
    """Wall-clock time, ISO 8601 with its offset from UTC."""
    events: Sequence[Event] = attrs.field(repr=False)
    """In the order in which they happened."""
    driver: Mapping[str, Any] = attrs.field(factory=dict)
    """``distribution`` and ``version`` of the driver."""
    run: str = ""
    """What recordings that were made together have in common."""
    turnwire: str = ""
    """The version of the runner."""
    test: str | None = None
    """The id of the case that it belongs to."""
    role: str = "target"
    """``target``: what was tested. ``judge``, ``simulator`` and ``request`` only help."""
    complete: bool = True
    """Whether the conversation was recorded to its end; a killed process leaves the beginning."""

    @property
    def messages(self) -> Sequence[str]:
        """What was said, turn by turn."""
        return tuple(one.message for one in self.events if isinstance(one, TurnBegan))

    @property
    def pieces(self) -> Sequence[Piece]:
        """The bytes, without what is known of them."""
        return tuple(one for one in self.events if isinstance(one, Piece))

    @property
    def outcomes(self) -> Sequence[TurnEnded]:
        """What came of the turns that were over."""
        return tuple(one for one in self.events if isinstance(one, TurnEnded))


# Events and lines


def to_line(event: Event) -> dict[str, Any]:
    """An event as it stands in the file."""
    match event:
        case Piece():
            kind = "sent" if event.sent else "received"
            return {
                "type": kind,
                "atNs": event.at_ns,
                "transport": event.transport,
                "label": event.label,
                **_data(event.data),
            }
        case Payload():
            return {
                "type": "carried",
                "atNs": event.at_ns,
                "transport": event.transport,
                "sent": event.sent,
                "label": event.label,
                **_data(event.data),
            }
        case End():
            return {
                "type": "ended",
                "atNs": event.at_ns,
                "transport": event.transport,
                "ending": event.ending.value,
            }
        case TurnBegan():
            return {
                "type": "turn_started",
                "atNs": event.at_ns,
                "turn": event.turn,
                "message": event.message,
            }
        case TurnEnded():
            return {
                "type": "turn_finished",
                "atNs": event.at_ns,
                "turn": event.turn,
                "verdict": event.verdict,
                "ok": event.ok,
                "error": event.error,
                "content": event.content,
                "streamChunks": event.stream_chunks,
                "firstTokenMs": event.first_token_ms,
                "latencyMs": event.latency_ms,
            }


def from_line(line: Mapping[str, Any]) -> Event | None:
    """The event that a line holds; None for a type that this version does not know.

    Raises:
        ValueError, KeyError, TypeError: it is not written as it should be.
    """
    kind = line["type"]
    if kind in ("sent", "received"):
        return Piece(
            _count(line, "atNs"),
            _count(line, "transport"),
            kind == "sent",
            _text(line, "label"),
            _bytes(line),
        )
    match kind:
        case "carried":
            return Payload(
                _count(line, "atNs"),
                _count(line, "transport"),
                bool(line["sent"]),
                _text(line, "label"),
                _bytes(line),
            )
        case "ended":
            return End(_count(line, "atNs"), _count(line, "transport"), Ending(line["ending"]))
        case "turn_started":
            return TurnBegan(_count(line, "atNs"), _count(line, "turn"), _text(line, "message"))
        case "turn_finished":
            return TurnEnded(
                _count(line, "atNs"),
                _count(line, "turn"),
                _text(line, "verdict"),
                bool(line["ok"]),
                line.get("error"),
                _text(line, "content"),
                _count(line, "streamChunks"),
                line.get("firstTokenMs"),
                line.get("latencyMs"),
            )
    return None


def _data(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _bytes(line: Mapping[str, Any]) -> bytes:
    if "text" in line:
        return _text(line, "text").encode()
    return base64.b64decode(_text(line, "base64"), validate=True)


def _text(line: Mapping[str, Any], key: str) -> str:
    value = line[key]
    if not isinstance(value, str):
        raise TypeError(f"{key!r} is no text")
    return value


def _count(line: Mapping[str, Any], key: str) -> int:
    value = line[key]
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{key!r} is no whole number")
    return value
