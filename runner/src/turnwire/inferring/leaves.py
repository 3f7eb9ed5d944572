"""Walking through JSON: every scalar with the way to it, and that way as a path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import attrs

from turnwire_core.paths import spell

Steps = tuple[str | int, ...]
"""The keys and indexes that lead to one value."""

Shape = tuple[str | None, ...]
"""The same with None for every index: what one path with wildcards leads to."""

_DEEPEST: Final = 12
_MOST_LEAVES: Final = 2000
_MOST_ITEMS: Final = 64


@attrs.frozen
class Leaf:
    """A scalar in an event."""

    steps: Steps
    value: str | int | float | bool | None

    @property
    def name(self) -> str:
        """The last key on the way to it; empty at the root."""
        return last_name(shape_of(self.steps))


def leaves(value: Any) -> list[Leaf]:
    """The scalars of an event, in the order in which they stand there, up to a bound."""
    found: list[Leaf] = []
    for leaf in _walk(value, ()):
        found.append(leaf)
        if len(found) == _MOST_LEAVES:
            break
    return found


def _walk(value: Any, steps: Steps) -> Iterator[Leaf]:
    if isinstance(value, dict):
        if len(steps) < _DEEPEST:
            for key, item in value.items():
                yield from _walk(item, (*steps, key))
    elif isinstance(value, list):
        if len(steps) < _DEEPEST:
            for index, item in enumerate(value[:_MOST_ITEMS]):
                yield from _walk(item, (*steps, index))
    else:
        yield Leaf(steps, value)


def shape_of(steps: Steps) -> Shape:
    """The way without its indexes."""
    return tuple(step if isinstance(step, str) else None for step in steps)


def last_name(shape: Shape) -> str:
    """The last key of a way; empty where there is none."""
    return next((step for step in reversed(shape) if step is not None), "")


def names(shape: Shape) -> list[str]:
    """All keys of a way."""
    return [step for step in shape if step is not None]


def at_first(shape: Shape) -> str:
    """The path that takes the first item of every list."""
    return spell(tuple(0 if step is None else step for step in shape))
