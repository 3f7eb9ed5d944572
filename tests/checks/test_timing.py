"""Checks on the times of a turn, with scripted clocks."""

from __future__ import annotations

from typing import Any

import pytest

from support.checking import check, turn, written
from turnwire.checks.contract import CheckError, TurnRecord
from turnwire.checks.timing import nearest_rank
from turnwire_core import Verdict
from turnwire_core.config import Findings

pytestmark = pytest.mark.anyio


def even(count: int = 5, every_ms: float = 100.0, first_ms: float = 300.0) -> TurnRecord:
    """A reply of ten characters a chunk."""
    pieces = [(first_ms + every_ms * index, "0123456789") for index in range(count)]
    return turn(*pieces, finished_ms=first_ms + every_ms * count)


BURST = turn((500.0, "all of it at once"))
SILENT = turn(verdict=Verdict.STALLED)
CUT = turn((100.0, "half a "), (200.0, "rep"), verdict=Verdict.CLOSED_WITHOUT_FINISH)


@pytest.mark.parametrize(
    ("raw", "record"),
    [
        ({"first_token_ms": 300}, even()),
        ({"firstTokenMs": {"max": 300}}, even()),
        ({"first_token_ms": 100}, CUT),
        ({"latency_ms": 800}, even()),
        ({"max_gap_ms": 100}, even()),
        ({"max_gap_ms": 1}, BURST),
        ({"gap_ms": 100}, even()),
        ({"gap_ms": {"percentile": 50, "max": 10}}, turn((1, "a"), (2, "b"), (3, "c"), (900, "d"))),
        ({"gap_ms": 1}, BURST),
        ({"min_chunks": 5}, even()),
        ({"chars_per_s": 125}, even()),
        ({"chars_per_s": {"min": 100, "max": 125}}, even()),
        ({"chars_per_s": 1_000_000}, BURST),
        ({"verdict": "finished"}, even()),
        ({"verdict": ["stalled", "timed_out"]}, SILENT),
        ({"verdict": "finished", "not": True}, CUT),
    ],
    ids=str,
)
async def test_holds(raw: dict[str, Any], record: TurnRecord) -> None:
    result = await check(raw, record)
    assert result.passed, result


@pytest.mark.parametrize(
    ("raw", "record", "expected", "actual"),
    [
        ({"first_token_ms": 299}, even(), "at most 299 ms", "300 ms"),
        (
            {"first_token_ms": 1000},
            SILENT,
            "at most 1000 ms",
            "no text came; the turn ended stalled",
        ),
        (
            {"latency_ms": 1000},
            CUT,
            "at most 1000 ms",
            "it never finished; the turn ended closed_without_finish",
        ),
        ({"max_gap_ms": 99.5}, even(), "at most 99.5 ms", "100 ms"),
        ({"max_gap_ms": 99}, SILENT, "at most 99 ms", "no text came; the turn ended stalled"),
        ({"gap_ms": 99}, even(), "p95 of the gaps at most 99 ms", "p95 of the gaps 100 ms"),
        ({"gap_ms": 99}, SILENT, "p95 of the gaps", "no text came"),
        ({"min_chunks": 6}, even(), "at least 6 chunks", "5 chunks"),
        ({"min_chunks": 1}, SILENT, "at least 1 chunks", "0 chunks"),
        ({"chars_per_s": 126}, even(), "at least 126 characters per second", "125 characters"),
        ({"chars_per_s": {"max": 9999}}, BURST, "at most 9999", "unboundedly many characters"),
        ({"chars_per_s": 1}, SILENT, "at least 1", "no text came"),
        ({"verdict": "finished"}, CUT, "finished", "closed_without_finish"),
        ({"verdict": ["stalled", "timed_out"]}, CUT, "stalled or timed_out", "closed_without"),
    ],
    ids=str,
)
async def test_does_not_hold_and_says_why(
    raw: dict[str, Any], record: TurnRecord, expected: str, actual: str
) -> None:
    result = await check(raw, record)
    assert not result.passed
    assert expected in result.expected
    assert actual in result.actual


@pytest.mark.parametrize(
    "raw",
    [
        {"first_token_ms": 0},
        {"first_token_ms": True},
        {"latency_ms": "soon"},
        {"gap_ms": {"max": 5, "percentile": 0}},
        {"gap_ms": {"max": 5, "percentile": 101}},
        {"chars_per_s": True},
        {"min_chunks": {"max": 3}},
        {"verdict": "finishd"},
        {"verdict": []},
        {"streams": {"minArrivals": 1}},
        {"streams": {"maxBurstShare": 0}},
        {"streams": {"minSpreadShare": 1}},
        {"streams": {"minSpreadMs": -1}},
        {"percentiles": {"metric": "firstTokenMs", "max": 5, "p": 0}},
        {"percentiles": {"metric": "firstTokenMs", "max": 5, "minSamples": 0}},
        {"percentiles": {"metric": "first", "max": 5}},
    ],
    ids=str,
)
def test_what_says_nothing_is_refused_when_it_is_read(raw: dict[str, Any]) -> None:
    with pytest.raises(Findings):
        written(raw)


async def test_a_verdict_is_shown_with_its_reason() -> None:
    rejected = turn(verdict=Verdict.REJECTED, error="The target answered 401.")
    result = await check({"verdict": "finished"}, rejected)
    assert result.actual == "rejected: The target answered 401."


