"""A check on a time says where its outcome hangs on what this machine may have done to it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from support.checking import check, turn
from turnwire.checks.contract import TurnRecord
from turnwire.watching import ClientEffect, Pause

pytestmark = pytest.mark.anyio

SAID = "because of this machine: that decides it"


def held_up(*pauses: tuple[float, float]) -> TurnRecord:
    """Chunks at 300, 400 and 600 ms, sent at the start, by a client with these pauses."""
    record = turn((300.0, "aaaaa"), (400.0, "bbbbb"), (600.0, "ccccc"), events=[("tool", 300.0)])
    metrics = attrs.evolve(record.reply.metrics, sent_ms=0.0)
    effect = ClientEffect.of(metrics, [Pause(*one) for one in pauses])
    reply = attrs.evolve(record.reply, metrics=metrics)
    return attrs.evolve(record, reply=reply, client=effect)


FIRST = held_up((240.0, 299.5))
LAST = held_up((520.0, 599.5))


@pytest.mark.parametrize(
    ("raw", "record", "passed"),
    [
        ({"first_token_ms": 280}, FIRST, False),
        ({"event_within": {"name": "tool", "ms": 280}}, FIRST, False),
        ({"latency_ms": 550}, LAST, False),
        ({"max_gap_ms": 180}, LAST, False),
        ({"gap_ms": 180}, LAST, False),
        # The first chunk may have come earlier, and the gap after it have been longer.
        ({"max_gap_ms": 210}, held_up((340.0, 399.5)), True),
        ({"chars_per_s": 60}, LAST, False),
        ({"first_token_ms": {"max": 280}, "not": True}, FIRST, True),
    ],
    ids=str,
)
async def test_where_it_decides_it_is_said(
    raw: dict[str, Any], record: TurnRecord, passed: bool
) -> None:
    result = await check(raw, record)
    assert result.passed is passed
    assert SAID in result.actual


@pytest.mark.parametrize(
    ("raw", "record"),
    [
        ({"first_token_ms": 100}, FIRST),
        ({"first_token_ms": 400}, FIRST),
        ({"latency_ms": 580}, FIRST),
        ({"max_gap_ms": 50}, LAST),
        ({"first_token_ms": 280}, held_up()),
        ({"first_token_ms": 280}, turn((300.0, "a"))),
    ],
    ids=str,
)
async def test_where_it_decides_nothing_it_is_not(raw: dict[str, Any], record: TurnRecord) -> None:
    assert SAID not in (await check(raw, record)).actual


async def test_a_percentile_over_a_suite_says_so_too() -> None:
    raw = {"percentiles": {"metric": "firstTokenMs", "max": 280, "minSamples": 2}}
    clean = held_up()
    assert SAID in (await check(raw, FIRST, FIRST, FIRST)).actual
    # One of three is spoilt; the 95th percentile is one of the others all the same.
    assert SAID not in (await check(raw, FIRST, clean, clean)).actual


async def test_a_stream_that_was_read_in_one_piece_names_the_machine() -> None:
    result = await check({"streams": {"minArrivals": 5}}, LAST)
    assert not result.passed
    assert "off by up to 80 ms because of this machine" in result.actual
