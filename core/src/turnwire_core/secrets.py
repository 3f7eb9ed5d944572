"""Keeping secret values out of everything that is shown.

One :class:`Secrets` belongs to a config file. Loading fills it: every value that came from the
environment, every credential. Whatever shows text to a person or a file masks it first.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"

_SHORTEST = 4
"""Shorter values are not masked: replacing every ``1`` of a log hides nothing and ruins it."""


class Secrets:
    """A growing set of secret values, and the mask over them.

    The repr shows only how many there are.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for value in values:
            self.add(value)

    def __repr__(self) -> str:
        return f"<Secrets: {len(self._values)} values>"

    def __len__(self) -> int:
        return len(self._values)

    def add(self, value: str) -> None:
        """Hide ``value`` from now on, also without the white space around it."""
        for form in {value, value.strip()}:
            if len(form) >= _SHORTEST and form not in self._values:
                self._values.add(form)
                self._pattern = None

    def update(self, other: Secrets) -> None:
        """Hide everything that ``other`` hides."""
        for value in other._values:
            self.add(value)

    def mask(self, text: str) -> str:
        """``text`` with every secret, in any of its written forms, replaced by ``***``."""
        if not self._values or not text:
            return text
        if self._pattern is None:
            forms = {form for value in self._values for form in _forms(value)}
            longest_first = sorted(forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        return self._pattern.sub(MASK, text)

    def mask_json(self, value: Any) -> Any:
        """A copy of a JSON value with every string in it masked, keys too."""
        match value:
            case str():
                return self.mask(value)
            case dict():
                return {
                    self.mask(key) if isinstance(key, str) else key: self.mask_json(item)
                    for key, item in value.items()
                }
            case list() | tuple():
                return [self.mask_json(item) for item in value]
            case _:
                return value


def _forms(value: str) -> set[str]:
    """The ways in which a server or a library may write the value."""
    forms = {
        value,
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
        quote(value, safe="").lower(),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
    }
    raw = value.encode()
    for lead in range(3):
        # Inside a longer base64 text a value has one of three alignments. Only the characters
        # that depend on nothing but the value can be looked for.
        encoded = base64.b64encode(bytes(lead) + raw).decode()
        start = (0, 2, 3)[lead]
        end = len(encoded) - (0, 3, 2)[(lead + len(raw)) % 3]
        core = encoded[start:end]
        if len(core) >= _SHORTEST:
            forms.add(core)
            forms.add(core.replace("+", "-").replace("/", "_"))
    forms.add(base64.b64encode(raw).decode())
    forms.add(base64.urlsafe_b64encode(raw).decode())
    return {form for form in forms if len(form) >= _SHORTEST}
