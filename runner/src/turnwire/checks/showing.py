"""What a check shows of texts and values: short, printable, the interesting place in view."""

from __future__ import annotations

import json
from typing import Any, Final

LIMIT: Final = 300
"""About how many characters are shown of anything."""

_BEFORE: Final = 60
"""How much of that stands before the interesting place."""

_LONGEST_PHRASE: Final = 200


def excerpt(text: str, at: int = 0, limit: int = LIMIT) -> str:
    """``text`` in quotes, control characters written out; of a long one a window around ``at``."""
    if len(text) <= limit:
        return quoted(text)
    start = max(0, min(at - _BEFORE, len(text) - limit))
    end = start + limit
    before = "…" if start else ""
    after = f"… ({len(text)} characters)" if end < len(text) else ""
    return f"{before}{quoted(text[start:end])}{after}"


def quoted(text: str) -> str:
    """The text as JSON writes it: quotes, line breaks and control characters can be seen."""
    return json.dumps(text, ensure_ascii=False)


def value_excerpt(value: Any, limit: int = LIMIT) -> str:
    """A JSON value, or any other, in one line of bounded length."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def bounded(text: str, limit: int = LIMIT) -> str:
    """Plain text, cut to a length."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def parting(one: str, other: str) -> int:
    """The index of the first character in which two texts differ; of the end of the shorter."""
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        return shorter
    # By halves and slices: a loop over characters takes long for a long reply.
    low, high = 0, shorter
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low


def nearest_place(text: str, phrase: str) -> int:
    """Where in ``text`` the longest beginning of ``phrase`` stands: there the two part."""
    phrase = phrase[:_LONGEST_PHRASE]
    low, high = 0, len(phrase)
    while low < high:
        middle = (low + high + 1) // 2
        if phrase[:middle] in text:
            low = middle
        else:
            high = middle - 1
    return text.find(phrase[:low]) + low if low else 0


def number(value: float) -> str:
    """A number as people write it: ``800``, ``12.5``."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def counted(count: int, noun: str) -> str:
    """``1 chunk``, ``3 chunks``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
