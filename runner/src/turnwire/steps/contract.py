"""What a step is, and what of a running test it may use."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar, Protocol

from turnwire.checks.contract import FailureKind, Judge, TurnRecord
from turnwire.suites.model import Case, CheckSpec, RequestSpec
from turnwire_core import Conversation, Reply, TurnwireError
from turnwire_core.contracts.driver import NoOptions


class StepError(TurnwireError):
    """A step could not do its work, and the test ends. ``kind`` says whose fault it is."""

    def __init__(self, message: str, *, kind: FailureKind) -> None:
        super().__init__(message)
        self.kind = kind


class RunningTest(Protocol):
    """The engine's side of a step: one test while it runs."""

    case: Case
    conversation: Conversation
    turns: Sequence[TurnRecord]
    variables: dict[str, Any]
    """What ``{{variables.NAME}}`` stands for, in steps, in checks and in the target's templates."""
    judge: Judge
    answer: Any
    """What the last request brought: JSON, or text. :data:`~turnwire_core.paths.MISSING` before."""

    async def say(self, message: str, *, persona: str | None = None) -> Reply:
        """Take one turn, logged and recorded.

        ``persona`` is the name of one of the suite's, or a description; it counts for this turn.

        Raises:
            StepError: the reply is not ok (kind ``transport``) and the step has no check of the
                kind ``verdict``, or the test took too many turns (kind ``config``).
        """

    async def call(self, request: RequestSpec, *, label: str) -> tuple[int, Any]:
        """Make an HTTP call, logged; the status, and the answer as JSON or text.

        Raises:
            StepError: nothing could be reached (kind ``transport``), or a placeholder has no
                value (kind ``config``).
        """

    def fill(self, template: Any) -> Any:
        """A Template filled with this test's values, or anything else as it is.

        Raises:
            StepError: a placeholder has no value (kind ``config``).
        """

    def assign(self, name: str, value: Any) -> None:
        """Give a variable its value, logged."""

    def require(self, held: bool, *, name: str, expected: str, actual: str) -> None:
        """Record something that a step itself expects, as the result of a check."""

    async def holds(self, check: CheckSpec) -> bool:
        """Whether a check holds now. It is not recorded: it steers, it does not judge.

        Raises:
            CheckError: it cannot be evaluated.
        """

    def talk_to(
        self, connection: str, *, role: str, persona: str | None = None
    ) -> AbstractAsyncContextManager[Conversation]:
        """Another conversation beside the test's, logged as that of ``role`` (``simulator`` …).

        Raises (on entering):
            ConfigError: there is no such connection, or it is written wrong.
            PluginError: its driver is missing or broken.
        """


class Step(ABC):
    """One kind of step. Stateless.

    ``kind`` is its key in files; ``options`` an attrs class of its own keys. Where a value is no
    object (``message: Hi``), it fills the option named by ``shorthand``. An option of the type
    ``tuple[CheckSpec, ...]`` holds checks, structured like those that stand in ``checks``.
    """

    kind: ClassVar[str]
    options: ClassVar[type[Any]] = NoOptions
    shorthand: ClassVar[str | None] = None
    doc: ClassVar[str] = ""
    """One sentence for the reference."""

    @abstractmethod
    async def run(self, options: Any, test: RunningTest) -> None:
        """Do it.

        Raises:
            StepError: it could not be done.
            CheckError: a check in it cannot be evaluated.
        """
