"""Which numbers are compared, and what is said of how they changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean
from typing import Final, Literal

import attrs

from turnwire.comparing.bootstrap import mean_interval
from turnwire.comparing.model import ConnectionDeltas, Delta, Finding, TestDelta
from turnwire.reports.model import TurnReport

_MOST: Final = 3


@attrs.frozen
class Bounds:
    """What it takes to call a change one."""

    confidence: float = 0.95
    """Between 0 and 1; of all intervals together."""
    min_percent: float = 5.0
    """A change of a smaller share than this does not matter."""
    min_ms: float = 5.0
    """Nor does one of fewer milliseconds."""
    min_conversations: int = 10
    """Of fewer, nothing is said."""
    with_spoilt: bool = False
    """Also of replies whose times this machine may have spoilt."""
    with_replayed: bool = False
    """Also of runs in which recordings answered."""


@attrs.frozen
class Measure:
    """A number of a turn."""

    name: str
    unit: str
    of: Callable[[TurnReport], float | None]
    better: Literal["less", "more", "neither"]


def _metric(name: str) -> Callable[[TurnReport], float | None]:
    def read(turn: TurnReport) -> float | None:
        value = turn.metrics.get(name)
        return value if isinstance(value, (int, float)) else None

    return read


def _chars_per_s(turn: TurnReport) -> float | None:
    """From first to last chunk; None where all came at once."""
    characters, span_ms = _metric("characters")(turn), _metric("generationMs")(turn)
    return 1000 * characters / span_ms if characters and span_ms else None


MEASURES: Final = (
    Measure("firstTokenMs", "ms", lambda turn: turn.first_token_ms, "less"),
    Measure("gapP95Ms", "ms", _metric("gapP95Ms"), "less"),
    Measure("gapMaxMs", "ms", _metric("gapMaxMs"), "less"),
    Measure("latencyMs", "ms", lambda turn: turn.latency_ms, "less"),
    Measure("charsPerS", "/s", _chars_per_s, "more"),
    Measure("streamChunks", "", lambda turn: turn.stream_chunks, "neither"),
    Measure("characters", "", _metric("characters"), "neither"),
)


@attrs.frozen
class Conversation:
    """A test that both runs have, with those of its turns that can be compared."""

    test: str
    connection: str
    turns: Sequence[tuple[TurnReport, TurnReport]]


@attrs.frozen
class _Sample:
    """What one conversation has of one measure: means over its turns."""

    test: str
    turns: int
    before: float
    after: float

    @property
    def difference(self) -> float:
        return self.after - self.before


def deltas_of(conversations: Sequence[Conversation], bounds: Bounds) -> list[ConnectionDeltas]:
    """The deltas of each connection, and of all together where there are several.

    A conversation is one sample, because its turns are not independent: they had the same server,
    the same moment and the same words before them. The confidence is shared out among all the
    intervals (Bonferroni), or the more one looks at, the more would seem to have changed.
    """
    groups: dict[str | None, list[Conversation]] = {}
    for one in conversations:
        groups.setdefault(one.connection, []).append(one)
    if len(groups) > 1:
        groups[None] = list(conversations)
    samples = {
        (connection, measure.name): found
        for connection, members in groups.items()
        for measure in MEASURES
        if (found := _samples(members, measure))
    }
    intervals = sum(len(found) >= bounds.min_conversations for found in samples.values())
    each = 1 - (1 - bounds.confidence) / max(intervals, 1)
    times = []
    for connection in groups:
        deltas = [
            _delta(measure, some, bounds, each, seed=f"{connection}\0{measure.name}")
            for measure in MEASURES
            if (some := samples.get((connection, measure.name)))
        ]
        slower = [delta.measure for delta in deltas if delta.finding is Finding.SLOWER]
        most = [
            one for name in slower if connection for one in _most(samples[connection, name], name)
        ]
        times.append(ConnectionDeltas(connection, deltas, most))
    return times


def _samples(conversations: Iterable[Conversation], measure: Measure) -> list[_Sample]:
    samples = []
    for one in conversations:
        pairs = [
            (before, after)
            for before, after in ((measure.of(old), measure.of(new)) for old, new in one.turns)
            if before is not None and after is not None
        ]
        if pairs:
            before, after = (fmean(side) for side in zip(*pairs, strict=True))
            samples.append(_Sample(one.test, len(pairs), before, after))
    return samples


def _delta(
    measure: Measure, samples: Sequence[_Sample], bounds: Bounds, confidence: float, *, seed: str
) -> Delta:
    enough = len(samples) >= max(bounds.min_conversations, 2)
    interval = None
    if enough:
        interval = mean_interval([one.difference for one in samples], confidence, seed=seed)
    delta = Delta(
        measure=measure.name,
        unit=measure.unit,
        conversations=len(samples),
        turns=sum(one.turns for one in samples),
        before=fmean(one.before for one in samples),
        after=fmean(one.after for one in samples),
        finding=Finding.TOO_FEW,
        interval=interval,
    )
    return attrs.evolve(delta, finding=_finding(delta, measure, bounds))


def _finding(delta: Delta, measure: Measure, bounds: Bounds) -> Finding:
    if delta.interval is None:
        return Finding.TOO_FEW
    if not delta.interval.excludes_zero:
        return Finding.WITHIN_NOISE
    least = abs(delta.before) * bounds.min_percent / 100
    if measure.unit == "ms":
        least = max(least, bounds.min_ms)
    if abs(delta.difference) < least:
        return Finding.TOO_SMALL
    if measure.better == "neither":
        return Finding.CHANGED
    is_more = delta.difference > 0
    return Finding.FASTER if is_more == (measure.better == "more") else Finding.SLOWER


def _most(samples: Sequence[_Sample], measure: str) -> list[TestDelta]:
    """The tests that changed most for the worse, where there are several."""
    by_test: dict[str, list[float]] = {}
    for one in samples:
        by_test.setdefault(one.test, []).append(one.difference)
    if len(by_test) == 1:
        return []
    sign = -1 if measure == "charsPerS" else 1
    tests = [TestDelta(test, measure, len(found), fmean(found)) for test, found in by_test.items()]
    tests.sort(key=lambda one: -sign * one.difference)
    return [one for one in tests[:_MOST] if sign * one.difference > 0]
