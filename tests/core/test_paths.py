"""The path grammar and its compiled getters, against a reference that is slow and plain."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from turnwire_core.paths import MISSING, Index, Key, Path, PathSyntaxError, Wildcard, spell

# --- writing paths -------------------------------------------------------------------------------


@given(st.lists(st.text(max_size=6) | st.integers(-9, 99) | st.none(), max_size=5))
@example(['a"b', "a\\", "a\nb", "", "$", "*", "a|b", None, -1])
def test_a_path_is_spelled_as_it_is_read(steps: list[str | int | None]) -> None:
    segments = tuple(
        Wildcard() if step is None else Key(step) if isinstance(step, str) else Index(step)
        for step in steps
    )
    assert Path(spell(steps)).alternatives == (segments,)


# --- reading paths -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("a", (Key("a"),)),
        ("a.b.c", (Key("a"), Key("b"), Key("c"))),
        ("$", ()),
        ("$.a", (Key("a"),)),
        ("$[0]", (Index(0),)),
        ("[0]", (Index(0),)),
        ("[-1].a", (Index(-1), Key("a"))),
        ("choices[0].delta.content", (Key("choices"), Index(0), Key("delta"), Key("content"))),
        ("choices.0.delta", (Key("choices"), Key("0"), Key("delta"))),
        ("a[ 12 ]", (Key("a"), Index(12))),
        ('a["b c"].d', (Key("a"), Key("b c"), Key("d"))),
        ("a['b.c'][0]", (Key("a"), Key("b.c"), Index(0))),
        ('["say \\"hi\\""]', (Key('say "hi"'),)),
        ("['back\\\\slash']", (Key("back\\slash"),)),
        ('["two\nlines"]', (Key("two\nlines"),)),
        ('[""]', (Key(""),)),
        ('["a|b"]', (Key("a|b"),)),
        ("[*]", (Wildcard(),)),
        ("a[ * ].b", (Key("a"), Wildcard(), Key("b"))),
        ("a[*][*]", (Key("a"), Wildcard(), Wildcard())),
        ("naïve.schlüssel-1", (Key("naïve"), Key("schlüssel-1"))),
        ("@type", (Key("@type"),)),
        ("  a.b  ", (Key("a"), Key("b"))),
    ],
)
def test_a_path_is_read_as_its_segments(text: str, segments: tuple[Any, ...]) -> None:
    assert Path(text).alternatives == (segments,)


def test_alternatives_are_separated_by_a_bar() -> None:
    assert Path("a.b | [0]|$").alternatives == ((Key("a"), Key("b")), (Index(0),), ())


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("", 1, "A name is missing"),
        ("   ", 4, "A name is missing"),
        ("|", 1, "A name is missing"),
        ("a|", 3, "A name is missing"),
        ("a||b", 3, "A name is missing"),
        (".a", 1, "A name is missing"),
        ("a.", 3, "A name is missing"),
        ("a..b", 3, "A name is missing"),
        ("$.", 3, "A name is missing"),
        ("a. b", 3, "A name is missing"),
        ("a.[0]", 3, "No '.' stands before '['"),
        ("$.[0]", 3, "No '.' stands before '['"),
        ("a[0]b", 5, "'.' is missing"),
        ('a["b"]c', 7, "'.' is missing"),
        ("a.*", 3, "'a[*]'"),
        ("*.text", 1, "'a[*]'"),
        ("a*", 2, "'a[*]'"),
        ("$type", 2, "in brackets and quotes"),
        ("a.$type", 3, "in brackets and quotes"),
        ("a b", 3, "in brackets and quotes"),
        ("a.'b'", 3, "in brackets and quotes"),
        ("it's", 3, "in brackets and quotes"),
        ("a]", 2, "Unexpected ']'"),
        ("a .b", 3, "Unexpected '.'"),
        ("a[", 2, "In brackets"),
        ("a[]", 2, "In brackets"),
        ("a[b]", 2, "In brackets"),
        ("a[1:2]", 2, "slices and filters are not supported"),
        ("a[?(@.b)]", 2, "slices and filters are not supported"),
        ("a[1.5]", 2, "In brackets"),
        ("a[0", 2, "In brackets"),
        ('a["b]', 2, "In brackets"),
        ("ok | a[b]", 7, "In brackets"),
        ("a[1234567890]", 2, "In brackets"),
    ],
)
def test_what_the_grammar_does_not_have_is_refused_with_its_column(
    text: str, column: int, reason: str
) -> None:
    with pytest.raises(PathSyntaxError) as caught:
        Path(text)
    assert caught.value.column == column
    assert reason in str(caught.value)
    assert f"at column {column} of {text!r}" in str(caught.value)


@given(st.text(alphabet="ab0.[]*|$\"'\\ -1", max_size=12))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_path_or_a_syntax_error_with_the_column_at_fault(text: str) -> None:
    error = _refusal(text)
    if error is not None:
        assert 1 <= error.column <= len(text) + 1
        # What stands before the column is not at fault: some ending makes it a path.
        before = text[: error.column - 1]
        assert any(_refusal(before + ending) is None for ending in ("", "a", ".a", "[0]")), before


def _refusal(text: str) -> PathSyntaxError | None:
    try:
        Path(text)
    except PathSyntaxError as error:
        return error
    return None


# --- following paths -----------------------------------------------------------------------------

EVENT = {"choices": [{"delta": {"content": "Hi"}, "finish_reason": None}], "usage": {"0": "zero"}}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("choices[0].delta.content", "Hi"),
        ("choices.0.delta.content", "Hi"),
        ("choices[-1].delta.content", "Hi"),
        ("choices[0].finish_reason", None),
        ("usage.0", "zero"),
        ('usage["0"]', "zero"),
        ("$", EVENT),
        ("choices[1].delta", MISSING),
        ("choices[-2]", MISSING),
        ("usage[0]", MISSING),
        ("choices.delta", MISSING),
        ("choices[0].delta.content[0]", MISSING),
        ("choices[0].delta.content.0", MISSING),
        ("choices[0].finish_reason.x", MISSING),
        ("nothing", MISSING),
        ("nothing | choices[0].finish_reason | usage", None),
        ("nothing | choices[9] | choices[0].delta", {"content": "Hi"}),
        ("nothing | nowhere", MISSING),
    ],
)
def test_a_path_finds_what_is_there_and_nothing_else(text: str, found: Any) -> None:
    result = Path(text).get(EVENT)
    assert result is MISSING if found is MISSING else result == found


@pytest.mark.parametrize(
    ("text", "data", "found"),
    [
        ("[*]", [1, None, "x"], [1, None, "x"]),
        ("[*]", [], []),
        ("[*]", {"a": 1}, MISSING),
        ("[*]", "text", MISSING),
        ("a[*]", {}, MISSING),
        ("a[*].b", {"a": [{"b": 1}, {"c": 2}, {"b": None}, 3]}, [1, None]),
        ("a[*].b", {"a": [3, 4]}, []),
        ("a[*].b", {"a": {"b": 1}}, MISSING),
        ("a[-1][*].b", {"a": [[], [{"b": 1}]]}, [1]),
        ("a[*][-1]", {"a": [[1, 2], [], [3]]}, [2, 3]),
        ("[*].0", [[7], {"0": 8}], [7, 8]),
        ("[*][*]", [[1], [], [2, [3]], 4, {"x": 5}], [1, 2, [3]]),
        ("a[*].b[*].c", {"a": [{"b": [{"c": 1}, {}]}, {"b": 0}, {"b": [{"c": [2]}]}]}, [1, [2]]),
        ("a[*].b[*].c", {"a": [{"b": 0}]}, []),
        ("[*][*][*]", [[[1, 2]], [[3], 4]], [1, 2, 3]),
        ("a[*].x | b", {"b": 2}, 2),
        ("a[*].x | b", {"a": [], "b": 2}, []),
        ("b | a[*].x", {"a": [{"x": 1}]}, [1]),
    ],
)
def test_a_wildcard_gives_one_flat_list_of_what_the_items_have(
    text: str, data: Any, found: Any
) -> None:
    result = Path(text).get(data)
    assert result is MISSING if found is MISSING else result == found


def test_a_path_does_not_change_what_it_reads() -> None:
    data = {"a": [{"b": [1]}, {"b": [2]}]}
    Path("a[*].b[*]").get(data).append("mine")
    assert data == {"a": [{"b": [1]}, {"b": [2]}]}


def test_a_path_of_very_many_segments_does_not_exhaust_the_stack() -> None:
    assert Path("[*]" * 2000).get([1]) == []
    assert Path("a" + ".a" * 2000).get({"a": {"a": 1}}) is MISSING


def test_a_key_of_very_many_digits_is_only_a_key() -> None:
    digits = "1" * 5000
    assert Path(f"a.{digits}").get({"a": [1]}) is MISSING
    assert Path(f"a.{digits}").get({"a": {digits: 1}}) == 1


names = st.sampled_from(["a", "b", "0", "1", "-1", "a.b", "c d", 'q"', "", "*"])
scalars = st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.floats(), st.text(max_size=2))
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)
segments = st.one_of(
    names.map(Key), st.integers(-3, 3).map(Index), st.just(Wildcard()), st.just(Key("a"))
)
alternatives = st.lists(st.lists(segments, max_size=4).map(tuple), min_size=1, max_size=3).map(
    tuple
)


def _written(alternatives: tuple[tuple[Any, ...], ...]) -> str:
    """One way to write them; names that need no quotes go without where they can."""
    return " | ".join("$" + "".join(map(_written_segment, one)) for one in alternatives)


def _written_segment(segment: Any) -> str:
    match segment:
        case Key(name) if name and not set(name) & set(' ."*'):
            return f".{name}"
        case Key(name):
            escaped = name.replace("\\", "\\\\").replace('"', '\\"')
            return f'["{escaped}"]'
        case Index(number):
            return f"[{number}]"
    return "[*]"


def _reference(alternatives: tuple[tuple[Any, ...], ...], data: Any) -> Any:
    for one in alternatives:
        found = _follow(one, data)
        if found is not MISSING:
            return found
    return MISSING


def _follow(segments: tuple[Any, ...], data: Any) -> Any:
    if not segments:
        return data
    first, rest = segments[0], segments[1:]
    if first == Wildcard():
        if not isinstance(data, list):
            return MISSING
        found = [result for item in data if (result := _follow(rest, item)) is not MISSING]
        return [inner for result in found for inner in result] if Wildcard() in rest else found
    if isinstance(first, Key) and isinstance(data, dict):
        return _follow(rest, data[first.name]) if first.name in data else MISSING
    if isinstance(data, list):
        if isinstance(first, Index):
            number = first.number
        elif first.name.isdecimal():
            number = int(first.name)
        else:
            return MISSING
        return _follow(rest, data[number]) if -len(data) <= number < len(data) else MISSING
    return MISSING


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1, and NaN is itself."""
    return repr(one) == repr(other)


