"""Machines that read a text character by character, and know when they have read a value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

State = dict[str, tuple["State", ...]]
"""Where a machine stands: by the next character, where it may stand then.

The key :data:`FOUND` says that what was read until here is a whole value.
"""

FOUND: Final = ""


def merged(states: Iterable[State]) -> State:
    """Standing at several places at once."""
    together: State = {}
    for state in states:
        for character, after in state.items():
            together[character] = together.get(character, ()) + after
    return together


def as_bytes(text: str) -> bytes:
    """UTF-8; a value of the environment that is not has its own bytes back."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
