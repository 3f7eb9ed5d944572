"""What came of a run: of each check, of each test, and of all together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

import attrs

from turnwire.checks.contract import FailureKind, TurnRecord
from turnwire.suites.model import Case, Origin, Scope, Severity
from turnwire_core import Connection

CaseStatus = Literal["passed", "failed", "error", "skipped"]
"""``failed``: a check did not hold. ``error``: it could not be judged."""

CASE_STATUSES: Final[tuple[CaseStatus, ...]] = ("passed", "failed", "error", "skipped")

CheckStatus = Literal["passed", "failed", "error"]

_EXIT_CODES: Final[Mapping[FailureKind, int]] = {
    "plugin": 4,
    "config": 2,
    "transport": 3,
    "judge": 3,
    "check": 1,
}
"""By kind of failure, the worst first: where several happened, it is the first that counts."""

_NOTHING_RUN: Final = 5


@attrs.frozen
class CheckOutcome:
    """How one check came out. All texts are masked."""

    name: str
    """As the suite names it, else its kind."""
    kind: str
    status: CheckStatus
    origin: Origin
    suite: str
    connection: str
    severity: Severity = Severity.ERROR
    scope: Scope = Scope.LAST
    expected: str = ""
    actual: str = ""
    """What was found; of an error, what went wrong."""
    message: str | None = None
    """What the tester wants to read when it does not hold."""
    score: float | None = None
    detail: str | None = None
    turn: int | None = None
    """The last turn before it, counted from 0; None before the first, and over a whole suite."""
    failure: FailureKind | None = None
    """Whose fault it is; None where it passed."""

    @property
    def counts(self) -> bool:
        """Whether it keeps its test from passing.

        A check that could not be evaluated does, whatever its severity: nobody knows how it stands.
        """
        return self.status == "error" or (
            self.status == "failed" and self.severity is Severity.ERROR
        )

    @property
    def reason(self) -> str:
        """In one line, what was wrong."""
        said = f" ({self.message})" if self.message else ""
        if self.status == "error":
            return f"{self.name}{said}: {self.actual}"
        return f"{self.name}{said}: expected {self.expected}, found {self.actual}"


@attrs.frozen
class CaseResult:
    """What came of one test.

    ``checks``, ``error``, ``reasons`` and ``traceback`` are masked. ``turns`` are as they came:
    show of them only what ``connection.secrets.mask`` has seen.
    """

    case: Case = attrs.field(repr=lambda case: repr(case.id))
    status: CaseStatus
    failure: FailureKind | None = None
    error: str | None = None
    """What kept it from being judged."""
    checks: Sequence[CheckOutcome] = ()
    turns: Sequence[TurnRecord] = attrs.field(default=(), repr=False)
    duration_ms: float = 0.0
    reasons: Sequence[str] = ()
    """One line for each thing that was wrong, or why it was skipped."""
    traceback: str | None = attrs.field(default=None, repr=False)
    """Of an unexpected error: where it arose."""
    connection: Connection | None = None
    """None: it could not be made ready, or was not needed."""
    earlier: bool = False
    """It was run before, and its result read from the log that is resumed."""

    @property
    def ok(self) -> bool:
        """Whether it passed or was skipped."""
        return self.status in ("passed", "skipped")


@attrs.frozen
class RunOutcome:
    """What came of a run."""

    # An event loop shows what its tasks return, and all results take it long.
    results: Sequence[CaseResult] = attrs.field(repr=lambda results: f"<{len(results)}>")
    """In the order of the cases, those of an earlier run that was resumed included."""
    suite_checks: Sequence[CheckOutcome] = ()
    not_run: Sequence[Case] = attrs.field(default=(), repr=lambda cases: f"<{len(cases)}>")
    """Those that ``fail_fast`` or ``stop_on_misread`` left out."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Tests by status."""
        counted = Counter(result.status for result in self.results)
        return {status: counted[status] for status in CASE_STATUSES}

    @property
    def exit_code(self) -> int:
        """What a command exits with, as the documentation of exit codes has it."""
        failures = {result.failure for result in self.results}
        failures |= {check.failure for check in self.suite_checks if check.counts}
        for kind, code in _EXIT_CODES.items():
            if kind in failures:
                return code
        return 0 if self.results else _NOTHING_RUN


def worst(failures: Iterable[FailureKind]) -> FailureKind | None:
    """The one that counts where there are several."""
    found = set(failures)
    return next((kind for kind in _EXIT_CODES if kind in found), None)