@given(alternatives, documents)
@settings(max_examples=400, deadline=None)
def test_a_compiled_path_agrees_with_the_reference(
    alternatives: tuple[tuple[Any, ...], ...], data: Any
) -> None:
    path = Path(_written(alternatives))
    assert path.alternatives == alternatives
    assert _same(path.get(data), _reference(alternatives, data))


@given(st.lists(segments, max_size=5).map(tuple), documents)
@example((Key("a"), Wildcard(), Key("b"), Wildcard(), Key("c")), {"a": [{"b": [{"c": 1}]}]})
@settings(max_examples=300, deadline=None)
def test_the_two_halves_at_the_last_wildcard_give_what_the_whole_path_gives(
    segments: tuple[Any, ...], data: Any
) -> None:
    path = Path(_written((segments,)))
    halves = path.split_at_last_wildcard()
    if Wildcard() not in segments:
        assert halves is None
        return
    assert halves is not None
    items_of, rest_of = halves
    items = items_of(data)
    whole = path.get(data)
    if items is MISSING:
        assert whole is MISSING
    else:
        assert _same(whole, [found for item in items if (found := rest_of(item)) is not MISSING])


def test_a_path_with_alternatives_is_not_split() -> None:
    assert Path("a[*] | b[*]").split_at_last_wildcard() is None


