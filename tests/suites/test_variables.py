"""Variables: generators, values made of others, and that what is drawn can be drawn again."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire.suites.variables import compile_variable, draw_variables, order_of
from turnwire_core.config import Findings

NOW = dt.datetime(2026, 2, 27, 23, 30, tzinfo=dt.UTC)
VALUES = {"connection": "bot", "test": "shop::a[bot]", "env.USER": "somebody"}


def draw(variables: dict[str, Any], key: str = "1") -> dict[str, Any]:
    return draw_variables(variables, key=key, now=NOW, values=VALUES)


def test_each_generator_draws_what_it_says() -> None:
    drawn = draw(
        {
            "id": {"$uuid": True},
            "dice": {"$randomInt": {"min": -2, "max": 2}},
            "today": {"$date": {}},
            "later": {"$date": {"days": 2, "format": "%d.%m.%Y"}},
            "before": {"$date": {"days": -27}},
            "colour": {"$choice": ["red", {"deep": {"$uuid": True}}]},
            "moment": {"$now": True},
            "kept": {"$literal": {"$uuid": "{{variables.nothing}}"}},
        }
    )
    assert uuid.UUID(drawn["id"]).version == 4
    assert -2 <= drawn["dice"] <= 2
    assert (drawn["today"], drawn["later"], drawn["before"]) == (
        "2026-02-27",
        "01.03.2026",
        "2026-01-31",
    )
    assert drawn["colour"] == "red" or uuid.UUID(drawn["colour"]["deep"])
    assert drawn["moment"] == "2026-02-27T23:30:00.000+00:00"
    assert drawn["kept"] == {"$uuid": "{{variables.nothing}}"}


def test_a_value_may_be_made_of_others_in_any_order() -> None:
    drawn = draw(
        {
            "greeting": "Hi {{variables.account.name}} over {{connection}}, {{env.USER}}",
            "account": {"name": "{{variables.name}}", "tags": ["{{variables.n}}", "\\{{x}}"]},
            "name": "Ann",
            "n": 3,
        }
    )
    assert drawn["greeting"] == "Hi Ann over bot, somebody"
    assert drawn["account"] == {"name": "Ann", "tags": [3, "{{x}}"]}
    assert list(drawn) == ["greeting", "account", "name", "n"]


def test_a_new_variable_changes_nothing_that_others_draw() -> None:
    one = draw({"id": {"$uuid": True}})
    two = draw({"other": {"$uuid": True}, "id": {"$uuid": True}})
    assert one["id"] == two["id"] != two["other"]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"$uid": True}, "no generator '$uid'"),
        ({"$uuid": 1}, "Expected true"),
        ({"$uuid": True, "more": 1}, "has no other key beside it"),
        ({"$randomInt": 6}, "Expected an object"),
        ({"$randomInt": {"min": 1}}, "needs 'min' and 'max'"),
        ({"$randomInt": {"min": 1, "max": True}}, "needs 'min' and 'max'"),
        ({"$randomInt": {"min": 3, "max": 1}}, "'min' is 3"),
        ({"$randomInt": {"min": 1, "max": 2, "step": 1}}, "Unknown key 'step'"),
        ({"$date": {"days": 1.5}}, "whole number of days"),
        ({"$date": {"days": 10**9}}, "More than"),
        ({"$date": {"format": ""}}, "Expected a format"),
        ({"$choice": []}, "something in it"),
        ({"$choice": [{"$nope": True}]}, "no generator '$nope'"),
        ({"deep": ["{{reply}}"]}, "Unknown placeholder"),
        ({"{{variables.x}}": 1}, "A key holds no placeholders"),
    ],
)
def test_what_is_written_wrong_is_found(raw: Any, message: str) -> None:
    with pytest.raises(Findings) as caught:
        compile_variable(raw)
    assert message in "\n".join(finding.message for finding in caught.value.findings)


def test_a_variable_made_of_itself_is_found() -> None:
    compiled = {
        name: compile_variable(f"{{{{variables.{needed}}}}}")
        for name, needed in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "e"))
    }
    with pytest.raises(Findings) as caught:
        order_of(compiled)
    messages = {finding.message for finding in caught.value.findings}
    assert "It is made of itself: a → b → c → a." in messages
    assert "There is no variable 'e'." in messages


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_characters="{$")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_characters="{$")), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(PLAIN)
def test_plain_data_stays_as_it_is(value: Any) -> None:
    assert draw({"x": value}) == {"x": value}


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=20), st.integers(-1000, 1000), st.integers(0, 1000))
def test_equal_keys_draw_equal_values_within_their_bounds(key: str, low: int, width: int) -> None:
    variables = {
        "n": {"$randomInt": {"min": low, "max": low + width}},
        "id": {"$uuid": True},
        "c": {"$choice": [1, 2, 3]},
    }
    drawn = draw(variables, key)
    assert drawn == draw(variables, key)
    assert low <= drawn["n"] <= low + width
    assert drawn["c"] in (1, 2, 3)
    assert re.fullmatch(r"[0-9a-f-]{36}", drawn["id"])


def test_other_keys_draw_other_values() -> None:
    assert len({draw({"id": {"$uuid": True}}, str(key))["id"] for key in range(50)}) == 50
