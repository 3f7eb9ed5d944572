"""Keeping secret values out of everything that is shown.

One :class:`Secrets` belongs to a config file. Loading fills it: every value that came from the
environment, every credential. Whatever shows text to a person or a file masks it first.

A value is found as it is, and as a server or a library may have written it: in a URL, in JSON (also
JSON in JSON), in HTML, as a Python literal, and in base64, there too as a part of something longer
(``user:secret``). What cannot be found is a value that arrives in pieces, or enciphered.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable
from html.entities import codepoint2name
from typing import Any, Final, NoReturn

MASK: Final = "***"

_SHORTEST = 4
"""Shorter values are not masked: replacing every ``1`` of a log hides nothing and ruins it."""

_SHORTEST_BASE64 = 6
"""Fewer characters of base64 say little and stand in innocent text by chance."""

_LONGEST_ESCAPE = 12
"""For each byte of a character: ``%252541``, ``&#x0000;``, ``\\\\U0001f600``."""

_DEEPEST = 100

_LETTERS: Final = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}


class Secrets:
    """A growing set of secret values, and the mask over them.

    The repr shows only how many there are. A copy hides the same values; pickling is refused.
    """

    __slots__ = ("_patterns", "_reach")

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._patterns: dict[str, list[re.Pattern[str]]] = {}
        self._reach = 0
        for value in values:
            self.add(value)

    def __repr__(self) -> str:
        return f"<Secrets: {len(self)} values>"

    def __len__(self) -> int:
        return len(self._patterns)

    def __copy__(self) -> Secrets:
        copied = Secrets()
        copied.update(self)
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Secrets:
        return self.__copy__()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("Secrets are not pickled: they would be readable in what is written.")

    def add(self, value: str) -> None:
        """Hide ``value`` from now on, also without the white space around it."""
        for form in (value, value.strip()):
            if len(form) >= _SHORTEST and form not in self._patterns:
                self._patterns[form] = [re.compile(pattern) for pattern in _patterns(form)]
                self._reach = max(self._reach, _longest(form))

    def update(self, other: Secrets) -> None:
        """Hide everything that ``other`` hides."""
        self._patterns |= other._patterns
        self._reach = max(self._reach, other._reach)

    def mask(self, text: str) -> str:
        """``text`` with every secret, in any of its written forms, replaced by ``***``."""
        # Again after each find, because a mask may complete a secret that has stars in it. It
        # comes to an end: everything that is found is longer than the mask.
        while spans := self._spans(text):
            text = _replaced(text, spans)
        return text

    @property
    def reach(self) -> int:
        """The most bytes that a secret may take, however it is written.

        Whoever masks a stream must look at so many bytes at once to find one that was split.
        """
        return self._reach

    def find(self, data: bytes) -> list[tuple[int, int]]:
        """Where secrets are in UTF-8 text, or in whatever bytes: (start, end), in no order.

        For what must keep its length; everything else is masked by :meth:`mask`.
        """
        text = data.decode("utf-8", "surrogateescape")
        spans = self._spans(text)
        if len(text) == len(data):
            return spans
        return [(len(_bytes(text[:start])), len(_bytes(text[:end]))) for start, end in spans]

    def _spans(self, text: str) -> list[tuple[int, int]]:
        # Secrets may overlap and contain one another, so each is looked for by itself. That is
        # also faster than one pattern of alternatives, which cannot skip ahead to a first letter.
        spans: list[tuple[int, int]] = []
        for patterns in self._patterns.values():
            for pattern in patterns:
                found = pattern.search(text)
                while found:
                    spans.append(found.span())
                    found = pattern.search(text, found.start() + 1)
        return spans

    def mask_json(self, value: Any) -> Any:
        """A copy of a JSON value with every text in it masked: keys too, and numbers that are one.

        What is nested deeper than 100 levels becomes ``***``.
        """
        return self._mask_json(value, _DEEPEST)

    def _mask_json(self, value: Any, levels: int) -> Any:
        match value:
            case str():
                return self.mask(value)
            case None | bool():
                return value
            case int() | float():
                text = str(value)
                masked = self.mask(text)
                return value if masked == text else masked
            case _ if levels == 0:
                return MASK
            case dict():
                return {
                    self.mask(key) if isinstance(key, str) else key: self._mask_json(
                        item, levels - 1
                    )
                    for key, item in value.items()
                }
            case list() | tuple():
                return [self._mask_json(item, levels - 1) for item in value]
            case _:
                return value


