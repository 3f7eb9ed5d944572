"""The values that flow through a turn: frames in, chunks and a reply out.

All stamps are monotonic nanoseconds of :func:`time.perf_counter_ns`, taken when bytes arrived.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

import attrs

from turnwire_core.errors import DriverError, Phase

if TYPE_CHECKING:
    from attrs import frozen as _frozen_unenforced
else:
    # Frozen for type checkers and readers. Enforcing it takes two thirds of the time that making
    # such a value takes, and there are two for each event.
    _frozen_unenforced = attrs.define(unsafe_hash=True)

Role = Literal["system", "user", "assistant"]


class Verdict(StrEnum):
    """How a turn ended. Only ``finished`` is a success in itself."""

    FINISHED = "finished"
    CLOSED_WITHOUT_FINISH = "closed_without_finish"
    """The stream ended cleanly, but the configured finish rule was never fulfilled."""
    ERROR_EVENT = "error_event"
    """An error rule matched inside the reply."""
    STALLED = "stalled"
    """The first content, or the next byte, did not come in time."""
    TIMED_OUT = "timed_out"
    """Connecting, or the whole turn, took longer than its limit."""
    REFUSED = "refused"
    """No conversation could be opened: name, port, TLS or proxy."""
    REJECTED = "rejected"
    """The target answered with a status that is no reply (401, 404, 429, 500 …)."""
    MALFORMED = "malformed"
    """What arrived is not what the protocol or the body format allows, or was cut off."""
    TOO_LARGE = "too_large"
    CANCELLED = "cancelled"


@_frozen_unenforced
class Frame:
    """One event of a reply, as the driver found it on the wire.

    ``event`` is the name of an SSE event, else None. ``raw`` is the size on the wire in bytes.
    ``whole`` marks a body that is one document, not an event of a stream: it is read with
    ``responseFieldPath`` and its end is the end of the reply.
    """

    received_ns: int
    data: str | bytes
    event: str | None = None
    raw: int = 0
    whole: bool = False


@attrs.frozen
class WireTimes:
    """What only the driver can see of a turn. None: has not happened (yet).

    On a reused connection ``connected_ns`` stays None; the recorder then takes the start.
    """

    connected_ns: int | None = None
    sent_ns: int | None = None
    headers_ns: int | None = None


@attrs.frozen
class Message:
    """One entry of a transcript."""

    role: Role
    content: str

    def as_json(self) -> dict[str, str]:
        """The shape that every chat API knows: ``{"role": …, "content": …}``."""
        return {"role": self.role, "content": self.content}


@attrs.frozen
class Turn:
    """One message on its way to the target, with everything rendered.

    ``transcript`` is the conversation so far and ends with this turn's own message.
    ``bodies`` holds what to send, in order: HTTP drivers send exactly one, a WebSocket may send
    several. A body is a JSON value, or a str to be sent as it is. ``values`` is what templates were
    filled with, by placeholder: a driver with templates in its own options renders them with it.
    """

    index: int
    message: str
    transcript: tuple[Message, ...] = attrs.field(repr=False)
    bodies: tuple[Any, ...] = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    query: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    persona: str | None = None
    values: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


@_frozen_unenforced
class Chunk:
    """A piece of the reply's text, in the order of arrival.

    ``replaces`` is true when ``text`` is to stand for everything that came before it.
    """

    index: int
    text: str
    received_ns: int
    replaces: bool = False


@attrs.frozen
class Metrics:
    """The times of one turn, in milliseconds. None: it never happened.

    ``first_token_ms`` = first content − start, ``latency_ms`` = finished − start,
    ``stream_chunks`` = events with non-empty content. ``duration_ms`` runs from the start to the
    end of the turn, finished or not. Gaps are between the arrivals of neighbouring chunks; their
    percentiles are nearest-rank over all gaps. ``client_delay_ms`` is the longest time that an
    arrived read waited in our own process before it was looked at, ``client_delay_p99_ms`` the
    99th percentile over all reads that brought an event: they are in no other number.
    """

    duration_ms: float
    stream_chunks: int
    events: int
    network_reads: int
    characters: int
    connect_ms: float | None = None
    sent_ms: float | None = None
    headers_ms: float | None = None
    first_event_ms: float | None = None
    first_token_ms: float | None = None
    last_content_ms: float | None = None
    latency_ms: float | None = None
    generation_ms: float | None = None
    gap_p50_ms: float | None = None
    gap_p95_ms: float | None = None
    gap_p99_ms: float | None = None
    gap_max_ms: float | None = None
    client_delay_ms: float = 0.0
    client_delay_p99_ms: float = 0.0
    chunk_offsets_ms: Sequence[float] = attrs.field(factory=tuple, repr=False)


@attrs.frozen
class Attempt:
    """One try at a turn. Only the last one may have brought a reply.

    ``offset_ms`` is when it ended, from the start of the turn; ``waited_ms`` how long was waited
    after it before the next.
    """

    offset_ms: float
    error: str | None = None
    waited_ms: float = 0.0


@attrs.frozen(repr=False)
class Reply:
    """What came of one turn. What went wrong is data here; ``raise_for_verdict`` makes it one.

    ``content`` is everything that was read, complete or not. ``error`` is the reason in words,
    masked; ``exception`` the same as an object, with its ``phase``. ``hints`` are what the reader
    noticed: a path that never matched and the nearest one that would have.
    """

    content: str
    verdict: Verdict
    metrics: Metrics
    ok: bool
    error: str | None = None
    phase: Phase | None = None
    hints: tuple[str, ...] = ()
    usage: Any = None
    captured: Mapping[str, Any] = attrs.field(factory=dict)
    attempts: tuple[Attempt, ...] = ()
    exception: DriverError | None = attrs.field(default=None, eq=False)

    def __repr__(self) -> str:
        # Nothing of what the target said: it may have sent a secret of ours back.
        said = f": {self.error}" if self.error else ""
        return f"<Reply {self.verdict}, {len(self.content)} characters{said}>"

    @property
    def message(self) -> Message:
        """The entry that this reply adds to the transcript."""
        return Message("assistant", self.content)

    def raise_for_verdict(self) -> Reply:
        """Return self if the turn succeeded.

        Raises:
            DriverError: the turn failed; its ``partial`` is this reply.
            ValueError: the turn was cancelled, which is nobody's failure.
        """
        if self.ok:
            return self
        if self.exception is None:
            raise ValueError("The turn was cancelled; its reply is not complete.")
        self.exception.partial = self
        raise self.exception
