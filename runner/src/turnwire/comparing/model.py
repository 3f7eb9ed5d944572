"""What a comparison of two runs says: plain values, from two run reports and from nothing else.

*Before* is the run that is compared with, *after* the one that is looked at. As in a
:class:`~turnwire.reports.model.RunReport`, no text is trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import attrs

from turnwire.comparing.bootstrap import Interval


class Change(StrEnum):
    """What became of a test, or of a check over a suite."""

    BROKE = "broke"
    """It passed, and does not any more."""
    MENDED = "mended"
    """It did not pass, and does now."""
    LESS_OFTEN = "passes_less_often"
    """Some repetitions fewer passed; that may be chance."""
    MORE_OFTEN = "passes_more_often"
    """Some repetitions more passed; that may be chance."""
    SAME = "same"
    NEW = "new"
    GONE = "gone"
    """It is not in the run after, or was skipped there."""
    UNFINISHED = "unfinished"
    """One of the runs ended before it did: nobody knows."""


@attrs.frozen
class Tally:
    """How the repetitions of one test came out in one run."""

    passed: int
    judged: int
    """Those that came to an end, skipped ones apart."""

    def __str__(self) -> str:
        if self.judged == 1:
            return "passed" if self.passed else "did not pass"
        return f"{self.passed} of {self.judged} passed"


@attrs.frozen
class TestChange:
    """One test over one connection, with all its repetitions."""

    __test__ = False  # pytest would take the name for a test

    id: str
    """The id of its first repetition."""
    suite: str
    connection: str
    change: Change
    before: Tally | None
    after: Tally | None
    reason: str = ""
    """Why a repetition after did not pass, where one did not."""


@attrs.frozen
class CheckChange:
    """A check over a whole suite."""

    suite: str
    name: str
    connection: str
    change: Change
    reason: str = ""


class Finding(StrEnum):
    """What can be said of a measure."""

    SLOWER = "slower"
    FASTER = "faster"
    CHANGED = "changed"
    """Beyond noise; of a number of which neither more nor less is better."""
    WITHIN_NOISE = "within_noise"
    TOO_SMALL = "too_small"
    """It is there, and too small to matter."""
    TOO_FEW = "too_few"
    """Too few conversations to say anything."""


@attrs.frozen
class Delta:
    """How one number changed over the conversations that both runs have.

    ``before`` and ``after`` are means in the unit of the measure; in them each conversation counts
    once, with the mean of its turns.
    """

    measure: str
    unit: str
    conversations: int
    turns: int
    before: float
    after: float
    finding: Finding
    interval: Interval | None
    """Of the difference; None where there are too few."""

    @property
    def difference(self) -> float:
        """After minus before."""
        return self.after - self.before

    @property
    def percent(self) -> float | None:
        """The difference in percent of what was before; None of nothing."""
        return 100 * self.difference / self.before if self.before else None


@attrs.frozen
class TestDelta:
    """How one number changed in one test: where a change comes from. No claim beyond that."""

    __test__ = False

    id: str
    measure: str
    repetitions: int
    difference: float


@attrs.frozen
class ConnectionDeltas:
    """The numbers of one connection; of all together, ``connection`` is None."""

    connection: str | None
    deltas: Sequence[Delta]
    most: Sequence[TestDelta] = ()
    """The tests that changed most in what is slower."""


@attrs.frozen
class LeftOut:
    """Turns that both runs have, and that are in no delta of a time."""

    not_ok: int = 0
    """One of the replies was not ok."""
    unfinished: int = 0
    """One of the runs ended inside of it."""
    spoilt: int = 0
    """This machine may have spoilt a time of one of them."""

    @property
    def total(self) -> int:
        """All of them."""
        return sum(attrs.astuple(self))


@attrs.frozen
class Side:
    """One of the two runs."""

    name: str
    """As the user named it."""
    run: str
    started: str
    turnwire: str
    outcome: str | None
    jobs: int | None
    in_words: str


@attrs.frozen
class Comparison:
    """All of it."""

    before: Side
    after: Side
    tests: Sequence[TestChange]
    suite_checks: Sequence[CheckChange]
    times: Sequence[ConnectionDeltas]
    left_out: LeftOut
    confidence: float
    """Of all intervals together; each is made for more."""
    notes: Sequence[str]
    """What a reader should know before believing the numbers."""

    def with_change(self, *changes: Change) -> Sequence[TestChange]:
        """The tests that changed so."""
        return [test for test in self.tests if test.change in changes]

    @property
    def paired(self) -> int:
        """How many tests both runs have the result of."""
        return sum(test.before is not None and test.after is not None for test in self.tests)

    @property
    def broke(self) -> bool:
        """Whether anything broke."""
        return any(
            change is Change.BROKE
            for change in (
                *(test.change for test in self.tests),
                *(check.change for check in self.suite_checks),
            )
        )

    @property
    def slower(self) -> bool:
        """Whether anything became slower beyond noise."""
        return any(
            delta.finding is Finding.SLOWER for times in self.times for delta in times.deltas
        )
