"""The ways in which others may write a value: in a URL, in HTML, in a string, in base64, in
hexadecimal digits.

Each way is described once, and read in two forms: as a regular expression, which finds it in a text
that is all there, and as a machine that takes one character after the other, which can say of a
text that is still coming whether the end of it may be the beginning of something.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from html.entities import codepoint2name
from typing import Final, Protocol

import attrs

from turnwire_core.secrets._machines import State, as_bytes, merged

_SHORTEST_BASE64 = 6
"""Fewer characters of base64 say little and stand in innocent text by chance."""

_MOST_ZEROS: Final = 6
"""Before the number of a character reference: endless zeros must not be held back for ever."""

_LONGEST_ESCAPE: Final = 12
"""For each byte of a character: ``%252541``, ``&#x00000022;``, ``\\\\U0001f600``."""

_MOST_CHARACTERS: Final = 1024
"""Whose spellings are kept: values have most of their characters in common."""

_LETTERS: Final = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}


class Spelling(Protocol):
    """One way to write something, or several."""

    def pattern(self) -> str:
        """As a regular expression."""

    def before(self, follow: State) -> State:
        """As a machine that goes on with ``follow`` when it has been read."""


@attrs.frozen
class Text:
    """These characters; with ``any_case``, which is for ASCII only, in capitals too."""

    text: str
    any_case: bool = False

    def pattern(self) -> str:
        escaped = re.escape(self.text)
        return f"(?i:{escaped})" if self.any_case else escaped

    def before(self, follow: State) -> State:
        state = follow
        for character in reversed(self.text):
            both = {character.lower(), character.upper()} if self.any_case else {character}
            state = dict.fromkeys(both, (state,))
        return state


@attrs.frozen
class Row:
    """One after the other."""

    parts: tuple[Spelling, ...]

    def pattern(self) -> str:
        return "".join(part.pattern() for part in self.parts)

    def before(self, follow: State) -> State:
        for part in reversed(self.parts):
            follow = part.before(follow)
        return follow


@attrs.frozen
class Either:
    """One or another."""

    parts: tuple[Spelling, ...]

    def pattern(self) -> str:
        return f"(?:{'|'.join(part.pattern() for part in self.parts)})"

    def before(self, follow: State) -> State:
        return merged(part.before(follow) for part in self.parts)


@attrs.frozen
class Times:
    """The same again, ``least`` to ``most`` times."""

    part: Spelling
    least: int
    most: int

    def pattern(self) -> str:
        return f"(?:{self.part.pattern()}){{{self.least},{self.most}}}"

    def before(self, follow: State) -> State:
        state = follow
        for count in range(self.most, 0, -1):
            again = self.part.before(state)
            state = again if count <= self.least else merged((again, follow))
        return state


def spellings(value: str) -> list[Spelling]:
    """All ways to write the value.

    Each kind of writing has its own, in which a character may be escaped or not: libraries do not
    agree on what must be. None leaves two ways to match the same text, so no regular expression
    that is made of them can backtrack far.
    """
    kinds: list[Callable[[str], Spelling]] = [
        _in_url,
        _in_html,
        lambda character: _in_string(character, 1),
        lambda character: _in_string(character, 2),
    ]
    ways: list[Spelling] = [_row(map(kind, value)) for kind in kinds]
    raw = as_bytes(value)
    return list(dict.fromkeys([*ways, *_in_base64(raw), _any_case(raw.hex())]))


def longest(value: str) -> int:
    """A bound on the bytes that the value takes in any of its spellings."""
    escaped = sum(
        1 if _is_plain(character) else _LONGEST_ESCAPE * len(as_bytes(character))
        for character in value
    )
    # Of base64, each character may be percent-encoded.
    return max(escaped, 4 * len(as_bytes(value)) + 8)


@lru_cache(_MOST_CHARACTERS)
def _in_url(character: str) -> Spelling:
    """Percent-encoded, perhaps up to three times (a URL in the query of another)."""
    if _is_plain(character):
        return Text(character)
    again = Times(Text("25"), 0, 2)
    encoded = [
        part
        for byte in as_bytes(character)
        for part in (Text("%"), again, Text(f"{byte:02x}", any_case=True))
    ]
    space = (Text("+"),) if character == " " else ()
    return Either((Text(character), Row(tuple(encoded)), *space))


