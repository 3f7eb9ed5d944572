"""Checks on one number of a turn: how soon, how fast, how even, in how many pieces."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from itertools import pairwise
from typing import ClassVar

import attrs

from turnwire.checks.bounds import blame_for, within
from turnwire.checks.contract import Check, CheckContext, CheckResult, TurnRecord
from turnwire.checks.each import Outcome, each_turn
from turnwire.checks.showing import number
from turnwire.watching import ClientEffect, Range
from turnwire_core import Metrics
from turnwire_core.contracts.connection import Milliseconds, option

Truth = Callable[[ClientEffect, Metrics, float], Range]
"""From what this process did to a turn, and a value that was measured, to where the true one is."""


@attrs.frozen
class AtMostMs:
    """A bound on a time."""

    max: Milliseconds = option("At most so many milliseconds.")


class _AtMost(Check):
    """A time of each reply that has an upper bound."""

    options = AtMostMs
    shorthand = "max"
    absent: ClassVar[str] = "no text came"
    """What is said of a reply without that time."""

    @abstractmethod
    def measure(self, turn: TurnRecord) -> float | None:
        """The time in milliseconds; None if it never came to be."""

    def true(self, client: ClientEffect, metrics: Metrics, value: float) -> Range:  # noqa: ARG002
        """Where the true value is, whatever this process did to the one that was measured."""
        return client.arrival(value)

    async def evaluate(self, options: AtMostMs, context: CheckContext) -> CheckResult:
        """See :meth:`Check.evaluate`."""
        return hold(
            context, self.measure, "ms", high=options.max, absent=self.absent, true=self.true
        )


def hold(
    context: CheckContext,
    measure: Callable[[TurnRecord], float | None],
    unit: str,
    *,
    low: float | None = None,
    high: float | None = None,
    absent: str = "no text came",
    of: str = "",
    true: Truth | None = None,
) -> CheckResult:
    """Hold a number of every turn in scope to bounds. A turn without that number does not hold.

    ``true`` says where its true value is; where the outcome hangs on that, it is said.
    """

    def holds(value: float) -> bool:
        return (low is None or value >= low) and (high is None or value <= high)

    def test(turn: TurnRecord) -> Outcome:
        value = measure(turn)
        if value is None:
            return False, f"{absent}; the turn ended {turn.reply.verdict}"
        shown = number(value) if math.isfinite(value) else "unboundedly many"
        blame = ""
        if true is not None and turn.client is not None and turn.client.pauses:
            blame = blame_for(value, true(turn.client, turn.reply.metrics, value), holds, unit)
        return holds(value), f"{of}{shown} {unit}{blame}"

    return each_turn(context, f"{of}{within(low, high)} {unit}", test)


class FirstTokenMs(_AtMost):
    """The first text comes soon. A reply without text does not hold."""

    kind = "first_token_ms"
    reads_events = False
    reads_times = True
    doc = "The first text came within so many milliseconds of the start of the turn."

    def measure(self, turn: TurnRecord) -> float | None:
        """``firstTokenMs``."""
        return turn.reply.metrics.first_token_ms


class LatencyMs(_AtMost):
    """The reply is finished soon. One that never finished does not hold."""

    kind = "latency_ms"
    reads_events = False
    reads_times = True
    doc = "The reply was finished within so many milliseconds of the start of the turn."
    absent = "it never finished"

    def measure(self, turn: TurnRecord) -> float | None:
        """``latencyMs``."""
        return turn.reply.metrics.latency_ms


class MaxGapMs(_AtMost):
    """The text does not stop on the way. A reply in one piece has no gap, and holds."""

    kind = "max_gap_ms"
    reads_events = False
    reads_times = True
    doc = "No pause between two neighbouring chunks was longer than so many milliseconds."

    def measure(self, turn: TurnRecord) -> float | None:
        """The longest gap; 0 for a single chunk."""
        metrics = turn.reply.metrics
        return (metrics.gap_max_ms or 0.0) if metrics.stream_chunks else None

    def true(self, client: ClientEffect, metrics: Metrics, value: float) -> Range:  # noqa: ARG002
        """See :meth:`_AtMost.true`."""
        return client.longest_gap(metrics)


@attrs.frozen
class GapOptions:
    """A bound on a percentile of the gaps of one reply."""

    max: Milliseconds = option("At most so many milliseconds.")
    percentile: float = option("Which percentile of the gaps, by nearest rank.", 95.0)

    def __attrs_post_init__(self) -> None:
        check_percentile("percentile", self.percentile)


class GapMs(Check):
    """Most pauses are short. A reply in one piece has no gap, and holds."""

    kind = "gap_ms"
    reads_events = False
    reads_times = True
    options = GapOptions
    shorthand = "max"
    doc = "A percentile of the pauses between neighbouring chunks is at most so many milliseconds."

    async def evaluate(self, options: GapOptions, context: CheckContext) -> CheckResult:
        """See :meth:`Check.evaluate`."""

        def measure(turn: TurnRecord) -> float | None:
            offsets = turn.reply.metrics.chunk_offsets_ms
            if not offsets:
                return None
            gaps = [after - before for before, after in pairwise(offsets)]
            return nearest_rank(gaps, options.percentile) if gaps else 0.0

        of = f"p{number(options.percentile)} of the gaps "

        def true(client: ClientEffect, metrics: Metrics, value: float) -> Range:
            return client.gap(value, metrics)

        return hold(context, measure, "ms", high=options.max, of=of, true=true)


@attrs.frozen
class MinChunksOptions:
    """A bound on the number of chunks."""

    min: int = option("At least so many.")


class MinChunks(Check):
    """The reply comes in pieces. Whether they are spread over time, ``streams`` tells."""

    kind = "min_chunks"
    reads_events = False
    options = MinChunksOptions
    shorthand = "min"
    doc = "The text came in at least so many chunks."

    async def evaluate(self, options: MinChunksOptions, context: CheckContext) -> CheckResult:
        """See :meth:`Check.evaluate`."""
        return hold(
            context, lambda turn: turn.reply.metrics.stream_chunks, "chunks", low=options.min
        )


@attrs.frozen
class SpeedOptions:
    """Bounds on a speed."""

    min: float | None = option("At least so many characters per second.", None)
    max: float | None = option("At most so many.", None)

    def __attrs_post_init__(self) -> None:
        if self.min is None and self.max is None:
            raise ValueError("Say how fast: min, max or both.")


class CharsPerS(Check):
    """The speed of the text while it comes: characters over the time from first to last chunk.

    The wait for the first chunk is not in it (``first_token_ms`` has that). Text that came all at
    once is unboundedly fast: it holds to any ``min`` and to no ``max``.
    """

    kind = "chars_per_s"
    reads_events = False
    reads_times = True
    options = SpeedOptions
    shorthand = "min"
    doc = "The text came with a speed, in characters per second from first to last chunk."

    async def evaluate(self, options: SpeedOptions, context: CheckContext) -> CheckResult:
        """See :meth:`Check.evaluate`."""
        unit = "characters per second"
        return hold(context, _speed, unit, low=options.min, high=options.max, true=_true_speed)


def _speed(turn: TurnRecord) -> float | None:
    """Characters per second; infinite for a single arrival."""
    metrics = turn.reply.metrics
    if not metrics.characters:
        return None
    seconds = (metrics.generation_ms or 0.0) / 1000
    return metrics.characters / seconds if seconds else math.inf


def _true_speed(client: ClientEffect, metrics: Metrics, value: float) -> Range:  # noqa: ARG001
    """Where the true speed is."""
    span = client.generation(metrics)
    speeds = [1000 * metrics.characters / ms if ms else math.inf for ms in (span.high, span.low)]
    return Range(*speeds)


def nearest_rank(values: list[float], percent: float) -> float:
    """The nearest-rank percentile: always a value that was measured. ``values`` is not empty."""
    ordered = sorted(values)
    return ordered[max(math.ceil(percent * len(ordered) / 100), 1) - 1]


def check_percentile(name: str, value: float) -> None:
    """Raises ValueError for what is no percentile."""
    if not 0 < value <= 100:
        raise ValueError(f"{name!r} is above 0 and at most 100.")
