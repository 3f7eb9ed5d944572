"""What inference has to go by: a request, a reply, or both, from wherever they came.

A pasted command, a live call, a file of bytes and a recording all become an :class:`Exchange`; what
works out the connection looks at nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from turnwire_core.paths import MISSING
from turnwire_core.reader import parse_json

BodyFormat = Literal["sse", "ndjson", "json", "text"]
"""How the body of a reply is cut into events, as its bytes show."""


@attrs.frozen
class HttpRequest:
    """What was sent, or is to be.

    ``body`` is the text of a body over HTTP, None where there is none. On a socket there are
    ``bodies``, the messages of the turn, in order. ``user`` and ``password`` are of basic
    authentication. Nothing of it is in the repr: it may hold credentials.
    """

    url: str = attrs.field(repr=False)
    method: str = "POST"
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    body: str | None = attrs.field(default=None, repr=False)
    bodies: tuple[str, ...] = attrs.field(default=(), repr=False)
    user: str | None = attrs.field(default=None, repr=False)
    password: str | None = attrs.field(default=None, repr=False)
    verify: bool = True
    follow_redirects: bool = False
    proxy: str | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Event:
    """One event of a reply. ``value`` is its JSON, or MISSING where it is mere text.

    ``received_ms`` is counted from the start of the turn; None where nobody took the time.
    """

    data: str
    name: str | None = None
    value: Any = None
    received_ms: float | None = None

    @classmethod
    def of(cls, data: str, name: str | None = None, received_ms: float | None = None) -> Event:
        """An event from its text."""
        return cls(data, name, parse_json(data), received_ms)

    @property
    def is_json(self) -> bool:
        """Whether there is something in it that a path can lead to."""
        return self.value is not MISSING and isinstance(self.value, dict | list)


@attrs.frozen
class Reply:
    """What came back.

    ``whole`` marks a body that is one document. ``ended`` is False where the reply was cut off, or
    where nobody waited for its end. ``stays_open`` marks a socket that outlives its replies.
    """

    events: tuple[Event, ...]
    status: int | None = None
    content_type: str = ""
    body_format: BodyFormat | None = None
    whole: bool = False
    ended: bool = True
    stays_open: bool = False


@attrs.frozen
class OpeningStep:
    """Before the first turn on a socket: a message that was sent, and what was heard after it."""

    sent: str | None
    heard: tuple[Event, ...] = ()


@attrs.frozen
class Exchange:
    """One turn, as far as it is known. ``protocol`` is None where nobody has said it."""

    request: HttpRequest | None = None
    reply: Reply | None = None
    protocol: str | None = None
    message: str | None = None
    opening: tuple[OpeningStep, ...] = ()