async def test_over_all_replies_each_is_held_to_the_bound() -> None:
    raw = {"first_token_ms": 350, "scope": "assistant"}
    result = await check(raw, even(), even(first_ms=400.0), even())
    assert not result.passed
    assert result.actual == "reply 2 of 3: 400 ms"


@pytest.mark.parametrize("kind", ["first_token_ms", "gap_ms", "min_chunks"])
@pytest.mark.parametrize("scope", ["last", "assistant", "transcript"])
async def test_without_a_reply_there_is_nothing_to_check(kind: str, scope: str) -> None:
    with pytest.raises(CheckError, match="no reply yet"):
        await check({kind: 5, "scope": scope})


# --- streams --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "record",
    [
        even(),
        even(count=3, every_ms=1.0, first_ms=2.0),
        turn((900.0, "a"), (950.0, "b"), (1000.0, "c")),
        # Slow in the middle, and still on the way all the time.
        turn((10.0, "ab"), (300.0, "cd"), (900.0, "ef"), (1000.0, "gh")),
    ],
    ids=["even", "fast", "late", "uneven"],
)
async def test_text_that_comes_spread_over_time_streams(record: TurnRecord) -> None:
    result = await check({"streams": True}, record)
    assert result.passed, result


@pytest.mark.parametrize(
    ("record", "actual"),
    [
        (BURST, "1 arrival of 1 chunk, spread over 0 ms"),
        # Ten events that a proxy held back: one read, one stamp.
        (turn(*[(500.0, "text")] * 10), "1 arrival of 10 chunks, spread over 0 ms"),
        # The same in several reads, one right after the other.
        (
            turn(*[(500.0 + index * 0.5, "text") for index in range(10)]),
            "spread over 4.5 ms (1% of 504.5 ms)",
        ),
        # A first word at once, and the rest in a burst at the end, in however many reads.
        (
            turn((10.0, "Hi"), *[(2000.0 + index, "more text") for index in range(10)]),
            "98% of the text in a quarter of it",
        ),
        # All at the beginning, and a straggler.
        (
            turn(*[(10.0 + index, "much text") for index in range(10)], (2000.0, ".")),
            "99% of the text",
        ),
        (turn((10.0, "a"), (500.0, "b")), "2 arrivals of 2 chunks"),
        (SILENT, "no text came; the turn ended stalled"),
    ],
    ids=["whole", "one read", "late burst", "first word", "straggler", "two", "silent"],
)
async def test_a_burst_does_not_stream_and_the_numbers_say_why(
    record: TurnRecord, actual: str
) -> None:
    result = await check({"streams": True}, record)
    assert not result.passed
    assert actual in result.actual


async def test_the_bounds_of_streaming_can_be_set() -> None:
    record = turn((10.0, "a"), (500.0, "b"))
    assert (await check({"streams": {"minArrivals": 2, "minSpreadMs": 490}}, record)).passed
    assert not (await check({"streams": {"minArrivals": 2, "minSpreadMs": 491}}, record)).passed
    assert not (await check({"streams": {"minSpreadShare": 0.9}}, even())).passed
    assert not (await check({"streams": {"maxBurstShare": 0.2}}, even())).passed


async def test_streaming_cannot_be_judged_without_the_chunks() -> None:
    without = TurnRecord("Hello", even().reply)
    with pytest.raises(CheckError, match="0 of its 5 chunks") as caught:
        await check({"streams": True}, without)
    assert caught.value.kind == "plugin"


# --- percentiles ----------------------------------------------------------------------------


async def test_a_percentile_over_a_suite_is_a_time_that_was_measured() -> None:
    turns = [even(first_ms=float(ms)) for ms in range(101, 121)]
    raw = {"percentiles": {"metric": "firstTokenMs", "max": 119}}
    result = await check(raw, *turns)
    assert result.passed
    assert result.expected == "p95 of firstTokenMs at most 119 ms"
    assert result.actual == "119 ms, of 20 turns"
    raw["percentiles"]["max"] = 118
    assert not (await check(raw, *turns)).passed


async def test_too_few_samples_are_an_error_and_no_pass() -> None:
    raw = {"percentiles": {"metric": "latencyMs", "max": 10_000}}
    turns = [even()] * 19 + [CUT] * 5
    message = r"wants 20 samples, and there are 19 turns \(5 more without it\)"
    with pytest.raises(CheckError, match=message) as caught:
        await check(raw, *turns)
    assert caught.value.kind == "config"
    raw["percentiles"]["minSamples"] = 19
    assert (await check(raw, *turns)).actual == "800 ms, of 19 turns (5 more without it)"


async def test_no_turn_at_all_is_too_few() -> None:
    raw = {"percentiles": {"metric": "maxGapMs", "max": 1, "minSamples": 1}}
    with pytest.raises(CheckError, match="there are 0 turns"):
        await check(raw)


@pytest.mark.parametrize(
    ("percent", "value"), [(1, 1), (50, 10), (55, 11), (95, 19), (95.1, 20), (100, 20)]
)
def test_a_nearest_rank_is_the_smallest_value_with_enough_at_or_below(
    percent: float, value: float
) -> None:
    assert nearest_rank([float(one) for one in range(20, 0, -1)], percent) == value
