"""What installed distributions announce: entry points, read from metadata, nothing imported.

Read distribution by distribution, because ``importlib.metadata.entry_points`` and pluggy's own
loader stop at the first one whose metadata is broken, and that is a stranger's.
"""

from __future__ import annotations

import functools
import importlib.metadata
import sys

import attrs


@attrs.frozen
class Announced:
    """An entry point, with the name and version of the distribution that has it."""

    distribution: tuple[str, str]
    entry_point: importlib.metadata.EntryPoint


def announced(group: str) -> tuple[Announced, ...]:
    """The entry points of a group. A distribution that is twice on the path counts once."""
    return _announced(group, tuple(sys.path))


@functools.lru_cache(maxsize=8)
def _announced(group: str, _path: tuple[str, ...]) -> tuple[Announced, ...]:
    """Reading all metadata takes some 20 ms, and a process may ask thousands of times."""
    found: dict[tuple[str, str], Announced] = {}
    for distribution in importlib.metadata.distributions():
        try:
            entry_points = distribution.entry_points.select(group=group)
            # Most have none in the group. Metadata holds the whole README, and is slow to read.
            named = _named(distribution) if entry_points else ("", "")
            for entry_point in entry_points:
                # The first one on the path is what is imported.
                found.setdefault((entry_point.name, named[0]), Announced(named, entry_point))
        except Exception:  # noqa: BLE001,S112 # whose metadata cannot be read announces nothing
            continue
    return tuple(found.values())


def _named(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    metadata = distribution.metadata
    if "Name" not in metadata:
        return "an unknown distribution", "?"
    return metadata["Name"], metadata["Version"]
