"""A percentile over all turns of a suite, with a minimum sample size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

import attrs

from turnwire.checks.bounds import blame_for
from turnwire.checks.contract import Check, CheckContext, CheckError, CheckResult, TurnRecord
from turnwire.checks.showing import counted, number
from turnwire.checks.timing import check_percentile, nearest_rank
from turnwire.watching import Range
from turnwire_core import Metrics
from turnwire_core.contracts.connection import Milliseconds, option

_METRICS: Final[Mapping[str, Callable[[Metrics], float | None]]] = {
    "firstTokenMs": lambda metrics: metrics.first_token_ms,
    "latencyMs": lambda metrics: metrics.latency_ms,
    "maxGapMs": lambda metrics: metrics.gap_max_ms,
    "firstEventMs": lambda metrics: metrics.first_event_ms,
    "connectMs": lambda metrics: metrics.connect_ms,
}


@attrs.frozen
class PercentilesOptions:
    """Which percentile of which number, and its bound."""

    metric: Literal["firstTokenMs", "latencyMs", "maxGapMs", "firstEventMs", "connectMs"] = option(
        "The number of each turn."
    )
    max: Milliseconds = option("At most so many milliseconds.")
    p: float = option("Which percentile, by nearest rank.", 95.0)
    min_samples: int = option(
        "With fewer turns the check is an error: a percentile of a few turns says little.", 20
    )

    def __attrs_post_init__(self) -> None:
        check_percentile("p", self.p)
        if self.min_samples < 1:
            raise ValueError("'minSamples' is at least 1.")


class Percentiles(Check):
    """A percentile over all turns that have the number.

    Turns without it (the reply never finished, it came in one piece and has no gap) are no samples;
    how many there were is said.
    """

    kind = "percentiles"
    reads_events = False
    reads_times = True
    options = PercentilesOptions
    suite_wide = True
    doc = "A percentile of a time over all turns of the suite is at most so many milliseconds."

    async def evaluate(self, options: PercentilesOptions, context: CheckContext) -> CheckResult:
        """See :meth:`Check.evaluate`."""
        measure = _METRICS[options.metric]
        found = [(turn, measure(turn.reply.metrics)) for turn in context.turns]
        measured = [(turn, value) for turn, value in found if value is not None]
        samples = [value for _, value in measured]
        without = len(found) - len(samples)
        size = counted(len(samples), "turn")
        if without:
            size += f" ({without} more without it)"
        if len(samples) < options.min_samples:
            raise CheckError(
                f"p{number(options.p)} of {options.metric} wants {options.min_samples} samples, "
                f"and there are {size}. Repeat the tests (--repeat), or lower 'minSamples'."
            )
        value = nearest_rank(samples, options.p)
        ranges = [_true(turn, options.metric, value) for turn, value in measured]
        true = Range(
            nearest_rank([one.low for one in ranges], options.p),
            nearest_rank([one.high for one in ranges], options.p),
        )
        label = f"p{number(options.p)} of {options.metric}"
        return CheckResult(
            passed=value <= options.max,
            expected=f"{label} at most {number(options.max)} ms",
            actual=f"{number(value)} ms, of {size}"
            + blame_for(value, true, lambda one: one <= options.max, "ms"),
        )


def _true(turn: TurnRecord, metric: str, value: float) -> Range:
    """Where the true value is, whatever this process did to the one that was measured."""
    if turn.client is None:
        return Range(value, value)
    if metric == "maxGapMs":
        return turn.client.longest_gap(turn.reply.metrics)
    return turn.client.arrival(value)