def test_alternatives_can_be_had_one_by_one() -> None:
    path = Path(" a[*].b|$ | ['|'].c ")
    assert [str(one) for one in path.each_alternative()] == ["a[*].b", "$", "['|'].c"]
    assert [one.has_wildcard for one in path.each_alternative()] == [True, False, False]
    assert path.has_wildcard
    assert not Path('["*"] | a').has_wildcard


# --- paths as values -----------------------------------------------------------------------------


def test_paths_are_equal_if_they_mean_the_same() -> None:
    assert Path("a[0].b") == Path('$.a[0]["b"]')
    assert hash(Path("a.b")) == hash(Path("$.a.b"))
    assert Path("a[0]") != Path("a[1]")
    assert Path("a") != "a"


def test_a_path_shows_its_text_as_it_was_written() -> None:
    assert str(Path(" $.a | b")) == " $.a | b"
    assert repr(Path("a[0]")) == "Path('a[0]')"


def test_a_copied_path_still_works() -> None:
    for copied in (copy.deepcopy(Path("a[*].b")), pickle.loads(pickle.dumps(Path("a[*].b")))):
        assert copied == Path("a[*].b")
        assert copied.get({"a": [{"b": 1}]}) == [1]


def test_there_is_one_missing_even_in_copies() -> None:
    assert copy.deepcopy({"x": MISSING})["x"] is MISSING
    assert pickle.loads(pickle.dumps(MISSING)) is MISSING
    assert not MISSING
    assert repr(MISSING) == "MISSING"
