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
from collections.abc import Callable
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

_NAME = re.compile(r"""[^\s.\[\]|"'*$]+""")
_INDEX = re.compile(r"\[\s*(-?[0-9]{1,9})\s*\]")
_WILDCARD = re.compile(r"\[\s*\*\s*\]")
_QUOTED = re.compile(r"""\[\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\s*\]""")
_ESCAPE = re.compile(r"\\(.)")
_SPACE = re.compile(r"\s*")


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


def _compile(segments: tuple[Segment, ...]) -> Callable[[Any], Any]:
    if any(isinstance(segment, Wildcard) for segment in segments):
        return _compile_glom(segments)
    if any(_is_ambiguous(segment) for segment in segments):
        return _compile_steps(segments)
    return _compile_chain(tuple(_plain(segment) for segment in segments))


def _plain(segment: Segment) -> str | int:
    match segment:
        case Key(name):
            return name
        case Index(number):
            return number
    raise TypeError(segment)


def _compile_chain(steps: tuple[str | int, ...]) -> Callable[[Any], Any]:
    def walk(data: Any) -> Any:
        for step in steps:
            # Indexing a str with an int would give a character, which is no JSON value.
            if type(data) is str:
                return MISSING
            try:
                data = data[step]
            except (KeyError, IndexError, TypeError):
                return MISSING
        return data

    return walk


def _is_ambiguous(segment: Segment) -> bool:
    return isinstance(segment, Key) and segment.name.isdecimal() and segment.name.isascii()


def _compile_steps(segments: tuple[Segment, ...]) -> Callable[[Any], Any]:
    def walk(data: Any) -> Any:
        for segment in segments:
            data = _step(data, segment)
            if data is MISSING:
                return MISSING
        return data

    return walk


def _step(data: Any, segment: Segment) -> Any:
    if isinstance(data, list):
        if isinstance(segment, Index):
            number = segment.number
        elif isinstance(segment, Key) and _is_ambiguous(segment):
            number = int(segment.name)
        else:
            return MISSING
        return data[number] if -len(data) <= number < len(data) else MISSING
    if isinstance(data, dict) and isinstance(segment, Key):
        return data.get(segment.name, MISSING)
    return MISSING


def _compile_glom(segments: tuple[Segment, ...]) -> Callable[[Any], Any]:
    spec = _glom_spec(segments)

    def evaluate(data: Any) -> Any:
        found = glom.glom(data, spec, default=glom.SKIP)
        return MISSING if found is glom.SKIP else found

    return evaluate


def _glom_spec(segments: tuple[Segment, ...]) -> Any:
    for position, segment in enumerate(segments):
        if isinstance(segment, Wildcard):
            head = _compile_steps(segments[:position])
            rest = _glom_spec(segments[position + 1 :])
            spec: tuple[Any, ...] = (
                lambda data: _list_or_skip(head(data)),
                [glom.Coalesce(rest, default=glom.SKIP)],
            )
            # A second wildcard gives lists of lists; one flat list is what a reader wants.
            return (*spec, glom.Flatten()) if _has_wildcard(segments[position + 1 :]) else spec
    walk = _compile_steps(segments)
    return lambda data: _found_or_skip(walk(data))


def _has_wildcard(segments: tuple[Segment, ...]) -> bool:
    return any(isinstance(segment, Wildcard) for segment in segments)


def _list_or_skip(found: Any) -> Any:
    if not isinstance(found, list):
        raise glom.GlomError("no list")
    return found


def _found_or_skip(found: Any) -> Any:
    return glom.SKIP if found is MISSING else found


def _first_of(getters: list[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def first(data: Any) -> Any:
        for getter in getters:
            found = getter(data)
            if found is not MISSING:
                return found
        return MISSING

    return first
