"""Paths into JSON: one grammar for all protocols, compiled once.

    path        = alternative *( "|" alternative )         the first that is there wins
    alternative = [ "$" [ "." ] ] segment *( ["."] segment )  or "$" alone: the whole value
    segment     = name | "[" index "]" | "[" quoted "]" | "[*]"

A name of digits (``choices.0.delta``) is an index where it meets a list and a key elsewhere.
``[*]`` takes every item of a list; what the items lack is left out, and the result is a list.

Plain chains become a direct walk (some 0.2 µs); only a wildcard goes through glom, because its
evaluator costs 15 µs and more for every event.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs
import glom


class _Missing:
    """The result of a path that leads nowhere. JSON null is a value, this is not."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing()


class PathSyntaxError(ValueError):
    """The text is not a path. ``column`` is 1-based."""

    def __init__(self, message: str, text: str, column: int) -> None:
        super().__init__(f"{message}, at column {column} of {text!r}.")
        self.column = column


@attrs.frozen
class Key:
    """A member of an object."""

    name: str


@attrs.frozen
class Index:
    """An item of a list; negative counts from the end."""

    number: int


@attrs.frozen
class Wildcard:
    """Every item of a list."""


Segment = Key | Index | Wildcard
Getter = Callable[[Any], Any]

_NAME = re.compile(r"""[^\s.\[\]|"'*$]+""")
_INDEX = re.compile(r"\[\s*(-?[0-9]{1,9})\s*\]")
_WILDCARD = re.compile(r"\[\s*\*\s*\]")
_QUOTED = re.compile(r"""\[\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\s*\]""")
_ESCAPE = re.compile(r"\\(.)")
_SPACE = re.compile(r"\s*")
_DIGITS = re.compile(r"[0-9]{1,9}")


