"""The comparison as JSON: all of it."""

from __future__ import annotations

from typing import Any, Final

from turnwire.comparing.model import Change, Comparison, Delta
from turnwire.reports.json_ import dump, to_json

SCHEMA_VERSION: Final = 1
"""Changes when something that is there today is to be read differently; new keys may come."""


def render(comparison: Comparison) -> str:
    """The document. Numbers are in the unit that stands beside them."""
    document = to_json(comparison)
    document["times"] = [
        {
            "connection": times.connection,
            "deltas": [_delta(delta) for delta in times.deltas],
            "most": to_json(list(times.most)),
        }
        for times in comparison.times
    ]
    counts = {change.value: len(comparison.with_change(change)) for change in Change}
    return dump(
        {
            "schemaVersion": SCHEMA_VERSION,
            "broke": comparison.broke,
            "slower": comparison.slower,
            "counts": counts,
            **document,
        }
    )


def _delta(delta: Delta) -> dict[str, Any]:
    fields: dict[str, Any] = to_json(delta)
    return {**fields, "difference": delta.difference, "percent": delta.percent}
