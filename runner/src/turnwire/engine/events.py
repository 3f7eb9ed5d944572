"""What a run tells while it goes on, for whoever shows it: small values, in the order of events.

A test or a turn is told of as finished once it is in the run log, whatever happens to the process
next. Texts of turns and chunks are as they came: show only what ``connection.secrets.mask`` of the
``CaseStarted`` has seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from turnwire.engine.results import CaseResult, CheckOutcome
from turnwire.suites.model import Case
from turnwire_core import Chunk, Connection, Reply


@attrs.frozen
class CaseStarted:
    """A test begins. ``connection`` is None where it could not be made ready."""

    case: Case
    connection: Connection | None


@attrs.frozen
class TurnStarted:
    """``message`` is about to be sent; ``turn`` counts from 0."""

    case: Case
    turn: int
    message: str


@attrs.frozen
class ChunkArrived:
    """Text arrived."""

    case: Case
    turn: int
    chunk: Chunk


@attrs.frozen
class TurnFinished:
    """A turn is over, whatever its verdict."""

    case: Case
    turn: int
    reply: Reply


@attrs.frozen
class ReplyMisread:
    """The first reply of a connection was not read as its config means. ``hints`` are masked."""

    case: Case
    connection: str
    hints: Sequence[str]


@attrs.frozen
class CheckDone:
    """A check was evaluated. ``case`` is None for one over a whole suite."""

    case: Case | None
    check: CheckOutcome


@attrs.frozen
class CaseFinished:
    """A test is over; also one that was skipped."""

    case: Case
    result: CaseResult


Event = (
    CaseStarted
    | TurnStarted
    | ChunkArrived
    | TurnFinished
    | ReplyMisread
    | CheckDone
    | CaseFinished
)
