"""Intervals: they hold what they say, they flag what is there, and they are always the same."""

from __future__ import annotations

from random import Random
from statistics import fmean

import pytest

from turnwire.comparing.bootstrap import mean_interval, student_quantile


def noisy(draw: Random, n: int) -> list[float]:
    """Differences of two times that vary as times do: skewed, with the odd very slow one."""
    times = [[draw.lognormvariate(5.5, 0.25) for _ in range(n)] for _ in range(2)]
    return [after - before for before, after in zip(*times, strict=True)]


def test_the_same_values_have_the_same_interval() -> None:
    values = noisy(Random(1), 30)
    assert mean_interval(values, 0.95, seed="a") == mean_interval(values, 0.95, seed="a")
    assert mean_interval(values, 0.95, seed="a") != mean_interval(values, 0.95, seed="b")


@pytest.mark.parametrize("n", [10, 40, 250])
def test_of_runs_of_the_same_target_few_intervals_exclude_zero(n: int) -> None:
    draw = Random(n)
    tries = 40
    wrong = sum(mean_interval(noisy(draw, n), 0.95, seed="s").excludes_zero for _ in range(tries))
    # 2 are to be expected; 7 or more of 40 come about once in two hundred times.
    assert wrong < 7


@pytest.mark.parametrize("n", [15, 60, 400])
def test_a_true_shift_is_seen_and_is_inside(n: int) -> None:
    draw = Random(n)
    for _ in range(5):
        found = mean_interval([80 + draw.gauss(0, 25) for _ in range(n)], 0.95, seed="s")
        assert found.excludes_zero
        assert 40 < found.low < found.high < 120


def test_one_very_slow_reply_makes_no_change() -> None:
    draw = Random(3)
    values = [draw.gauss(0, 5) for _ in range(49)] + [10_000.0]
    assert not mean_interval(values, 0.95, seed="s").excludes_zero


def test_more_confidence_and_fewer_values_make_it_wider() -> None:
    values = noisy(Random(5), 50)

    def width(some: list[float], confidence: float) -> float:
        found = mean_interval(some, confidence, seed="s")
        return found.high - found.low

    assert width(values, 0.8) < width(values, 0.95) < width(values, 0.999)
    assert width(values * 4, 0.95) < 0.7 * width(values, 0.95)


def test_many_values_are_resampled_in_groups_about_their_own_mean() -> None:
    values = [float(number % 7) for number in range(1043)]
    found = mean_interval(values, 0.95, seed="s")
    assert found.low < fmean(values) < found.high


@pytest.mark.parametrize(
    ("p", "freedom", "known"),
    # From the usual tables.
    [(0.975, 9, 2.2622), (0.995, 9, 3.2498), (0.999, 15, 3.7328), (0.975, 120, 1.9799)],
)
def test_student_quantiles_are_those_of_the_tables(p: float, freedom: int, known: float) -> None:
    assert student_quantile(p, freedom) == pytest.approx(known, rel=0.002)
