"""What each number means, proved with a scripted clock. All stamps here are milliseconds."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire_core import Metrics, WireTimes
from turnwire_core.recorder import Recorder, percentile_ms

START = 1_000
"""The turn does not begin at zero: a stamp that is mistaken for a distance shows."""

_DELAYS = ("client_delay_ms", "client_delay_p99_ms")


def ns(ms: float) -> int:
    return int((START + ms) * 1_000_000)


class Script:
    """One turn, told in milliseconds since its start."""

    def __init__(self) -> None:
        self.recorder = Recorder(ns(0))

    def read(self, at: float, *, events: int = 1, seen: float | None = None) -> Script:
        self.recorder.read(events, ns(at), ns(at if seen is None else seen))
        return self

    def chunk(self, at: float, text: str = "x") -> Script:
        self.recorder.chunk(ns(at), len(text))
        return self

    def finish(self, at: float) -> Script:
        self.recorder.finish(ns(at))
        return self

    def end(self, at: float, **times: float) -> Metrics:
        stamps = {f"{name}_ns": ns(stamp) for name, stamp in times.items()}
        return self.recorder.metrics(ns(at), WireTimes(**stamps))


def test_a_whole_turn() -> None:
    metrics = (
        Script()
        .read(100, events=1)  # the role, no content
        .read(150, events=2)
        .chunk(150, "Hel")
        .chunk(150, "lo")
        .read(180, events=0)  # a heartbeat
        .read(250, events=1)
        .chunk(250, ", you")
        .read(300, events=1)  # the finish
        .finish(300)
        .end(305, connected=20, sent=21, headers=90)
    )
    assert metrics == Metrics(
        duration_ms=305,
        stream_chunks=3,
        events=5,
        network_reads=5,
        characters=10,
        connect_ms=20,
        sent_ms=21,
        headers_ms=90,
        first_event_ms=100,
        first_token_ms=150,
        last_content_ms=250,
        latency_ms=300,
        generation_ms=100,
        gap_p50_ms=0,
        gap_p95_ms=100,
        gap_p99_ms=100,
        gap_max_ms=100,
        client_delay_ms=0,
        client_delay_p99_ms=0,
        chunk_offsets_ms=(150, 150, 250),
    )


def test_first_token_is_the_first_content_not_the_first_event() -> None:
    metrics = Script().read(40).read(70).chunk(70).end(80)
    assert (metrics.first_event_ms, metrics.first_token_ms) == (40, 70)


def test_a_read_without_a_complete_event_is_no_first_event() -> None:
    metrics = Script().read(10, events=0).read(40).end(50)
    assert metrics.first_event_ms == 40
    assert (metrics.network_reads, metrics.events) == (2, 1)


def test_latency_is_the_finish_not_the_last_content_and_not_the_end() -> None:
    metrics = Script().read(50).chunk(50).read(60).finish(60).end(900)
    assert metrics.last_content_ms == 50
    assert metrics.latency_ms == 60
    assert metrics.duration_ms == 900


def test_only_the_first_finish_counts() -> None:
    assert Script().finish(60).finish(500).end(600).latency_ms == 60


def test_a_turn_that_did_not_finish_has_no_latency_but_a_duration() -> None:
    metrics = Script().read(50).chunk(50).end(400, sent=5)
    assert metrics.latency_ms is None
    assert metrics.duration_ms == 400
    assert metrics.first_token_ms == 50


def test_what_never_happened_is_none_and_not_zero() -> None:
    metrics = Script().end(30)
    numbers = {
        name: getattr(metrics, name)
        for name in Metrics.__slots__  # type: ignore[attr-defined] # attrs makes them
        if name.endswith("_ms") and name not in ("duration_ms", *_DELAYS)
    }
    assert numbers.pop("chunk_offsets_ms") == ()
    assert set(numbers.values()) == {None}
    assert (metrics.stream_chunks, metrics.events, metrics.network_reads) == (0, 0, 0)
    assert metrics.duration_ms == 30


def test_on_a_reused_connection_it_was_connected_at_the_start() -> None:
    assert Script().end(30, sent=1, headers=20).connect_ms == 0


def test_what_was_never_sent_was_never_connected() -> None:
    assert Script().end(30).connect_ms is None
    assert Script().end(30, connected=12).connect_ms == 12


def test_generation_runs_from_the_first_content_to_the_last() -> None:
    assert Script().chunk(100).chunk(180).chunk(350).finish(360).end(400).generation_ms == 250
    assert Script().chunk(100).end(200).generation_ms == 0


def test_a_read_that_brings_several_chunks_is_one_read_with_one_stamp() -> None:
    metrics = Script().read(80, events=3).chunk(80).chunk(80).chunk(80).end(90)
    assert (metrics.network_reads, metrics.events, metrics.stream_chunks) == (1, 3, 3)
    assert metrics.chunk_offsets_ms == (80, 80, 80)
    assert metrics.gap_max_ms == 0


def test_one_chunk_has_no_gaps() -> None:
    metrics = Script().read(80).chunk(80).end(90)
    assert metrics.gap_p50_ms is metrics.gap_p95_ms is metrics.gap_p99_ms is None
    assert metrics.gap_max_ms is None


def test_gaps_lie_between_neighbouring_chunks_only() -> None:
    # Neither the wait for the first chunk nor that for the finish is a gap.
    metrics = Script().chunk(1000).chunk(1010).chunk(1040).finish(5000).end(6000)
    assert metrics.gap_max_ms == 30
    assert metrics.gap_p50_ms == 10


def test_what_the_client_adds_is_apart_and_in_no_other_number() -> None:
    prompt = Script().read(50).chunk(50).read(80).chunk(80).finish(80).end(100)
    late = Script().read(50, seen=57).chunk(50).read(80, seen=83).chunk(80).finish(80).end(100)
    assert late.client_delay_ms == 7, "the longest one"
    assert prompt.client_delay_ms == 0
    assert _without_delay(late) == _without_delay(prompt)


def test_one_long_delay_among_many_short_ones_is_told_from_a_client_that_is_always_late() -> None:
    once, always = Script(), Script()
    for number in range(200):
        once.read(number, seen=number + (9 if number == 50 else 1))
        always.read(number, seen=number + 9)
    assert (once.end(300).client_delay_ms, once.end(300).client_delay_p99_ms) == (9, 1)
    assert (always.end(300).client_delay_ms, always.end(300).client_delay_p99_ms) == (9, 9)


def test_a_read_without_an_event_waited_for_nobody() -> None:
    assert Script().read(10, events=0, seen=60).end(70).client_delay_ms == 0


def _without_delay(metrics: Metrics) -> dict[str, Any]:
    return {
        name: getattr(metrics, name)
        for name in Metrics.__slots__  # type: ignore[attr-defined] # attrs makes them
        if name not in (*_DELAYS, "__weakref__")
    }


def test_characters_are_those_of_the_text_not_its_bytes() -> None:
    assert Script().chunk(1, "é🔑日").end(2).characters == 3


def test_what_was_recorded_can_be_asked_while_the_turn_runs() -> None:
    script = Script()
    assert not script.recorder.has_content
    script.read(10, events=2).chunk(10, "abc")
    assert script.recorder.has_content
    assert script.recorder.chunk_count == 1
    assert script.recorder.event_count == 2
    assert script.recorder.characters == 3
    assert script.recorder.start_ns == ns(0)


# --- percentiles ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([], 50, None),
        ([7], 50, 7),
        ([7], 99, 7),
        ([1, 2], 50, 1),
        ([1, 2, 3], 50, 2),
        ([1, 2, 3, 4], 50, 2),
        (list(range(1, 101)), 50, 50),
        (list(range(1, 101)), 95, 95),
        (list(range(1, 101)), 99, 99),
        (list(range(1, 21)), 95, 19),
        (list(range(1, 20)), 95, 19),
        (list(range(1, 11)), 99, 10),
        ([1, 2, 3], 0, 1),
        ([1, 2, 3], 100, 3),
    ],
)
def test_percentiles_are_of_the_nearest_rank(
    values: list[int], percent: float, expected: float | None
) -> None:
    assert percentile_ms([value * 1_000_000 for value in values], percent) == expected


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=60), st.sampled_from([50, 95, 99]))
@settings(max_examples=150, deadline=None)
def test_a_percentile_is_a_measured_value_with_enough_others_below_it(
    values: list[int], percent: int
) -> None:
    found = percentile_ms(sorted(values), percent)
    assert found is not None
    at = round(found * 1_000_000)
    assert at in values
    assert sum(value <= at for value in values) >= math.ceil(percent * len(values) / 100)
    assert sum(value < at for value in values) < math.ceil(percent * len(values) / 100)


@given(st.lists(st.integers(0, 10_000), max_size=40), st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_the_numbers_of_any_turn_agree_with_each_other(stamps: list[int], rest: int) -> None:
    script = Script()
    for stamp in sorted(stamps):
        script.read(stamp).chunk(stamp)
    last = max(stamps, default=0)
    metrics = script.finish(last).end(last + rest)
    assert metrics.stream_chunks == len(stamps) == len(metrics.chunk_offsets_ms)
    assert metrics.latency_ms is not None
    assert metrics.latency_ms <= metrics.duration_ms
    if stamps:
        assert metrics.first_token_ms == metrics.chunk_offsets_ms[0] == min(stamps)
        assert metrics.last_content_ms == metrics.chunk_offsets_ms[-1] == last
        assert metrics.generation_ms == last - min(stamps)
    if len(stamps) > 1:
        gaps = (metrics.gap_p50_ms, metrics.gap_p95_ms, metrics.gap_p99_ms, metrics.gap_max_ms)
        assert all(gap is not None for gap in gaps)
        assert sorted(gap for gap in gaps if gap is not None) == list(gaps)
