"""orjson and the standard library, where they differ and where they must not."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.replies import Reading
from turnwire_core.paths import MISSING
from turnwire_core.reader.parsing import is_rounded, parse_json, parse_quickly

pytest.importorskip("orjson")

LARGE = 2**64 + 1

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(codec=None), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types all the way down."""
    if type(one) is not type(other):
        return False
    match one:
        case dict():
            return list(one) == list(other) and all(same(one[k], other[k]) for k in one)
        case list():
            return len(one) == len(other) and all(map(same, one, other))
        case float() if math.isnan(one):
            return math.isnan(other)
    return bool(one == other)


def agree(text: str) -> bool:
    quick, exact = parse_quickly(text), parse_json(text)
    return same(quick, exact) or is_rounded(quick)


@settings(max_examples=300, deadline=None)
@given(_VALUES, st.booleans(), st.sampled_from([None, 0, 1]))
def test_they_read_the_same_out_of_all_json(value: Any, escaped: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=escaped, indent=indent)
    assert agree(text)
    assert same(parse_json(text), json.loads(text))


@settings(max_examples=300, deadline=None)
@given(
    _VALUES,
    st.lists(
        st.tuples(
            st.integers(0, 300), st.sampled_from('{}[]",:\\ \t\n\0\x7f\ufeff0-+.eE1tu9\ud800')
        ),
        max_size=4,
    ),
)
def test_they_read_the_same_out_of_what_is_nearly_json(
    value: Any, changes: list[tuple[int, str]]
) -> None:
    text = json.dumps(value)
    for place, inserted in changes:
        at = place % (len(text) + 1)
        text = text[:at] + inserted + text[at:]
    assert agree(text)


@settings(max_examples=300, deadline=None)
@given(st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?", fullmatch=True))
@example("-0")
@example("1e400")
@example("9223372036854775808")
def test_they_agree_on_numbers_or_say_that_they_may_not(text: str) -> None:
    assert agree(text)


@pytest.mark.parametrize("text", ["", " ", "{", "nul", "[1,]", "{'a': 1}", "1 2", "\ufeff1", "a"])
def test_what_is_no_json_is_missing(text: str) -> None:
    assert parse_quickly(text) is MISSING
    assert parse_json(text) is MISSING


@pytest.mark.parametrize("text", [" 1", "1\n", "\t[1] \r\n"])
def test_white_space_around_a_value_is_allowed(text: str) -> None:
    assert same(parse_quickly(text), json.loads(text))
    assert same(parse_json(text), json.loads(text))


def test_depth_is_no_difference_up_to_some_hundred_levels() -> None:
    text = "[" * 400 + "]" * 400
    assert same(parse_quickly(text), parse_json(text))
    for parser in (parse_quickly, parse_json):
        assert parser("[" * 100_000) is MISSING


def test_a_large_integer_is_captured_as_it_was_sent() -> None:
    rules = {"contentPath": "text", "capture": {"ticket": "id"}, "usagePath": "usage"}
    read = Reading(rules).read({"text": "a", "id": LARGE, "usage": {"tokens": [LARGE, 2]}})
    assert read.reader.captured == {"ticket": LARGE}
    assert type(read.reader.captured["ticket"]) is int
    assert read.reader.usage == {"tokens": [LARGE, 2]}


@pytest.mark.parametrize(
    "rules",
    [
        {"finishPath": "n", "finishValue": LARGE},
        {"finish": [{"when": {"n": [LARGE, "x"]}}]},
        {"finish": [{"path": "done", "unless": {"n": LARGE - 1}}]},
    ],
)
def test_a_rule_may_name_a_large_integer(rules: dict[str, Any]) -> None:
    reading = Reading({"contentPath": "text", **rules})
    assert reading.read({"n": LARGE - 1, "text": "a"}).finished_at is None
    assert reading.read({"n": LARGE, "text": "a", "done": 1}).finished_at == 0


def test_an_error_shows_a_large_integer_as_it_was_sent() -> None:
    read = Reading({"contentPath": "text"}).read({"error": {"code": LARGE}})
    assert read.error == f'{{"code": {LARGE}}}'
