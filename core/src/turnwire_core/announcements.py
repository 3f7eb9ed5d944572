"""What installed distributions announce: entry points, read from metadata, nothing imported.

Read distribution by distribution, because ``importlib.metadata.entry_points`` and pluggy's own
loader stop at the first one whose metadata is broken, and that is a stranger's.
"""

from __future__ import annotations

import functools
import importlib.metadata
import sys
from typing import Final

import attrs

_OURS: Final = "turnwire."
"""How the names of our groups begin."""


@attrs.frozen
class Announced:
    """An entry point, with the name and version of the distribution that has it."""

    distribution: tuple[str, str]
    entry_point: importlib.metadata.EntryPoint


def announced(group: str) -> tuple[Announced, ...]:
    """The entry points of one of our groups, which begin with ``turnwire.``.

    A distribution that is twice on the path counts once.
    """
    return tuple(one for one in _announced(tuple(sys.path)) if one.entry_point.group == group)


@functools.lru_cache(maxsize=4)
def _announced(_path: tuple[str, ...]) -> tuple[Announced, ...]:
    """Of all our groups at once: reading takes long, and a process may ask thousands of times."""
    found: dict[tuple[str, str, str], Announced] = {}
    for distribution in importlib.metadata.distributions():
        try:
            # Most have none for us. To look for the word is to spare nearly all of them the parser.
            if _OURS not in (distribution.read_text("entry_points.txt") or ""):
                continue
            # Metadata holds the whole README, and is slow to read.
            named = _named(distribution)
            for one in distribution.entry_points:
                if one.group.startswith(_OURS):
                    # The first one on the path is what is imported.
                    found.setdefault((one.group, one.name, named[0]), Announced(named, one))
        except Exception:  # noqa: BLE001,S112 # whose metadata cannot be read announces nothing
            continue
    return tuple(found.values())


def _named(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    metadata = distribution.metadata
    if "Name" not in metadata:
        return "an unknown distribution", "?"
    return metadata["Name"], metadata["Version"]
