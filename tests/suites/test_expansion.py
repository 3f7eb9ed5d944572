"""From tests to cases: how many there are, that their ids are stable, and what is drawn."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.suite_files import Files, a_test
from support.suites import make_suite, make_test
from turnwire.suites.expansion import NOT_ASKED_FOR, expand
from turnwire.suites.model import Case, Suite
from turnwire_core import ConfigError
from turnwire_core.secrets import Secrets

NOW = dt.datetime(2026, 2, 27, tzinfo=dt.UTC)


def ids(suite: Suite, **more: Any) -> list[str]:
    return [case.id for case in expand(suite, seed=1, now=NOW, **more)]


def test_a_case_for_every_connection_combination_and_repetition(files: Files) -> None:
    suite = files.load(
        {
            "connections": ["a", "b"],
            "tests": [
                a_test(id="t", matrix={"city": ["Bern", "New York"], "n": [1, True]}),
                a_test(id="u", repeat=3, connections=["c"]),
            ],
        }
    )
    assert ids(suite) == [
        "shop::t[a-Bern-1]",
        "shop::t[a-Bern-true]",
        "shop::t[a-New_York-1]",
        "shop::t[a-New_York-true]",
        "shop::t[b-Bern-1]",
        "shop::t[b-Bern-true]",
        "shop::t[b-New_York-1]",
        "shop::t[b-New_York-true]",
        "shop::u[c]",
        "shop::u[c]#2",
        "shop::u[c]#3",
    ]


def test_values_are_those_of_suite_test_and_matrix_the_nearest_wins(files: Files) -> None:
    suite = files.suite_with(
        a_test(matrix={"c": [3]}, variables={"b": 2}), variables={"a": 1, "b": 1, "c": 1}
    )
    (case,) = expand(suite, seed=1)
    assert case.variables == {"a": 1, "b": 2, "c": 3}


def test_the_connection_of_a_matrix_is_no_variable(files: Files) -> None:
    suite = files.suite_with(a_test(matrix={"connection": ["x", "y"], "n": [1]}))
    cases = expand(suite, seed=1)
    assert [(case.connection, case.variables) for case in cases] == [
        ("x", {"n": 1}),
        ("y", {"n": 1}),
    ]


def test_a_value_that_cannot_stand_in_an_id_is_named_by_its_place(files: Files) -> None:
    values = [{"deep": 1}, [1], "", "…", {"$uuid": True}, "a/b", "a_b", None, "x" * 99]
    suite = files.suite_with(a_test(id="t", matrix={"v": values}))
    assert ids(suite) == [
        "shop::t[bot-v0]",
        "shop::t[bot-v1]",
        "shop::t[bot-v2]",
        "shop::t[bot-v3]",
        "shop::t[bot-v4]",
        "shop::t[bot-a_b]",
        "shop::t[bot-a_b.2]",
        "shop::t[bot-null]",
        f"shop::t[bot-{'x' * 40}]",
    ]


def test_a_secret_value_is_in_no_id() -> None:
    test = make_test("A", "Hi", matrix={"key": ("sesame-1234",)})
    suite = make_suite(test, connections=("bot",), secrets=Secrets(["sesame-1234"]))
    assert ids(suite) == ["shop::a[bot-***]"]


def test_nothing_that_is_drawn_is_in_an_id_and_the_seed_changes_only_what_is_drawn(
    files: Files,
) -> None:
    suite = files.suite_with(a_test(matrix={"n": [1, 2]}), variables={"id": {"$uuid": True}})
    one, two = expand(suite, seed=1, now=NOW), expand(suite, seed=2, now=NOW)
    assert [case.id for case in one] == [case.id for case in two]
    drawn = {case.variables["id"] for case in (*one, *two)}
    assert len(drawn) == 4
    assert [case.variables for case in expand(suite, seed=1, now=NOW)] == [
        case.variables for case in one
    ]


def test_what_a_case_draws_does_not_depend_on_the_others(files: Files) -> None:
    variables = {"id": {"$uuid": True}}
    alone = files.suite_with(a_test("B"), variables=variables)
    among = files.suite_with(a_test("A"), a_test("B", repeat=2), variables=variables)
    assert expand(alone, seed=1)[0].variables == expand(among, seed=1)[1].variables


def test_dates_are_counted_from_one_moment_in_utc(files: Files) -> None:
    suite = files.suite_with(a_test(), variables={"d": {"$date": {"days": 1}}})
    late = dt.datetime(2026, 2, 27, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-2)))
    assert expand(suite, seed=1, now=late)[0].variables == {"d": "2026-03-01"}


def test_other_connections_take_the_place_of_the_suite_s(files: Files) -> None:
    suite = files.suite_with(a_test(id="t"))
    assert ids(suite, connections=["x", "y", "x"]) == ["shop::t[x]", "shop::t[y]"]
    assert ids(suite, connections=["x"], repeat=2) == ["shop::t[x]", "shop::t[x]#2"]


def test_a_test_with_connections_of_its_own_is_skipped_over_those_not_asked_for(
    files: Files,
) -> None:
    suite = files.suite_with(a_test(id="t", connections=["x", "y"]), a_test(id="u", skip="later"))
    cases = expand(suite, seed=1, connections=["y", "z"])
    assert [(case.id, case.test.skip) for case in cases] == [
        ("shop::t[x]", NOT_ASKED_FOR),
        ("shop::t[y]", None),
        ("shop::u[y]", "later"),
        ("shop::u[z]", "later"),
    ]


def test_without_a_connection_there_is_nothing_to_run_over(files: Files) -> None:
    suite = files.load({"tests": [a_test()]})
    with pytest.raises(ConfigError, match="Which connection"):
        expand(suite, seed=1)


LABELS = st.lists(
    st.text("ab-.2_ 1", max_size=4) | st.integers(-2, 2) | st.booleans() | st.just([]),
    min_size=1,
    max_size=4,
)


@settings(max_examples=80, deadline=None)
@given(
    matrix=st.dictionaries(st.sampled_from(["m", "n"]), LABELS.map(tuple), max_size=2),
    connections=st.lists(st.sampled_from(["a", "a-b", "b"]), min_size=1, unique=True),
    repeat=st.integers(1, 3),
)
def test_ids_are_unique_and_nothing_is_left_out(
    matrix: dict[str, tuple[Any, ...]], connections: list[str], repeat: int
) -> None:
    test = attrs.evolve(make_test("A", "Hi"), matrix=matrix, repeat=repeat)
    cases = expand(make_suite(test, connections=tuple(connections)), seed=7, now=NOW)
    combinations = 1
    for values in matrix.values():
        combinations *= len(values)
    assert len(cases) == combinations * len(connections) * repeat
    assert len({case.id for case in cases}) == len(cases)
    assert all(case.id.isprintable() and " " not in case.id for case in cases)


def test_a_case_says_little_of_itself() -> None:
    suite = make_suite(make_test("A", "Hi"), connections=("bot",))
    (case,) = expand(suite, seed=1)
    assert isinstance(case, Case)
    assert repr(case) == "Case(id='shop::a[bot]', connection='bot', repetition=1)"