def _replaced(text: str, spans: list[tuple[int, int]]) -> str:
    """``text`` with the union of the spans masked."""
    parts: list[str] = []
    shown = 0
    for start, end in sorted(spans):
        if start > shown or not parts:
            parts += (text[shown:start], MASK)
        shown = max(shown, end)
    return "".join((*parts, text[shown:]))


def _patterns(value: str) -> list[str]:
    """Regular expressions that find the value in all its written forms.

    Each kind of writing has its own, in which a character may be escaped or not: libraries do not
    agree on what must be. None leaves two ways to match the same text, so none can backtrack far.
    """
    kinds: list[Callable[[str], str]] = [
        _in_url,
        _in_html,
        lambda character: _in_string(character, 1),
        lambda character: _in_string(character, 2),
    ]
    patterns = ["".join(map(kind, value)) for kind in kinds]
    return list(dict.fromkeys([*patterns, *_base64_patterns(_bytes(value))]))


def _longest(value: str) -> int:
    """A bound on the bytes that the value takes in any of its written forms."""
    escaped = sum(
        1 if _is_plain(character) else _LONGEST_ESCAPE * len(_bytes(character))
        for character in value
    )
    # Of base64, each character may be percent-encoded.
    return max(escaped, 4 * len(_bytes(value)) + 8)


def _in_url(character: str) -> str:
    """Percent-encoded, perhaps up to three times (a URL in the query of another)."""
    if _is_plain(character):
        return character
    encoded = "".join(f"%(?:25){{0,2}}{byte:02x}" for byte in _bytes(character))
    space = r"|\+" if character == " " else ""
    return f"(?:{re.escape(character)}|(?i:{encoded}){space})"


def _in_html(character: str) -> str:
    """A character reference, by number or by name."""
    if _is_plain(character):
        return character
    code = ord(character)
    name = "apos" if character == "'" else codepoint2name.get(code)
    named = f"|&{name};" if name else ""
    return f"(?:{re.escape(character)}|(?i:&#(?:0*{code}|x0*{code:x});){named})"


def _in_string(character: str, depth: int) -> str:
    """Escaped in a string of JSON, JavaScript or Python, or in a string within a string."""
    if _is_plain(character):
        return character
    if character == "\\":
        return r"\\" * (1 << depth)
    # The outer string doubles the backslashes of the inner one, if the inner one needed any.
    escape = rf"\\{{1,{1 << (depth - 1)}}}"
    code = ord(character)
    utf16 = character.encode("utf-16-be", "surrogatepass")
    units = "".join(f"{escape}u{unit.hex()}" for unit in (utf16[:2], utf16[2:]) if unit)
    byte = f"|{escape}x{code:02x}" if code < 0x100 else ""
    spellings = [re.escape(character), f"(?i:{units}|{escape}U{code:08x}{byte})"]
    if character in _LETTERS:
        spellings.append(escape + _LETTERS[character])
    elif character in "\"'/":
        spellings.append(rf"\\{{1,{(1 << depth) - 1}}}{character}")
    return f"(?:{'|'.join(spellings)})"


def _base64_patterns(raw: bytes) -> Iterable[str]:
    for lead in range(3):
        # In a longer base64 text the value begins at one of three alignments. Characters at its
        # edges may carry bits of its neighbours; those between depend on nothing but the value.
        encoded = base64.b64encode(bytes(lead) + raw).decode().rstrip("=")
        inner = encoded[(0, 2, 3)[lead] :]
        # At the end of the base64 text the last character has no neighbour, and is known too.
        loose = 1 if (lead + len(raw)) % 3 else 0
        core, last = inner[: len(inner) - loose], inner[len(inner) - loose :]
        if len(core) >= _SHORTEST_BASE64:
            yield _base64(core) + (f"(?:{_base64(last)})?" if last else "")
        elif len(core + last) >= _SHORTEST_BASE64:
            yield _base64(core + last)


def _base64(text: str) -> str:
    """Both alphabets of RFC 4648, and the first also within a URL or an escaped string."""
    special = {"+": r"(?:\+|-|(?i:%2b))", "/": r"(?:\\?/|_|(?i:%2f))"}
    return "".join(special.get(character, character) for character in text)


def _is_plain(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _bytes(text: str) -> bytes:
    """UTF-8; a value of the environment that is not has its own bytes back."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
