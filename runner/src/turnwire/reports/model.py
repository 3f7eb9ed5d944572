"""What a report says of a run: plain values, read from a run log and from nothing else.

All texts are masked already, and none is trusted: a reply may hold anything, and every format has
its own way of being fooled. Each renderer makes them safe for its format.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import attrs

_SATURATED: Final = 0.9
"""Of one core; Python uses no more than one."""


class Status(StrEnum):
    """How a test came out."""

    PASSED = "passed"
    FAILED = "failed"
    """It was judged, and a check of severity ``error`` did not hold."""
    ERROR = "error"
    """It could not be judged; ``CaseReport.failure`` says whose fault that is."""
    SKIPPED = "skipped"
    UNFINISHED = "unfinished"
    """The log ends while it runs: the run was killed, interrupted, or is still going on."""


@attrs.frozen
class Place:
    """Where something is written."""

    file: str
    line: int | None = None
    path: str = "$"

    def __str__(self) -> str:
        line = f":{self.line}" if self.line is not None else ""
        return f"{self.file}{line}: {self.path}"


@attrs.frozen
class CheckReport:
    """The result of one check."""

    name: str
    kind: str
    severity: str
    scope: str
    status: str
    """``passed``, ``failed`` or ``error``: could not be evaluated."""
    expected: str
    actual: str
    """Of an error, what went wrong."""
    message: str | None
    """What the tester wants to be read when it does not hold."""
    score: float | None
    detail: str | None
    turn: int | None
    """The last turn before it, counted from 0 in its test."""
    connection: str
    failure: str | None
    origin: Place | None

    @property
    def held(self) -> bool:
        """Whether nothing is to be said of it."""
        return self.status == "passed"

    @property
    def counts(self) -> bool:
        """Whether it keeps its test from passing."""
        return self.status == "error" or (self.status == "failed" and self.severity == "error")


@attrs.frozen
class ClientReport:
    """What Turnwire's own process did to the times of a turn."""

    loop_lag_ms: float | None
    gc_ms: float | None
    cpu: float | None
    """How much of one core it used meanwhile."""
    spoilt: Mapping[str, float]
    """By name, by how many ms a time may be off, where that matters."""

    @property
    def worst_ms(self) -> float:
        """The most that one of the times is spoilt by; 0 for none."""
        return max(self.spoilt.values(), default=0.0)


@attrs.frozen
class ClientTotals:
    """What it did to all turns."""

    turns: int
    """Those that were watched."""
    spoilt: int
    worst_ms: float
    cpu: float
    """How much of one core it used, at most, during one of those that are spoilt."""

    @classmethod
    def of(cls, turns: Iterable[TurnReport]) -> ClientTotals:
        """Over these turns."""
        watched = [turn.client for turn in turns if turn.client is not None]
        return cls(
            turns=len(watched),
            spoilt=sum(bool(one.spoilt) for one in watched),
            worst_ms=max((one.worst_ms for one in watched), default=0.0),
            cpu=max((one.cpu or 0.0 for one in watched if one.spoilt), default=0.0),
        )


@attrs.frozen
class TurnReport:
    """One turn. The times are in ms; None: it never happened."""

    conversation: str
    index: int
    connection: str | None
    user: str
    reply: str
    """What had arrived, also where the reply never ended."""
    protocol: str
    verdict: str | None
    """None: the log ends inside this turn."""
    ok: bool
    error: str | None
    first_token_ms: float | None
    latency_ms: float | None
    stream_chunks: int
    metrics: Mapping[str, Any] = attrs.field(factory=dict)
    """All metrics, under their names in the log."""
    hints: Sequence[str] = ()
    client: ClientReport | None = None
    """None: nobody watched."""

    @property
    def is_spoilt(self) -> bool:
        """Whether one of its times may be off by more than does not matter."""
        return self.client is not None and bool(self.client.spoilt)

    @property
    def gaps_ms(self) -> Sequence[float]:
        """The times between the arrivals of neighbouring chunks."""
        offsets = self.metrics.get("chunkOffsetsMs") or ()
        return [later - earlier for earlier, later in itertools.pairwise(offsets)]


@attrs.frozen
class RequestReport:
    """An HTTP call that a test made besides its conversation."""

    label: str
    method: str
    url: str
    status: int | None
    duration_ms: float | None
    error: str | None


@attrs.frozen
class CaseReport:
    """One test as it was run: with its connection, its values and its repetition."""

    id: str
    suite: str
    name: str
    connection: str
    protocol: str | None
    tags: Sequence[str]
    variables: Mapping[str, Any]
    repetition: int
    origin: Place | None
    status: Status
    failure: str | None
    """``check``, ``transport``, ``config``, ``judge`` or ``plugin``; None where nothing failed."""
    error: str | None
    duration_ms: float | None
    reasons: Sequence[str]
    """Why it did not pass, or why it was skipped; the first one is the one to show."""
    checks: Sequence[CheckReport]
    turns: Sequence[TurnReport]
    requests: Sequence[RequestReport] = ()

    @property
    def reason(self) -> str:
        """In one sentence, why it came out as it did; empty where it passed."""
        if self.reasons:
            return self.reasons[0]
        if self.status is Status.UNFINISHED:
            return "The run ended before this test did."
        return self.error or ""

    @property
    def broken_checks(self) -> Sequence[CheckReport]:
        """The checks that keep the test from passing."""
        return [check for check in self.checks if check.counts]

    @property
    def warnings(self) -> Sequence[CheckReport]:
        """The checks that did not hold, of which the tester wants to know no more than that."""
        return [
            check for check in self.checks if check.status == "failed" and check.severity != "error"
        ]


