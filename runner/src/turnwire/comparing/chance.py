"""Whether a test that passes more or less often than it did may do so by chance."""

from __future__ import annotations

from math import comb
from typing import Final

from turnwire.comparing.model import Change, Tally

_CHANCE: Final = 0.05


def change_of(before: Tally, after: Tally) -> Change:
    """What became of a test that was judged in both runs.

    Where all repetitions passed in one run and none in the other, there is no question. In between
    it takes Fisher's exact test: if the test passed as often as ever, repetitions that are dealt to
    the two runs at random would differ so much in less than 5 % of all cases.
    """
    rate_before, rate_after = (tally.passed / tally.judged for tally in (before, after))
    if rate_before == rate_after:
        return Change.SAME
    is_certain = {rate_before, rate_after} == {0.0, 1.0}
    if rate_after < rate_before:
        is_certain = is_certain or at_most_by_chance(after, before) < _CHANCE
        return Change.BROKE if is_certain else Change.LESS_OFTEN
    is_certain = is_certain or at_most_by_chance(before, after) < _CHANCE
    return Change.MENDED if is_certain else Change.MORE_OFTEN


def at_most_by_chance(low: Tally, high: Tally) -> float:
    """Fisher's exact test, one-sided: how likely it is that ``low`` has so few that passed."""
    everything = low.judged + high.judged
    passed = low.passed + high.passed
    ways = sum(
        comb(passed, count) * comb(everything - passed, low.judged - count)
        for count in range(low.passed + 1)
    )
    return ways / comb(everything, low.judged)
