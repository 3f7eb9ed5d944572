"""Likeness of texts without a model: deterministic, and with bounds that can be told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.checking import check, written
from turnwire.checks.contract import CheckError
from turnwire.checks.similarity import by_characters, by_words
from turnwire_core.config import Findings

pytestmark = pytest.mark.anyio


async def test_the_same_words_in_another_order_are_alike() -> None:
    raw = {"similarity": "The refund takes five days."}
    result = await check(raw, "five days, the refund takes")
    assert result.passed
    assert result.score == 1.0


async def test_other_words_are_not_and_the_score_is_shown() -> None:
    result = await check({"similarity": {"to": "one two three four"}}, "one two nine ten")
    assert not result.passed
    assert result.score == pytest.approx(0.5)
    assert result.actual == '0.5: "one two nine ten"'
    assert result.expected == 'a similarity of 0.8 or more to "one two three four"'


async def test_of_several_the_nearest_counts() -> None:
    raw = {"similarity": {"to": ["good bye", "hello there"], "min": 0.9}}
    assert (await check(raw, "Hello there!")).passed


async def test_over_all_replies_the_least_alike_counts() -> None:
    raw = {"similarity": "good day", "scope": "assistant"}
    result = await check(raw, "good day", "no way")
    assert not result.passed
    assert result.actual == '0: "no way"'


async def test_by_characters_the_order_counts() -> None:
    raw: dict[str, Any] = {"similarity": {"to": "colour", "by": "characters", "min": 0.9}}
    assert (await check(raw, "color")).passed
    assert not (await check(raw, "ruoloc")).passed
    with pytest.raises(CheckError, match="too long to compare by characters"):
        await check(raw, "x" * 5001)


@pytest.mark.parametrize("options", [{"to": "x", "min": 1.5}, {"to": " "}, {"to": []}, {}])
def test_what_says_nothing_is_refused_when_it_is_read(options: dict[str, Any]) -> None:
    with pytest.raises(Findings):
        written({"similarity": options})


texts = st.text(alphabet="abc é.-", max_size=40)


@settings(max_examples=100, deadline=None)
@given(one=texts, other=texts)
def test_a_similarity_is_symmetric_within_bounds_and_full_for_the_same(
    one: str, other: str
) -> None:
    assert by_words(one, other) == pytest.approx(by_words(other, one))
    for compare in (by_words, by_characters):
        assert 0 <= compare(one, other) <= 1
        assert compare(one, one) == 1
