"""Checks on the events of a reply: their order, their time, and that none is an error."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from support.checking import check, turn, written
from turnwire.checks.replies import VerdictName
from turnwire_core import Verdict
from turnwire_core.config import Findings

pytestmark = pytest.mark.anyio

LOOKUP = {"type": "tool_call", "name": "lookup", "args": {"id": 7}}
REFUND = {"type": "tool_call", "name": "refund"}
RECORD = turn(
    "done",
    events=[
        ("start", 5.0, {"type": "start"}),
        ("tool_call", 40.0, LOOKUP),
        ("tool_call", 80.0, REFUND),
        ("delta", 120.0, {"text": "do"}),
        ("delta", 130.0, {"text": "ne"}),
        ("end", 150.5),
    ],
)


@pytest.mark.parametrize(
    "raw",
    [
        {"events": ["start", "end"]},
        {"events": "tool_call"},
        {"events": ["tool_call", "tool_call", "delta"]},
        {"events": [{"name": "lookup"}, {"type": "tool_call", "name": "refund"}]},
        {"events": [{"$event": "tool_call", "args.id": 7}]},
        {"events": {"order": ["start", "tool_call", "delta", "end"], "exact": True}},
        {"events": {"none": ["error", {"name": "delete_account"}]}},
        {"events": ["end", "start"], "not": True},
        {"event_within": {"name": "end", "ms": 150.5}},
        {"event_within": {"name": "delta", "ms": 120}},
        {"no_error_event": True},
    ],
    ids=str,
)
async def test_holds(raw: dict[str, Any]) -> None:
    result = await check(raw, RECORD)
    assert result.passed, result


NAMES = "[start, tool_call ×2, delta ×2, end]"


@pytest.mark.parametrize(
    ("raw", "expected", "actual"),
    [
        (
            {"events": ["delta", "tool_call"]},
            '"delta", then "tool_call"',
            f'no "tool_call" after "delta", in {NAMES}',
        ),
        (
            {"events": [{"name": "refund"}, {"name": "lookup"}]},
            '{"name": "refund"}, then {"name": "lookup"}',
            f'no {{"name": "lookup"}} after {{"name": "refund"}}, in {NAMES}',
        ),
        ({"events": ["nothing"]}, '"nothing"', f'no "nothing", in {NAMES}'),
        (
            {"events": {"order": ["start", "delta", "end"], "exact": True}},
            'exactly "start", then "delta", then "end"',
            f"'tool_call' at place 2, of {NAMES}",
        ),
        (
            {"events": {"none": [{"name": "refund"}]}},
            'no {"name": "refund"}',
            f'{{"name": "refund"}} after 80 ms, in {NAMES}',
        ),
        ({"event_within": {"name": "end", "ms": 150}}, "'end' within 150 ms", "after 150.5 ms"),
        ({"event_within": {"name": "x", "ms": 150}}, "'x' within 150 ms", "it did not come"),
    ],
    ids=str,
)
async def test_does_not_hold_and_says_why(raw: dict[str, Any], expected: str, actual: str) -> None:
    result = await check(raw, RECORD)
    assert not result.passed
    assert result.expected == expected
    assert actual in result.actual


@pytest.mark.parametrize(
    "raw",
    [
        {"events": True},
        {"events": [3]},
        {"events": [""]},
        {"events": [{}]},
        {"events": [{"a..b": 1}]},
        {"events": {"exact": True, "none": ["x"]}},
        {"event_within": {"name": "x"}},
        {"event_within": "x"},
        {"no_error_event": False},
    ],
    ids=str,
)
def test_what_says_nothing_is_refused_when_it_is_read(raw: dict[str, Any]) -> None:
    with pytest.raises(Findings):
        written(raw)


async def test_an_error_by_the_connections_rules_is_an_error_event() -> None:
    broken = turn("so far", verdict=Verdict.ERROR_EVENT, error="overloaded")
    result = await check({"no_error_event": True}, broken)
    assert not result.passed
    assert result.actual == "overloaded"


async def test_an_event_named_error_is_one_even_after_a_good_finish() -> None:
    late = turn("fine", events=[("delta", 1.0), ("error", 20.0, {"message": "late"})])
    result = await check({"no_error_event": True}, late)
    assert not result.passed
    assert result.actual == 'an event \'error\' after 20 ms: {"message": "late"}'


async def test_many_events_are_shown_in_few_words() -> None:
    record = turn("x", events=[(f"event-{index}", float(index)) for index in range(500)])
    result = await check({"events": ["nothing"]}, record)
    assert "(500 in all)" in result.actual
    assert len(result.actual) < 400


def test_every_verdict_can_be_written() -> None:
    assert set(get_args(VerdictName)) == {verdict.value for verdict in Verdict}
