"""What was worked out, how sure that is, and why."""

from __future__ import annotations

from typing import Any

import attrs

CERTAIN = 0.9
LIKELY = 0.65


@attrs.frozen
class Finding:
    """One thing that was worked out.

    ``field`` is where it stands in the connection, as people write it: ``sse.contentPath``.
    ``confidence`` is between 0 and 1. ``because`` is the evidence in words, ``alternatives`` what
    came close. ``value`` is what is written there; for a field that is rightly left out, None.
    """

    field: str
    value: Any
    confidence: float
    because: str
    alternatives: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """The confidence in a word."""
        if self.confidence >= CERTAIN:
            return "certain"
        return "likely" if self.confidence >= LIKELY else "a guess"


def counted(count: int, noun: str) -> str:
    """``1 event``, ``3 events``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
