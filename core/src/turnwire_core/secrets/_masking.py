"""Keeping secret values out of everything that is shown.

One :class:`Secrets` belongs to a config file. Loading fills it: every value that came from the
environment, every credential. Whatever shows text to a person or a file masks it first.

A value is found as it is, and as a server or a library may have written it: in a URL, in JSON (also
JSON in JSON), in HTML, as a Python literal, in hexadecimal digits, and in base64, there too as a
part of something longer (``user:secret``). In a text that arrives in pieces it is found by
:class:`~turnwire_core.secrets.MaskedPieces`. What cannot be found is a value that is enciphered, or
that has other text within it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any, Final, NoReturn

from turnwire_core.secrets._machines import FOUND, State, as_bytes, merged

MASK: Final = "***"

_SHORTEST = 4
"""Shorter values are not masked: replacing every ``1`` of a log hides nothing and ruins it."""

_DEEPEST = 100


class _Value:
    """One value, ready to be found. Sets that hide the same value share it."""

    def __init__(self, value: str) -> None:
        from turnwire_core.secrets._spellings import longest, spellings  # where there are secrets

        self.longest = longest(value)
        self._spellings = spellings(value)
        ways = dict.fromkeys(spelling.pattern() for spelling in self._spellings)
        self.patterns = [re.compile(pattern) for pattern in ways]

    @cached_property
    def machine(self) -> State:
        """Made when it is first wanted: it takes a hundred times the room of the value."""
        return merged(spelling.before({FOUND: ()}) for spelling in self._spellings)


class Secrets:
    """A growing set of secret values, and the mask over them.

    The repr shows only how many there are. A copy hides the same values; pickling is refused.
    """

    __slots__ = ("__weakref__", "_known", "_machine", "_reach")

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._known: dict[str, _Value] = {}
        self._machine: State | None = None
        self._reach = 0
        for value in values:
            self.add(value)

    def __repr__(self) -> str:
        return f"<Secrets: {len(self)} values>"

    def __len__(self) -> int:
        return len(self._known)

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
            if len(form) >= _SHORTEST and form not in self._known:
                self._known[form] = known = _Value(form)
                self._machine = None
                self._reach = max(self._reach, known.longest)

    def update(self, other: Secrets) -> None:
        """Hide everything that ``other`` hides."""
        self._known |= other._known
        self._reach = max(self._reach, other._reach)
        self._machine = None

    @property
    def machine(self) -> State:
        """Finds every secret in a text that is read character by character; at its beginning."""
        if self._machine is None:
            self._machine = merged(value.machine for value in self._known.values())
        return self._machine

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
        return [(len(as_bytes(text[:start])), len(as_bytes(text[:end]))) for start, end in spans]

    def _spans(self, text: str) -> list[tuple[int, int]]:
        # Secrets may overlap and contain one another, so each is looked for by itself. That is
        # also faster than one pattern of alternatives, which cannot skip ahead to a first letter.
        spans: list[tuple[int, int]] = []
        for value in self._known.values():
            for pattern in value.patterns:
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
