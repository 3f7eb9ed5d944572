"""Events as bytes: Server-Sent Events and NDJSON."""

from __future__ import annotations

import json
from typing import Any

import attrs


@attrs.frozen
class Event:
    """One event of a streamed reply. Without ``data`` it is a sign of life and nothing else."""

    data: str | None
    name: str | None = None


def to_json(value: Any) -> str:
    """``value`` as JSON on one line, in UTF-8 where that can be.

    JSON may carry half a surrogate pair (``"\\ud800"``), UTF-8 may not: such a text is escaped.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(value, separators=(",", ":"))
    return text


def json_event(value: Any, name: str | None = None) -> Event:
    """An event whose data is a JSON document."""
    return Event(to_json(value), name)


def frame_sse(event: Event) -> bytes:
    """The event as the WHATWG event-stream format has it (HTML §9.2.5); no data is a comment."""
    if event.data is None:
        return b": keep-alive\n\n"
    name = f"event: {event.name}\n" if event.name else ""
    return f"{name}data: {event.data}\n\n".encode()


def frame_ndjson(event: Event) -> bytes:
    """The event as one line; no data is a blank one."""
    return f"{event.data or ''}\n".encode()
