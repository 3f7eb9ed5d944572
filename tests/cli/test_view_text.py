"""What a peer wrote can be read on a terminal, and cannot command it."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire.view.text import json_line, shorten, visible

ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=60)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("\x9b31m", "⟨U+009B⟩31m"),
        ("a\rb\x7f\x00", "a␍b␡␀"),
        ("abc\u202efed\u2069", "abc⟨U+202E⟩fed⟨U+2069⟩"),
        ("a\u2028b", "a⟨U+2028⟩b"),
        ("half \ud83d", "half ⟨U+D83D⟩"),
        ("a\tb\nc", "a␉b␊c"),
    ],
)
def test_a_control_character_becomes_a_picture_of_it(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_newlines_and_tabs_stay_in_the_text_of_a_reply() -> None:
    assert visible("a\n\tb\r\n", lines=True) == "a\n\tb␍\n"


def test_ordinary_text_of_any_script_stays_what_it_is() -> None:
    text = "Grüße, שלום, 你好, 👩‍💻 ✓ “quoted”"
    assert visible(text) is text


@settings(deadline=None, max_examples=200)
@given(ANY_TEXT, st.booleans())
def test_nothing_that_a_terminal_obeys_gets_through(text: str, lines: bool) -> None:
    kept = {"\n", "\t"} if lines else set()
    assert not [
        char
        for char in visible(text, lines=lines)
        if char not in kept
        and (
            unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")
            or unicodedata.bidirectional(char)
            in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        )
    ]


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(ANY_TEXT, ANY_TEXT | st.integers() | st.floats(allow_nan=False), max_size=4))
def test_a_json_line_is_safe_is_one_line_and_reads_back_the_same(value: dict[str, object]) -> None:
    text = json_line(value)
    assert visible(text) == text
    text.encode()
    finite = {
        key: None if item in (float("inf"), float("-inf")) else item for key, item in value.items()
    }
    assert json.loads(text) == finite


def test_numbers_that_json_does_not_have_become_null() -> None:
    assert json_line({"usage": [float("nan"), float("inf"), 1.5]}) == '{"usage":[null,null,1.5]}'


def test_a_cut_is_marked() -> None:
    assert shorten("abcdef", 4) == "abc…"
    assert shorten("abcd", 4) == "abcd"
