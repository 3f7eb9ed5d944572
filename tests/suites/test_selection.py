"""Which cases are run: expressions, tags, what failed before, only, shards."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.suites import cases_of, make_suite, make_test
from turnwire.suites.expressions import compile_expression
from turnwire.suites.model import Case
from turnwire.suites.selection import ONLY_REASON, Selection, Shard
from turnwire_core import ConfigError


def case(name: str, *tags: str, only: bool = False, skip: str | None = None) -> Case:
    test = attrs.evolve(make_test(name, "Hi"), tags=frozenset(tags), only=only, skip=skip)
    return cases_of(make_suite(test), "demo-sse")[0]


CASES = [
    case("Opens an account", "smoke"),
    case("Closes an account", "slow", "smoke"),
    case("Asks for a refund", "slow"),
]


def names(selection: Selection, cases: list[Case] = CASES) -> list[str]:
    return [case.test.id.partition("-")[0] for case in selection.apply(cases)]


@pytest.mark.parametrize(
    ("keyword", "expected"),
    [
        ("account", ["opens", "closes"]),
        ("ACCOUNT and not opens", ["closes"]),
        ("refund or opens", ["opens", "asks"]),
        ("not (refund or opens)", ["closes"]),
        ("!refund", ["opens", "closes"]),
        ("not not refund", ["asks"]),
        ("opens or closes and refund", ["opens"]),
        ("shop::opens-an-account[demo-sse]", ["opens"]),
        ("demo-sse", ["opens", "closes", "asks"]),
        ("nothing", []),
    ],
)
def test_a_keyword_is_looked_for_in_ids_and_names(keyword: str, expected: list[str]) -> None:
    assert names(Selection(keyword)) == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (("smoke",), ["opens", "closes"]),
        (("smoke and !slow",), ["opens"]),
        (("smoke", "slow"), ["closes"]),
        (("smoke or slow",), ["opens", "closes", "asks"]),
        (("smok",), []),
    ],
)
def test_tags_are_compared_whole_and_all_expressions_must_hold(
    tags: tuple[str, ...], expected: list[str]
) -> None:
    assert names(Selection(tags=tags)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expected a word here: column 1"),
        ("a b", "Expected 'and', 'or' or the end here: column 3"),
        ("a and", "Expected a word here: column 6"),
        ("and a", "Expected a word here: column 1"),
        ("(a", r"Expected '\)' here: column 3"),
        ("a)", "Expected 'and', 'or' or the end here: column 2"),
        ("not", "Expected a word here"),
        ("(" * 99 + "a" + ")" * 99, "Nested deeper than 50"),
    ],
)
def test_a_broken_expression_says_where(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Selection(tags=(text,))
    assert caught.value.problems[0].path == "--tag"


WORDS = st.sampled_from(["a", "b", "c"])
TREES = st.recursive(
    WORDS,
    lambda inner: (
        st.tuples(st.sampled_from(["and", "or"]), inner, inner) | st.tuples(st.just("not"), inner)
    ),
    max_leaves=12,
)


def _written(tree: object) -> str:
    match tree:
        case ("not", inner):
            return f"not ({_written(inner)})"
        case (operator, left, right):
            return f"({_written(left)}) {operator} ({_written(right)})"
    return str(tree)


def _held(tree: object, fits: set[str]) -> bool:
    match tree:
        case ("not", inner):
            return not _held(inner, fits)
        case ("and", left, right):
            return _held(left, fits) and _held(right, fits)
        case ("or", left, right):
            return _held(left, fits) or _held(right, fits)
    return tree in fits


@settings(max_examples=100, deadline=None)
@given(TREES, st.sets(WORDS))
def test_an_expression_means_what_it_says(tree: object, fits: set[str]) -> None:
    expression = compile_expression(_written(tree), option="-k")
    assert expression(fits.__contains__) is _held(tree, fits)


@settings(max_examples=100, deadline=None)
@given(st.text("ab()! andornt", max_size=12))
def test_any_text_is_an_expression_or_an_error(text: str) -> None:
    try:
        expression = compile_expression(text, option="-k")
    except ConfigError:
        return
    assert expression(lambda _: True) in (True, False)


def test_only_what_failed_before_is_run_again() -> None:
    failed = frozenset({CASES[1].id, "shop::gone[bot]"})
    assert names(Selection(only_failed_ids=failed)) == ["closes"]
    assert names(Selection(only_failed_ids=frozenset())) == []


def test_where_a_test_says_only_the_others_are_skipped_and_stay_visible() -> None:
    cases = [case("A"), case("B", only=True), case("C", skip="later")]
    chosen = Selection().apply(cases)
    assert [one.test.skip for one in chosen] == [ONLY_REASON, None, "later"]
    assert [one.test.skip for one in Selection("not b").apply(cases)] == [None, "later"]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 30), st.integers(1, 8))
def test_every_case_is_in_exactly_one_shard_and_they_are_even(count: int, shards: int) -> None:
    cases = [attrs.evolve(CASES[0], id=f"case{number}") for number in range(count)]
    parts = [Selection(shard=Shard(index, shards)).apply(cases) for index in range(1, shards + 1)]
    assert sorted(one.id for part in parts for one in part) == sorted(one.id for one in cases)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", "-1/2", "1/2/3", ""])
def test_a_shard_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Shard.parse(text)
    assert caught.value.problems[0].path == "--shard"


def test_a_shard_is_written_as_one_of_how_many() -> None:
    assert Shard.parse(" 2/3 ") == Shard(2, 3)
    assert str(Shard(2, 3)) == "2/3"
