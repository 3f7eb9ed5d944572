"""What is odd about a reply that was read: quick enough to be asked of every one.

Only what the reader holds anyway is looked at, and the first glance nearly always ends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

_WORTH_SAYING = 12
"""Characters. A reply may well say "no" twice."""


def is_cumulative(texts: Sequence[str]) -> bool:
    """Whether each text holds all of the one before it: cumulative events, not deltas."""
    grown = 0
    for before, after in pairwise(texts):
        if not after.startswith(before):
            return False
        grown += len(after) > len(before)
    return grown >= 2 or (grown == 1 and len(texts) == 2 and len(texts[0]) >= 12)


def repetition(parts: Sequence[str]) -> str | None:
    """Why deltas that were appended make a text that repeats itself; None if they do not."""
    if len(parts) < 2:
        return None
    if parts[1].startswith(parts[0]) and is_cumulative(parts):
        return (
            "The text repeats itself: each event holds all of the text so far, but is read as "
            'a delta. Write "content": [{"path": …, "mode": "cumulative"}] instead of '
            '"contentPath".'
        )
    last = parts[-1]
    if len(parts) < 3 or len(last) < _WORTH_SAYING or not last.startswith(parts[0]):
        return None
    if last == "".join(parts[:-1]):
        return (
            "The text is there twice: the last event with content repeats all of it. Leave that "
            'event out with "when", or "unless", in a rule of "content".'
        )
    return None


def restarts(count: int, chunks: int) -> str | None:
    """Why a text that is read as cumulative was begun anew so often; None if it was not."""
    if count < 2 or count * 2 < chunks:
        return None
    return (
        f'The text was replaced {count} times: its events do not hold the text so far, as "mode": '
        '"cumulative" says, but each a new piece of it. Write "mode": "delta".'
    )
