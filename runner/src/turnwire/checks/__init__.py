"""Kinds of checks. ``BUILT_IN`` names our own; plugins add more.

Whoever writes a kind, or a function for the ``python`` check, finds here what it is given and what
it returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from turnwire.checks.contract import (
    Check,
    CheckContext,
    CheckError,
    CheckResult,
    Judge,
    Judgement,
    TurnEvent,
    TurnRecord,
)

BUILT_IN: Final[Mapping[str, str]] = {
    "equals": "turnwire.checks.texts:Equals",
    "contains": "turnwire.checks.texts:Contains",
    "icontains": "turnwire.checks.texts:IContains",
    "starts_with": "turnwire.checks.texts:StartsWith",
    "ends_with": "turnwire.checks.texts:EndsWith",
    "regex": "turnwire.checks.texts:Regex",
    "length": "turnwire.checks.texts:Length",
    "json": "turnwire.checks.json_value:JsonCheck",
    "similarity": "turnwire.checks.similarity:Similarity",
    "python": "turnwire.checks.python_function:PythonCheck",
    "judge": "turnwire.checks.judged:JudgeCheck",
    "verdict": "turnwire.checks.replies:VerdictCheck",
    "no_error_event": "turnwire.checks.replies:NoErrorEvent",
    "events": "turnwire.checks.replies:Events",
    "event_within": "turnwire.checks.replies:EventWithin",
    "first_token_ms": "turnwire.checks.timing:FirstTokenMs",
    "latency_ms": "turnwire.checks.timing:LatencyMs",
    "max_gap_ms": "turnwire.checks.timing:MaxGapMs",
    "gap_ms": "turnwire.checks.timing:GapMs",
    "min_chunks": "turnwire.checks.timing:MinChunks",
    "chars_per_s": "turnwire.checks.timing:CharsPerS",
    "streams": "turnwire.checks.streaming:Streams",
    "percentiles": "turnwire.checks.percentiles:Percentiles",
}
"""Where the class of each kind is; :class:`~turnwire.kinds.Kinds` imports it when it is used."""

__all__ = [
    "BUILT_IN",
    "Check",
    "CheckContext",
    "CheckError",
    "CheckResult",
    "Judge",
    "Judgement",
    "TurnEvent",
    "TurnRecord",
]