@attrs.frozen
class SuiteReport:
    """The tests of one suite, and the checks over all of them."""

    name: str
    cases: Sequence[CaseReport]
    checks: Sequence[CheckReport]


@attrs.frozen
class Percentiles:
    """Nearest-rank percentiles over ``count`` values: always values that were measured."""

    count: int
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Percentiles | None:
        """The percentiles of these values; None of nothing."""
        ordered = sorted(values)
        if not ordered:
            return None
        return cls(len(ordered), *(_nearest_rank(ordered, percent) for percent in (50, 95, 99)))


def _nearest_rank(ordered: Sequence[float], percent: int) -> float:
    # In whole numbers: 0.95 x 20 must not become a little more than 19.
    return ordered[-(-percent * len(ordered) // 100) - 1]


@attrs.frozen
class ConnectionTimes:
    """The times of all turns over one connection, in ms."""

    connection: str
    protocol: str
    turns: int
    not_ok: int
    """Turns whose reply was not ok; what they measured before that counts all the same."""
    spoilt: int
    """Turns with a time that this machine may have spoilt; they count, too."""
    first_token_ms: Percentiles | None
    latency_ms: Percentiles | None
    """Of the turns that were finished: one that never was has no latency."""
    gap_ms: Percentiles | None
    """Over all gaps between chunks."""


@attrs.frozen
class MisreadReport:
    """A connection whose first reply was not read as its config means it to be."""

    connection: str
    test: str
    hints: Sequence[str]


@attrs.frozen
class Counts:
    """How many tests came out how."""

    passed: int = 0
    failed: int = 0
    error: int = 0
    skipped: int = 0
    unfinished: int = 0

    @classmethod
    def of(cls, cases: Iterable[CaseReport]) -> Counts:
        """Count these."""
        tally = {status.value: 0 for status in Status}
        for case in cases:
            tally[case.status.value] += 1
        return cls(**tally)

    @property
    def total(self) -> int:
        """All of them."""
        return sum(attrs.astuple(self))

    @property
    def pass_rate(self) -> float:
        """How many percent passed of those that were judged: passed or failed. Of none, all."""
        judged = self.passed + self.failed
        return 100 * self.passed / judged if judged else 100.0

    def in_words(self) -> str:
        """``3 passed, 1 failed``: what there is none of is left out, except for passed ones."""
        named = [
            (self.passed, "passed"),
            (self.failed, "failed"),
            (self.error, f"error{'s' if self.error != 1 else ''}"),
            (self.skipped, "skipped"),
            (self.unfinished, "unfinished"),
        ]
        return ", ".join(f"{count} {word}" for count, word in named if count or word == "passed")


@attrs.frozen
class RunReport:
    """A run: all of its segments, if it was resumed."""

    run: str
    """The id of the last segment."""
    command: str
    started: str
    """Of the first segment; wall-clock, ISO 8601."""
    turnwire: str
    segments: int
    """1, and one more for each time that it was resumed."""
    outcome: str | None
    """``completed``, ``interrupted``, ``failed``; None: no end is in the log."""
    error: str | None
    """What ended the run, where that was an error."""
    duration_ms: float
    """Of all segments, without the time between them."""
    seed: int | None
    jobs: int | None
    selection: Mapping[str, Any]
    suites: Sequence[SuiteReport]
    connections: Sequence[ConnectionTimes]
    client: ClientTotals
    replayed: bool
    """Recordings answered in place of the targets, at least in part: its times are not theirs."""
    exit_code: int
    misreads: Sequence[MisreadReport] = ()
    replay: Mapping[str, Any] | None = None
    """Where recordings were talked to in place of targets: what the log says of it."""

    @property
    def replay_note(self) -> str | None:
        """What has to be said beside the times of a replay."""
        if self.replay is None:
            return None
        source, speed = self.replay.get("from"), self.replay.get("speed")
        return f"These times are of a replay of {source} (speed {speed}), not of a target."

    @property
    def cases(self) -> Sequence[CaseReport]:
        """All tests, in the order in which they started."""
        return [case for suite in self.suites for case in suite.cases]

    @property
    def counts(self) -> Counts:
        """How many tests came out how."""
        return Counts.of(self.cases)

    @property
    def in_words(self) -> str:
        """``3 passed, 1 failed; 1 check over a suite did not pass``."""
        words = self.counts.in_words()
        broken = sum(check.counts for _, check in self.suite_checks)
        if broken == 1:
            words += "; 1 check over a suite did not pass"
        elif broken:
            words += f"; {broken} checks over suites did not pass"
        return words

    @property
    def on_trust(self) -> str | None:
        """How far its times can be trusted, in a sentence; None: nothing is to be said."""
        spoilt, turns = self.client.spoilt, self.client.turns
        if not spoilt:
            return None
        what = "its reply" if turns == 1 else f"{spoilt} of {turns} replies"
        advice = (
            "run with fewer --jobs"
            if self.jobs is not None and self.jobs > 1
            else "let it do nothing else, and look for checks and plugins that block"
        )
        busy = ", of which Turnwire kept a whole core busy" if self.client.cpu >= _SATURATED else ""
        return (
            f"The times of {what} may be off by up to {self.client.worst_ms:.0f} ms because of "
            f"this machine{busy}: {advice}."
        )

    @property
    def suite_checks(self) -> Sequence[tuple[SuiteReport, CheckReport]]:
        """The checks over whole suites."""
        return [(suite, check) for suite in self.suites for check in suite.checks]

    @property
    def not_passed(self) -> Sequence[CaseReport]:
        """The tests that failed, erred or never ended: what a person looks at first."""
        return [case for case in self.cases if case.status not in (Status.PASSED, Status.SKIPPED)]
