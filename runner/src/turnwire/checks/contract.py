"""What a check is: one small class, and what it may look at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, ClassVar, Literal, Protocol

import attrs

from turnwire.suites.model import Scope
from turnwire.watching import ClientEffect
from turnwire_core import Chunk, Message, Reply, TurnwireError
from turnwire_core.contracts.driver import NoOptions

FailureKind = Literal["check", "transport", "config", "judge", "plugin"]
"""Why a test did not pass; each has its exit code and its place in a report."""


class CheckError(TurnwireError):
    """A check could not be evaluated. Never a pass, and told apart from one that does not hold.

    ``kind`` is ``config`` (it is written wrong), ``judge`` (the judge failed) or ``plugin``.
    """

    def __init__(self, message: str, *, kind: FailureKind = "config") -> None:
        super().__init__(message)
        self.kind = kind


@attrs.frozen
class TurnEvent:
    """One event of a reply, reduced to what checks on order and time want."""

    name: str
    """The SSE event's name, else the event's ``type`` or ``event`` field, else ``message``."""
    offset_ms: float
    """From the start of the turn."""
    data: Any = None
    """The parsed event, where it is JSON; None otherwise."""


@attrs.frozen
class TurnRecord:
    """One turn that a test took."""

    message: str
    reply: Reply
    events: Sequence[TurnEvent] = ()
    chunks: Sequence[Chunk] = ()
    """The pieces of the reply's text; their offsets are ``reply.metrics.chunk_offsets_ms``."""
    client: ClientEffect | None = None
    """What this process itself did to the times; None: nobody watched."""


@attrs.frozen
class Judgement:
    """What a judge said. ``score`` is from 0 to 1."""

    passed: bool
    score: float
    reasoning: str = ""


class Judge(Protocol):
    """Whoever judges: another connection, or the deterministic one that needs no network."""

    async def judge(
        self, *, rubric: str, threshold: float, transcript: Sequence[Message]
    ) -> Judgement:
        """Judge a conversation.

        Raises:
            CheckError: of kind ``judge``: no answer, or one that is no judgement.
        """


@attrs.frozen
class CheckContext:
    """What a check may look at."""

    turns: Sequence[TurnRecord]
    transcript: Sequence[Message]
    variables: Mapping[str, Any]
    judge: Judge
    directory: FilePath
    """The folder of the suite's file: what a check names is relative to it."""
    scope: Scope = Scope.LAST
    trusts_times: bool = True
    """False: the times are those of a recording that was played back."""

    @property
    def last(self) -> TurnRecord:
        """The last turn.

        Raises:
            CheckError: there was none yet.
        """
        if not self.turns:
            raise CheckError("There is no reply yet: put a 'message' step before this check.")
        return self.turns[-1]

    def scoped_turns(self) -> Sequence[TurnRecord]:
        """The turns in scope: the last one, or all."""
        return (self.last,) if self.scope is Scope.LAST else (self.turns or (self.last,))

    def texts(self) -> Sequence[str]:
        """The texts in scope; a check on text must hold of each.

        Raises:
            CheckError: there is no reply yet.
        """
        match self.scope:
            case Scope.LAST:
                return (self.last.reply.content,)
            case Scope.ASSISTANT:
                return tuple(turn.reply.content for turn in (self.turns or (self.last,)))
            case Scope.TRANSCRIPT:
                if not self.transcript:
                    # A turn that failed left nothing in it. What had arrived was said all the same;
                    # of no text at all, "contains none of" would hold and mean nothing.
                    return (self.last.reply.content,)
                said = "\n".join(f"{entry.role}: {entry.content}" for entry in self.transcript)
                return (said,)


@attrs.frozen
class CheckResult:
    """How a check came out. ``expected`` and ``actual`` are for people, and bounded."""

    passed: bool
    expected: str
    actual: str
    score: float | None = None
    detail: str | None = None


class Check(ABC):
    """One kind of check. Stateless.

    ``kind`` is its key in files. ``options`` is an attrs class of its own keys. Where a value is
    no object (``contains: refund``), it fills the option named by ``shorthand``.
    """

    kind: ClassVar[str]
    options: ClassVar[type[Any]] = NoOptions
    shorthand: ClassVar[str | None] = None
    suite_wide: ClassVar[bool] = False
    """True: it stands in a suite's ``checks`` and sees the turns of all its tests."""
    reads_times: ClassVar[bool] = False
    """True: it judges by when something happened. Over a recording that is played back it is an
    error, unless whoever runs it trusts the times of a replay."""
    reads_events: ClassVar[bool] = True
    """False: it never looks at ``TurnRecord.events``, and a test that has only such checks is
    spared collecting them."""
    doc: ClassVar[str] = ""
    """One sentence for the reference."""

    @abstractmethod
    async def evaluate(self, options: Any, context: CheckContext) -> CheckResult:
        """Whether the check holds.

        Raises:
            CheckError: it cannot be evaluated.
        """
