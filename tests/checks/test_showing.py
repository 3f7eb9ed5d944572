"""What is shown of a text is short, and holds the place that matters."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire.checks.showing import (
    LIMIT,
    bounded,
    excerpt,
    nearest_place,
    number,
    parting,
    value_excerpt,
)


@settings(max_examples=100, deadline=None)
@given(one=st.text(alphabet="ab", max_size=60), other=st.text(alphabet="ab", max_size=60))
def test_two_texts_part_where_their_common_beginning_ends(one: str, other: str) -> None:
    at = parting(one, other)
    assert one[:at] == other[:at]
    assert one[at : at + 1] != other[at : at + 1] or one == other


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet="abc", max_size=60), phrase=st.text(alphabet="abc", max_size=10))
def test_the_nearest_place_is_after_the_longest_beginning_that_is_there(
    text: str, phrase: str
) -> None:
    at = nearest_place(text, phrase)
    longest = max(size for size in range(len(phrase) + 1) if phrase[:size] in text)
    assert text[:at].endswith(phrase[:longest])


@settings(max_examples=100, deadline=None)
@given(size=st.integers(0, 2000), at=st.integers(0, 2000))
def test_an_excerpt_is_bounded_and_holds_its_place(size: int, at: int) -> None:
    text = "".join(chr(0x4E00 + index) for index in range(size))
    shown = excerpt(text, at)
    assert len(shown) < LIMIT + 40
    if at < size:
        assert text[at] in shown


def test_an_excerpt_says_what_is_left_out() -> None:
    assert excerpt("short") == '"short"'
    shown = excerpt("x" * 1000, 500)
    assert shown.startswith('…"x')
    assert shown.endswith('x"… (1000 characters)')


def test_values_are_shown_as_json_and_anything_else_by_its_type() -> None:
    assert value_excerpt({"ä": [1, None]}) == '{"ä": [1, null]}'
    assert value_excerpt({1}) == "a set"
    assert value_excerpt("y" * 400).endswith("… (402 characters)")


def test_numbers_are_written_without_idle_digits() -> None:
    assert [number(value) for value in (800, 12.5, 0.0001, 100.0)] == ["800", "12.5", "0", "100"]


def test_plain_text_is_cut_with_a_mark() -> None:
    assert bounded("abc", 3) == "abc"
    assert bounded("abcd", 3) == "ab…"
