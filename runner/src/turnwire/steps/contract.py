"""What a step is, and what of a running test it may use."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from turnwire.checks.contract import FailureKind, Judge, TurnRecord
from turnwire.suites.model import Case, RequestSpec
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
    judge: Judge

    async def say(self, message: str, *, persona: str | None = None) -> Reply:
        """Take one turn, logged and recorded.

        Raises:
            StepError: the reply is not ok (kind ``transport``), or the test took too many turns.
        """

    async def call(self, request: RequestSpec, *, label: str) -> tuple[int, Any]:
        """Make an HTTP call, logged; the status, and the answer as JSON or text.

        Raises:
            StepError: nothing could be reached (kind ``transport``).
        """

    def fill(self, template: Any) -> Any:
        """A Template filled with this test's values, or anything else as it is."""

    def require(self, held: bool, *, name: str, expected: str, actual: str) -> None:
        """Record something that a step itself expects, as the result of a check."""


class Step(ABC):
    """One kind of step. Stateless.

    ``kind`` is its key in files; ``options`` an attrs class of its own keys. Where a value is no
    object (``message: Hi``), it fills the option named by ``shorthand``.
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
