"""What pauses of the client do to the times of a turn: arithmetic on scripted stamps."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire.watching import ClientEffect, Pause, Range
from turnwire.watching.effect import merged
from turnwire_core import Metrics
from turnwire_core.events import WireTimes
from turnwire_core.recorder import Recorder

MS = 1_000_000


def metrics_of(
    chunks: Sequence[float], *, sent: float | None = 1.0, finished: float | None = None
) -> Metrics:
    """A turn whose chunks were stamped at these milliseconds."""
    recorder = Recorder(0)
    for at_ms in chunks:
        recorder.chunk(int(at_ms * MS), 1)
    end = finished if finished is not None else chunks[-1]
    recorder.finish(int(end * MS))
    sent_ns = None if sent is None else int(sent * MS)
    return recorder.metrics(int(end * MS), WireTimes(sent_ns=sent_ns))


def effect_of(metrics: Metrics, *pauses: tuple[float, float]) -> ClientEffect:
    return ClientEffect.of(metrics, [Pause(*one) for one in pauses])


def test_without_a_pause_nothing_is_spoilt() -> None:
    effect = effect_of(metrics_of([100, 200]))
    assert effect.spoilt == {}
    assert effect.worst_ms == 0
    assert effect.arrival(100) == Range(100, 100)


def test_a_pause_while_the_target_thinks_does_nothing() -> None:
    assert effect_of(metrics_of([100, 200]), (20, 90), (120, 190)).spoilt == {}


def test_a_stamp_at_the_end_of_a_pause_may_be_late_by_all_of_it() -> None:
    effect = effect_of(metrics_of([100, 200], finished=300), (60, 99.9))
    assert effect.arrival(100) == Range(60, 100)
    assert effect.spoilt["firstTokenMs"] == 40
    assert "latencyMs" not in effect.spoilt
    # The first stamp was late, so the gap after it was longer than it seems.
    assert effect.longest_gap(metrics_of([100, 200])) == Range(100, 140)


def test_before_the_request_is_sent_all_pauses_add_up() -> None:
    effect = effect_of(metrics_of([300], sent=100), (10, 30), (50, 70), (90, 110), (150, 250))
    assert effect.arrival(300) == Range(250, 300)
    assert effect.spoilt == {"firstTokenMs": 50, "latencyMs": 50}


def test_a_pause_that_began_before_the_turn_counts_from_its_start() -> None:
    effect = effect_of(metrics_of([100], sent=20), (-500, 15))
    assert effect.arrival(100) == Range(85, 100)


def test_of_a_turn_that_does_not_know_when_it_was_sent_every_pause_counts() -> None:
    effect = effect_of(metrics_of([100], sent=None), (20, 40), (95, 99.5))
    assert effect.arrival(100).low == pytest.approx(100 - 20 - 4.5)


def test_a_pause_over_the_moment_of_sending_counts_once() -> None:
    effect = effect_of(metrics_of([100], sent=50), (40, 99.5))
    assert effect.arrival(100) == Range(40, 100)


def test_a_late_stamp_spoils_the_gap_before_it() -> None:
    metrics = metrics_of([100, 110, 180, 190])
    effect = effect_of(metrics, (120, 180))
    assert metrics.gap_max_ms == 70
    # At best the chunk came with the pause; the gap after it is then the longest, at 70.
    assert effect.longest_gap(metrics) == Range(10, 70)
    assert effect.spoilt == {"gapMaxMs": 60}


def test_what_is_little_of_a_long_time_does_not_matter() -> None:
    assert effect_of(metrics_of([3000]), (2900, 2999.5)).spoilt == {}
    assert effect_of(metrics_of([20]), (16, 19.5)).spoilt == {}, "below 5 ms"
    assert effect_of(metrics_of([1900]), (1800, 1899.5)).spoilt != {}


def test_speeds_and_percentiles_have_their_bounds() -> None:
    metrics = metrics_of([100, 150, 200])
    effect = effect_of(metrics, (180, 199.8))
    assert effect.generation(metrics) == Range(80, 100)
    assert effect.gap(50, metrics) == Range(30, 70)


def test_pauses_that_overlap_are_one() -> None:
    found = merged([Pause(5, 8), Pause(0, 3), Pause(2, 4), Pause(6, 7)])
    assert found == (Pause(0, 4), Pause(5, 8))


TIMES = st.floats(0, 1000, allow_nan=False)


@settings(max_examples=100, deadline=None)
@given(
    stamps=st.lists(TIMES, min_size=1, max_size=8).map(sorted),
    pauses=st.lists(st.tuples(TIMES, st.floats(0, 200)), max_size=6),
    sent=st.none() | TIMES,
)
def test_the_measured_value_is_always_one_of_the_possible(
    stamps: list[float], pauses: list[tuple[float, float]], sent: float | None
) -> None:
    metrics = metrics_of(stamps, sent=sent)
    effect = effect_of(metrics, *((start, start + length) for start, length in pauses))
    assert metrics.first_token_ms is not None
    for value, true in (
        (metrics.first_token_ms, effect.arrival(metrics.first_token_ms)),
        (metrics.gap_max_ms or 0.0, effect.longest_gap(metrics)),
        (stamps[-1] - stamps[0], effect.generation(metrics)),
    ):
        assert 0 <= true.low <= value + 1e-3
        assert value <= true.high + 1e-3
