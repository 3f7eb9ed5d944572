"""Paths into JSON: one grammar for all protocols, compiled once.

    path        = alternative *( "|" alternative )       the first that is there wins
    alternative = "$" *( "." name | bracket )            "$" alone is the whole value
                | ( name | bracket ) *( "." name | bracket )
    bracket     = "[" ( index | quoted | "*" ) "]"       as in a[-1], a["b c"], a[*]
    index       = [ "-" ] 1*9digit                       negative counts from the end
    name        = 1*( any but white space . [ ] | " ' * $ )
    quoted      = text in " or '; a backslash keeps the character after it, whatever it is

White space may stand around an alternative and inside brackets. A key of up to nine digits
(``choices.0.delta``) is an index where it meets a list, and a key elsewhere. ``[*]`` takes every
item of a list; what the items lack is left out, and the result is one flat list.

Plain chains become a direct walk (some 0.3 µs); only a wildcard goes through glom, because its
evaluator costs 15 µs and more for every event. Paths are for what a JSON parser gives: dict,
list, str, int, float, bool and None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import attrs


class _Missing:
    """The result of a path that leads nowhere. JSON null is a value, this is not."""

    def __reduce__(self) -> str:
        # There is one, also in a copy: it is compared with "is".
        return "MISSING"

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
_QUOTED = re.compile(r"""\[\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\s*\]""", re.DOTALL)
_QUOTE_IT = "A name with a space, a quote or a '$' is written in brackets and quotes: a['b c']"
_TO_ESCAPE = re.compile(r'["\\]')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
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

    @property
    def has_wildcard(self) -> bool:
        """Whether some alternative has a ``[*]``."""
        return any(Wildcard() in segments for segments in self.alternatives)

    def each_alternative(self) -> tuple[Path, ...]:
        """The alternatives, each as a path of its own."""
        return tuple(Path(self.text[start:end]) for _, start, end in _alternatives(self.text))

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

    def __reduce__(self) -> tuple[type[Path], tuple[str]]:
        return Path, (self.text,)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Path):
            return NotImplemented
        return self.alternatives == other.alternatives

    def __hash__(self) -> int:
        return hash(self.alternatives)


def spell(steps: Sequence[str | int | None]) -> str:
    """The path that these keys and indexes make; None stands for ``[*]``, nothing for ``$``."""
    text = ""
    for step in steps:
        if step is None:
            text += "[*]"
        elif isinstance(step, int):
            text += f"[{step}]"
        elif _NAME.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += '["' + _TO_ESCAPE.sub(r"\\\g<0>", step) + '"]'
    return text or "$"


def _parse(text: str) -> tuple[tuple[Segment, ...], ...]:
    return tuple(segments for segments, _, _ in _alternatives(text))


def _alternatives(text: str) -> Iterator[tuple[tuple[Segment, ...], int, int]]:
    """Each alternative with the positions where it begins and ends."""
    position = 0
    while True:
        start = _skip_space(text, position)
        segments, end = _parse_alternative(text, start)
        yield segments, start, end
        position = _skip_space(text, end)
        if position == len(text):
            return
        if text[position] != "|":
            raise _unexpected(text, position)
        position += 1


def _parse_alternative(text: str, position: int) -> tuple[tuple[Segment, ...], int]:
    segments: list[Segment] = []
    if text.startswith("$", position):
        position += 1
    elif text.startswith("[", position):
        pass
    else:
        segment, position = _parse_name(text, position)
        segments.append(segment)
    while position < len(text):
        if text[position] == "[":
            segment, position = _parse_bracket(text, position)
        elif text[position] == ".":
            segment, position = _parse_name(text, position + 1)
        else:
            break
        segments.append(segment)
    return tuple(segments), position


def _parse_name(text: str, position: int) -> tuple[Segment, int]:
    if match := _NAME.match(text, position):
        return Key(match.group()), match.end()
    match text[position : position + 1]:
        case "*":
            reason = "A wildcard is written 'a[*]'"
        case "[":
            reason = "No '.' stands before '['"
        case "$" | '"' | "'":
            reason = _QUOTE_IT
        case _:
            reason = "A name is missing"
    raise PathSyntaxError(reason, text, position + 1)


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
    character, before = text[position], text[position - 1]
    begins_name = _NAME.match(text, position) is not None
    if character == "*":
        reason = "A wildcard is written 'a[*]'"
    elif character in "$\"'" or (begins_name and (before == "$" or before.isspace())):
        reason = _QUOTE_IT
    elif begins_name:
        reason = "'.' is missing before the name"
    else:
        reason = f"Unexpected {character!r}"
    return PathSyntaxError(reason, text, position + 1)


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
    # For each segment what to look for in an object, and what in a list. Membership is asked for
    # first, because most paths miss in most events of a stream and a KeyError costs more than
    # the walk; exact types, because that is what a JSON parser gives and it is the cheapest test.
    steps = tuple(_step(segment) for segment in segments)

    def walk(data: Any) -> Any:
        for key, number in steps:
            if type(data) is dict:
                if key not in data:
                    return MISSING
                data = data[key]
            elif type(data) is list and number is not None:
                try:
                    data = data[number]
                except IndexError:
                    return MISSING
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
    import glom  # takes as long to import as the rest of a command's start, for few paths

    outermost = _list_at(parts[0])
    # Each takes a list of items and gives the list of what is in them. One after another, not one
    # within another: a path with any number of wildcards neither nests nor exhausts the stack.
    inner = [glom.Spec(([_or_skip(_list_at(part))], glom.Flatten())) for part in parts[1:]]

    def items(data: Any) -> Any:
        found = outermost(data)
        if found is not MISSING:
            for spec in inner:
                found = spec.glom(found)
        return found

    return items


def _compile_mapped(items: Getter, rest: tuple[Key | Index, ...]) -> Getter:
    if not rest:
        return items
    import glom

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

    from glom import SKIP

    def found_or_skip(data: Any) -> Any:
        found = getter(data)
        return SKIP if found is MISSING else found

    return found_or_skip


def _first_of(getters: Sequence[Getter]) -> Getter:
    def first(data: Any) -> Any:
        for getter in getters:
            found = getter(data)
            if found is not MISSING:
                return found
        return MISSING

    return first