class Path:
    """A compiled path. ``str(path)`` is the text as it was written.

    ``alternatives`` holds the parsed segments, for tools that reason about paths.

    Raises:
        PathSyntaxError: the text has something that the grammar does not.
    """

    __slots__ = ("alternatives", "get", "text")

    get: Callable[[Any], Any]
    """``get(data)`` is the value there, or :data:`MISSING`. It never raises."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.alternatives = _parse(text)
        getters = [_compile(segments) for segments in self.alternatives]
        self.get = getters[0] if len(getters) == 1 else _first_of(getters)

    def split_at_last_wildcard(self) -> tuple[Getter, Getter] | None:
        """The path in two: a getter of the items of its last ``[*]``, and one for within an item.

        The first gives a list (one flat list if there are several wildcards) or :data:`MISSING`,
        the second the value in one item or MISSING. Whoever wants to choose among the items looks
        at them in between. None if there is no wildcard, or there are alternatives.
        """
        if len(self.alternatives) != 1:
            return None
        *before, rest = _split_at_wildcards(self.alternatives[0])
        return (_compile_items(before), _compile_walk(rest)) if before else None

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Path({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Path) and self.alternatives == other.alternatives

    def __hash__(self) -> int:
        return hash(self.alternatives)


def _parse(text: str) -> tuple[tuple[Segment, ...], ...]:
    alternatives = []
    position = 0
    while True:
        position = _skip_space(text, position)
        segments, position = _parse_alternative(text, position)
        alternatives.append(segments)
        position = _skip_space(text, position)
        if position == len(text):
            return tuple(alternatives)
        if text[position] != "|":
            raise _unexpected(text, position)
        position += 1


def _parse_alternative(text: str, position: int) -> tuple[tuple[Segment, ...], int]:
    segments: list[Segment] = []
    rooted = text.startswith("$", position)
    if rooted:
        position += 1
    after_dot = False
    while position < len(text):
        if text[position] == "[":
            if after_dot and segments:
                raise PathSyntaxError("'.' before '['; write 'a[0]', not 'a.[0]'", text, position)
            segment, position = _parse_bracket(text, position)
            segments.append(segment)
            after_dot = False
        elif text[position] == ".":
            if after_dot or not (segments or rooted):
                raise PathSyntaxError("A name is missing before '.'", text, position + 1)
            position += 1
            after_dot = True
        elif match := _NAME.match(text, position):
            if (segments or rooted) and not after_dot:
                raise PathSyntaxError("'.' is missing before the name", text, position + 1)
            segments.append(Key(match.group()))
            position = match.end()
            after_dot = False
        else:
            break
    if after_dot:
        if text[position : position + 1] == "*":
            raise PathSyntaxError("A wildcard is written '[*]'", text, position + 1)
        raise PathSyntaxError("A name is missing after '.'", text, position + 1)
    if not segments and not rooted:
        if position == len(text):
            raise PathSyntaxError("A path is missing", text, position + 1)
        raise _unexpected(text, position)
    return tuple(segments), position


def _parse_bracket(text: str, position: int) -> tuple[Segment, int]:
    if match := _INDEX.match(text, position):
        return Index(int(match[1])), match.end()
    if match := _WILDCARD.match(text, position):
        return Wildcard(), match.end()
    if match := _QUOTED.match(text, position):
        quoted = match[1] if match[1] is not None else match[2]
        return Key(_ESCAPE.sub(r"\1", quoted)), match.end()
    raise PathSyntaxError(
        "In brackets stands a number, '*' or a quoted name; slices and filters are not supported",
        text,
        position + 1,
    )


def _skip_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _unexpected(text: str, position: int) -> PathSyntaxError:
    if text[position] == "*":
        return PathSyntaxError("A wildcard is written '[*]'", text, position + 1)
    return PathSyntaxError(f"Unexpected {text[position]!r}", text, position + 1)


def _compile(segments: tuple[Segment, ...]) -> Getter:
    parts = _split_at_wildcards(segments)
    if len(parts) == 1:
        return _compile_walk(segments)
    return _compile_mapped(_compile_items(parts[:-1]), parts[-1])


def _split_at_wildcards(segments: tuple[Segment, ...]) -> list[tuple[Key | Index, ...]]:
    """The plain parts before, between and after the wildcards; one part if there is none."""
    parts: list[tuple[Key | Index, ...]] = [()]
    for segment in segments:
        if isinstance(segment, Wildcard):
            parts.append(())
        else:
            parts[-1] = (*parts[-1], segment)
    return parts


def _compile_walk(segments: Sequence[Segment]) -> Getter:
    # For each segment what to look for in an object, and what in a list. Neither None nor a
    # missing number is ever found, and asking first is cheaper than a KeyError: most paths miss
    # in most events of a stream.
    steps = tuple(_step(segment) for segment in segments)

    def walk(data: Any) -> Any:
        for key, number in steps:
            if isinstance(data, dict):
                data = data.get(key, MISSING)
            elif isinstance(data, list) and number is not None:
                if not -len(data) <= number < len(data):
                    return MISSING
                data = data[number]
            else:
                return MISSING
        return data

    return walk


def _step(segment: Segment) -> tuple[str | None, int | None]:
    match segment:
        case Key(name):
            return name, int(name) if _DIGITS.fullmatch(name) else None
        case Index(number):
            return None, number
    raise TypeError(segment)


def _compile_items(parts: Sequence[tuple[Key | Index, ...]]) -> Getter:
    """What a wildcard after each of these parts finds: one flat list, or MISSING."""
    outermost = _compile_walk(parts[0])
    # Each step takes a list of items and gives a longer one, so wildcards do not nest and a path
    # with any number of them cannot exhaust the stack.
    spec: list[Any] = []
    for part in parts[1:]:
        spec += [[_or_skip(_list_at(part))], glom.Flatten()]
    if not spec:
        return _list_at(parts[0])
    flatten = glom.Spec(tuple(spec))

    def items(data: Any) -> Any:
        found = outermost(data)
        return flatten.glom(found) if isinstance(found, list) else MISSING

    return items


def _compile_mapped(items: Getter, rest: tuple[Key | Index, ...]) -> Getter:
    if not rest:
        return items
    each = glom.Spec([_or_skip(_compile_walk(rest))])

    def mapped(data: Any) -> Any:
        found = items(data)
        return MISSING if found is MISSING else each.glom(found)

    return mapped


def _list_at(part: tuple[Key | Index, ...]) -> Getter:
    walk = _compile_walk(part)

    def found_list(data: Any) -> Any:
        found = walk(data)
        return found if isinstance(found, list) else MISSING

    return found_list


def _or_skip(getter: Getter) -> Getter:
    """The getter in glom's terms: what is missing is left out of the list."""

    def found_or_skip(data: Any) -> Any:
        found = getter(data)
        return glom.SKIP if found is MISSING else found

    return found_or_skip


def _first_of(getters: Sequence[Getter]) -> Getter:
    def first(data: Any) -> Any:
        for getter in getters:
            found = getter(data)
            if found is not MISSING:
                return found
        return MISSING

    return first
