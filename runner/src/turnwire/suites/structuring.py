"""Helpers to turn a file's data into classes without stopping at the first thing that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import attrs

from turnwire.checks.structuring import PLACEHOLDERS
from turnwire.suites.model import Origin
from turnwire.suites.sources import Ledger
from turnwire_core.config import Findings, describe, keys_of, structure_mapping

T = TypeVar("T")


def structure_leniently(
    ledger: Ledger, origin: Origin, raw: Any, cls: type[T], *, stand_ins: Mapping[str, Any] = {}
) -> T | None:
    """Build ``cls``; what is wrong is noted, and left out.

    ``stand_ins`` are values for required keys that are missing or wrong, so that the rest can be
    looked at all the same. None where nothing can be made of it.
    """
    try:
        return structure_mapping(raw, cls, names=PLACEHOLDERS, ignore=_IGNORED)
    except Findings as exc:
        ledger.add_findings(origin, exc.findings)
        wrong = {finding.location[0] for finding in exc.findings if finding.location}
    if not isinstance(raw, Mapping):
        return None
    rest = {key: value for key, value in raw.items() if key not in wrong}
    try:
        return structure_mapping({**stand_ins, **rest}, cls, names=PLACEHOLDERS, ignore=_IGNORED)
    except Findings:
        return None


_IGNORED = frozenset({"$schema"})


def overlay(ledger: Ledger, origin: Origin, base: T, raw: Any) -> T:
    """``base`` with the keys that ``raw`` has; what is wrong with these is noted."""
    if not isinstance(raw, Mapping):
        ledger.add(origin, f"Expected an object, found {describe(raw)}.")
        return base
    cls = type(base)
    built = structure_leniently(ledger, origin, raw, cls)
    if built is None:
        return base
    spellings = keys_of(cls)
    written = {spellings[key].name for key in raw if key in spellings}
    return attrs.evolve(base, **{name: getattr(built, name) for name in written})  # type: ignore[misc] # every T here is an attrs class
