"""How far a mean may be off: bootstrap intervals, without numpy and the same on every machine.

Percentile bootstrap (Efron, 1979) with the expanded percentiles of Hesterberg, "What Teachers
Should Know about the Bootstrap" (2015), §4.3.3: resampling n values shows too little of their
spread, by ``sqrt((n - 1) / n)``, and knows nothing of the heavier tails that few values ask for.
Both are made up for by taking percentiles further out, most of all where there are few values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from statistics import NormalDist, fmean
from typing import Final

import attrs

_RESAMPLES: Final = 5000
_BLOCKS: Final = 100
"""More values than this are first averaged in so many groups. Their means are resampled
instead: for a mean it makes no difference that could be seen, and time no longer grows with n."""

_NORMAL: Final = NormalDist()


@attrs.frozen
class Interval:
    """Where the true mean is, with the confidence that was asked for."""

    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether there is a change at all."""
        return self.low > 0 or self.high < 0


def mean_interval(values: Sequence[float], confidence: float, *, seed: str) -> Interval:
    """The interval of the mean of ``values``, of which there are at least two.

    ``confidence`` is between 0 and 1. The same values, confidence and seed have the same interval.
    """
    centre = fmean(values)
    random = Random(seed)  # noqa: S311 # guessing it is no harm
    blocks = _in_blocks(values, random)
    n = len(blocks)
    outside = _expanded_tail((1 - confidence) / 2, n)
    means = sorted(sum(random.choices(blocks, k=n)) / n for _ in range(_RESAMPLES))
    # Groups may differ in size by one: their mean is not quite that of all.
    shift = centre - fmean(blocks)
    return Interval(_quantile(means, outside) + shift, _quantile(means, 1 - outside) + shift)


def _in_blocks(values: Sequence[float], random: Random) -> Sequence[float]:
    if len(values) <= _BLOCKS:
        return values
    # In no order: every hundredth could be the same test.
    mixed = random.sample(values, len(values))
    return [fmean(mixed[start::_BLOCKS]) for start in range(_BLOCKS)]


def _expanded_tail(tail: float, n: int) -> float:
    """The share of resampled means to leave out on each side."""
    t = student_quantile(1 - tail, n - 1)
    return _NORMAL.cdf(-math.sqrt(n / (n - 1)) * t)


def student_quantile(p: float, freedom: int) -> float:
    """The quantile of Student's t, by its expansion about the normal (A&S 26.7.5).

    To better than 1 % from seven degrees of freedom on, for ``p`` up to 0.995.
    """
    z = _NORMAL.inv_cdf(p)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return math.fsum(term / float(freedom) ** power for power, term in enumerate(terms))


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(max(round(share * len(ordered)), 0), len(ordered) - 1)]
