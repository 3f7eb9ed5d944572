"""Checks on what was said: what holds, what does not, and what is shown of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.checking import check, context_of, turn, written
from turnwire.checks.contract import CheckContext, CheckError
from turnwire.checks.texts import (
    LONGEST_SEARCHED,
    Contains,
    ContainsOptions,
    Equals,
    EqualsOptions,
    IContains,
)
from turnwire_core import Verdict
from turnwire_core.config import Findings

pytestmark = pytest.mark.anyio

REPLY = "Your refund of 30 euros is on its way.\nIt takes five days."


@pytest.mark.parametrize(
    "raw",
    [
        {"equals": REPLY},
        {"equals": REPLY.upper(), "ignoreCase": True},
        {"contains": "refund"},
        {"contains": ["refund", "five days"]},
        {"contains": {"any": ["never", "refund"]}},
        {"contains": {"none": "sorry"}},
        {"contains": "sorry", "not": True},
        {"icontains": "REFUND"},
        {"icontains": {"none": ["SORRY"], "any": "DAYS"}},
        {"starts_with": "Your refund"},
        {"startsWith": ["My", "Your"]},
        {"starts_with": "YOUR", "ignoreCase": True},
        {"ends_with": "days."},
        {"regex": r"\b\d+ euros\b"},
        {"regex": r"^it takes", "multiline": True, "ignoreCase": True},
        {"regex": "way.+days", "dotAll": True},
        {"regex": {"pattern": "Your.*days[.]", "whole": True, "dotAll": True}},
        {"length": 100},
        {"length": {"min": 10, "max": 100}},
        {"length": {"min": 13, "max": 13, "words": True}},
    ],
    ids=str,
)
async def test_holds(raw: dict[str, Any]) -> None:
    result = await check(raw, REPLY)
    assert result.passed, result


@pytest.mark.parametrize(
    ("raw", "expected", "actual"),
    [
        (
            {"equals": "Your refund of 31 euros"},
            '"Your refund of 31 euros"',
            "which parts at character 17",
        ),
        ({"contains": "apology"}, 'a text with "apology"', 'days.", without "apology"'),
        (
            {"contains": ["refund", "apology", "regret"]},
            '"refund", "apology" and "regret"',
            'without "apology" and "regret"',
        ),
        (
            {"contains": {"any": ["apology", "regret"]}},
            'any of "apology" or "regret"',
            'without "apology" or "regret"',
        ),
        ({"contains": {"none": ["refund"]}}, 'none of "refund"', 'with "refund"'),
        ({"contains": "refund", "not": True}, 'not: a text with "refund"', '"Your refund of'),
        ({"contains": "REFUND"}, '"REFUND"', 'without "REFUND"'),
        ({"icontains": "APOLOGY"}, '"APOLOGY"', 'without "APOLOGY"'),
        ({"starts_with": ["My", "Our"]}, 'begins with "My" or "Our"', '"Your refund'),
        ({"ends_with": "weeks."}, 'ends with "weeks."', 'five days."'),
        ({"regex": r"\d+ dollars"}, r'a match of "\\d+ dollars"', '"Your refund'),
        ({"regex": {"pattern": "refund", "whole": True}}, "a whole text that", '"Your refund'),
        ({"length": 20}, "at most 20 characters", "58 characters: "),
        ({"length": {"min": 20, "words": True}}, "at least 20 words", "13 words: "),
        ({"length": {"min": 1, "max": 3, "words": True}}, "1 to 3 words", "13 words: "),
    ],
    ids=str,
)
async def test_does_not_hold_and_says_why(raw: dict[str, Any], expected: str, actual: str) -> None:
    result = await check(raw, REPLY)
    assert not result.passed
    assert expected in result.expected
    assert actual in result.actual


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ({"contains": ""}, "An empty text is in every text"),
        ({"contains": True}, "one of all, any, none"),
        ({"starts_with": ""}, "An empty text begins and ends every text"),
        ({"ends_with": []}, "An empty text begins and ends every text"),
        ({"regex": "(a"}, "This is no pattern: missing ), unterminated subpattern"),
        ({"length": True}, "min, max or both"),
        ({"length": {"min": 3, "max": 2}}, "'min' is more than 'max'"),
        ({"length": -1}, "not negative"),
        ({"equals": 3}, "Expected text"),
    ],
    ids=str,
)
async def test_what_could_never_be_judged_is_refused_when_it_is_read(
    raw: dict[str, Any], problem: str
) -> None:
    with pytest.raises(Findings) as caught:
        written(raw)
    assert problem in caught.value.findings[0].message


@pytest.mark.parametrize("kind", ["equals", "contains", "starts_with", "regex"])
@pytest.mark.parametrize("scope", ["last", "assistant", "transcript"])
async def test_without_a_reply_there_is_nothing_to_check(kind: str, scope: str) -> None:
    with pytest.raises(CheckError, match="no reply yet") as caught:
        await check({kind: "x", "scope": scope, "not": True})
    assert caught.value.kind == "config"


async def test_the_last_reply_is_what_is_looked_at_by_default() -> None:
    assert (await check({"contains": "two"}, "one", "two")).passed
    assert not (await check({"contains": "one"}, "one", "two")).passed


async def test_of_all_replies_it_must_hold_of_each() -> None:
    raw = {"contains": "euro", "scope": "assistant"}
    assert (await check(raw, "one euro", "two euros")).passed
    result = await check(raw, "one euro", "two dollars", "three pounds")
    assert not result.passed
    assert result.actual.startswith('reply 2 of 3: "two dollars"')


async def test_turned_round_over_all_replies_it_must_hold_of_none() -> None:
    raw = {"contains": "sorry", "scope": "assistant", "not": True}
    assert (await check(raw, "fine", "well")).passed
    result = await check(raw, "sorry", "well")
    assert not result.passed
    assert result.actual == 'reply 1 of 2: "sorry"'


async def test_the_transcript_is_what_both_sides_said() -> None:
    raw = {"contains": ["user: Where?", "assistant: Here."], "scope": "transcript"}
    assert (await check(raw, turn("Here.", message="Where?"))).passed


async def test_a_transcript_without_a_good_turn_is_what_had_arrived() -> None:
    broken = turn("half a rep", verdict=Verdict.STALLED)
    raw = {"contains": "half a rep", "scope": "transcript"}
    assert (await check(raw, broken)).passed


async def test_of_long_texts_the_place_where_they_part_is_shown() -> None:
    result = await check({"equals": "a" * 5000 + "Y" + "b" * 5000}, "a" * 5000 + "X" + "b" * 5000)
    assert not result.passed
    assert "aXb" in result.actual
    assert "aYb" in result.expected
    assert max(len(result.actual), len(result.expected)) < 400


async def test_of_a_long_text_the_place_nearest_to_a_phrase_is_shown() -> None:
    reply = "-" * 3000 + "a refund of 31 euros" + "-" * 3000
    result = await check({"contains": "refund of 30 euros"}, reply)
    assert not result.passed
    assert "refund of 31 euros" in result.actual
    assert len(result.actual) < 400


async def test_a_pattern_is_not_tried_on_a_text_without_end() -> None:
    with pytest.raises(CheckError, match="searches at most"):
        await check({"regex": "x"}, "a" * (LONGEST_SEARCHED + 1))


async def test_control_characters_of_a_target_are_written_out() -> None:
    result = await check({"equals": "plain"}, "\x1b[2Jplain\x07")
    assert "\x1b" not in result.actual
    assert "\\u001b[2Jplain\\u0007" in result.actual


texts = st.text(max_size=400)


@settings(max_examples=60, deadline=None)
@given(text=texts, other=texts)
def test_equals_holds_of_the_same_text_and_of_no_other(text: str, other: str) -> None:
    result = _run(Equals().evaluate(EqualsOptions(text), _context(other)))
    assert result.passed is (text == other)
    assert max(len(result.actual), len(result.expected)) < 2600


@settings(max_examples=60, deadline=None)
@given(before=texts, phrase=st.text(min_size=1, max_size=30), after=texts)
def test_contains_finds_a_phrase_wherever_it_stands(before: str, phrase: str, after: str) -> None:
    context = _context(before + phrase + after)
    for kind in (Contains(), IContains()):
        assert _run(kind.evaluate(ContainsOptions(all=(phrase,)), context)).passed
        assert not _run(kind.evaluate(ContainsOptions(none=(phrase,)), context)).passed


def _context(text: str) -> CheckContext:
    return context_of(turn(text) if text else turn())


def _run(evaluation: Any) -> Any:
    """What a coroutine returns that waits for nothing: Hypothesis knows no async tests."""
    with pytest.raises(StopIteration) as stopped:
        evaluation.send(None)
    return stopped.value.value