@lru_cache(_MOST_CHARACTERS)
def _in_html(character: str) -> Spelling:
    """A character reference, by number or by name."""
    if _is_plain(character):
        return Text(character)
    code = ord(character)
    zeros = Times(Text("0"), 0, _MOST_ZEROS)
    decimal = Row((Text("&#"), zeros, Text(f"{code};")))
    hexadecimal = Row((Text("&#"), Text("x", any_case=True), zeros, _any_case(f"{code:x};")))
    name = "apos" if character == "'" else codepoint2name.get(code)
    named = (Text(f"&{name};"),) if name else ()
    return Either((Text(character), decimal, hexadecimal, *named))


@lru_cache(_MOST_CHARACTERS)
def _in_string(character: str, depth: int) -> Spelling:
    """Escaped in a string of JSON, JavaScript or Python, or in a string within a string."""
    if _is_plain(character):
        return Text(character)
    if character == "\\":
        return Text("\\" * (1 << depth))
    # The outer string doubles the backslashes of the inner one, if the inner one needed any.
    escape = Times(Text("\\"), 1, 1 << (depth - 1))
    code = ord(character)
    utf16 = character.encode("utf-16-be", "surrogatepass")
    units = [
        part
        for unit in (utf16[:2], utf16[2:])
        if unit
        for part in (escape, _any_case(f"u{unit.hex()}"))
    ]
    ways: list[Spelling] = [Text(character), Row(tuple(units))]
    ways.append(Row((escape, _any_case(f"U{code:08x}"))))
    if code < 0x100:
        ways.append(Row((escape, _any_case(f"x{code:02x}"))))
    if code >= 0x80:
        # The bytes of Python, C or a shell: a character is several of them.
        encoded = as_bytes(character)
        ways.append(Row(tuple(p for byte in encoded for p in (escape, _any_case(f"x{byte:02x}")))))
    if character in _LETTERS:
        ways.append(Row((escape, Text(_LETTERS[character]))))
    elif character in "\"'/":
        ways.append(Row((Times(Text("\\"), 1, (1 << depth) - 1), Text(character))))
    return Either(tuple(ways))


def _in_base64(raw: bytes) -> Iterator[Spelling]:
    for lead in range(3):
        # In a longer base64 text the value begins at one of three alignments. Characters at its
        # edges may carry bits of its neighbours; those between depend on nothing but the value.
        encoded = base64.b64encode(bytes(lead) + raw).decode().rstrip("=")
        inner = encoded[(0, 2, 3)[lead] :]
        # At the end of the base64 text the last character has no neighbour, and is known too.
        loose = 1 if (lead + len(raw)) % 3 else 0
        core, last = inner[: len(inner) - loose], inner[len(inner) - loose :]
        if len(core) >= _SHORTEST_BASE64:
            ending = (Times(_base64(last), 0, 1),) if last else ()
            yield _row((*_base64(core).parts, *ending))
        elif len(core + last) >= _SHORTEST_BASE64:
            yield _base64(core + last)


def _base64(text: str) -> Row:
    """Both alphabets of RFC 4648, and the first also within a URL or an escaped string."""
    return _row(_BASE64.get(character) or _as_it_is(character) for character in text)


def _row(parts: Iterable[Spelling]) -> Row:
    """One after the other, with what stands as it is in one part."""
    row: list[Spelling] = []
    for part in parts:
        last = row[-1] if row else None
        if isinstance(part, Text) and isinstance(last, Text) and part.any_case == last.any_case:
            row[-1] = Text(last.text + part.text, part.any_case)
        else:
            row.append(part)
    return Row(tuple(row))


@lru_cache(_MOST_CHARACTERS)
def _as_it_is(character: str) -> Text:
    return Text(character)


def _any_case(text: str) -> Spelling:
    return Text(text, any_case=True)


_BASE64: Final[dict[str, Spelling]] = {
    "+": Either((Text("+"), Text("-"), _any_case("%2b"))),
    "/": Either((Text("/"), Text("\\/"), Text("_"), _any_case("%2f"))),
}


def _is_plain(character: str) -> bool:
    return character.isascii() and character.isalnum()
