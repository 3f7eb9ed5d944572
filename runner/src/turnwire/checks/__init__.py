"""Kinds of checks. ``BUILT_IN`` holds our own; plugins add more.

Whoever writes a kind, or a function for the ``python`` check, finds here what it is given and what
it returns.
"""

from __future__ import annotations

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
from turnwire.checks.json_value import JsonCheck
from turnwire.checks.judged import JudgeCheck
from turnwire.checks.percentiles import Percentiles
from turnwire.checks.python_function import PythonCheck
from turnwire.checks.replies import Events, EventWithin, NoErrorEvent, VerdictCheck
from turnwire.checks.similarity import Similarity
from turnwire.checks.streaming import Streams
from turnwire.checks.texts import (
    Contains,
    EndsWith,
    Equals,
    IContains,
    Length,
    Regex,
    StartsWith,
)
from turnwire.checks.timing import (
    CharsPerS,
    FirstTokenMs,
    GapMs,
    LatencyMs,
    MaxGapMs,
    MinChunks,
)

BUILT_IN: tuple[Check, ...] = (
    Equals(),
    Contains(),
    IContains(),
    StartsWith(),
    EndsWith(),
    Regex(),
    Length(),
    JsonCheck(),
    Similarity(),
    PythonCheck(),
    JudgeCheck(),
    VerdictCheck(),
    NoErrorEvent(),
    Events(),
    EventWithin(),
    FirstTokenMs(),
    LatencyMs(),
    MaxGapMs(),
    GapMs(),
    MinChunks(),
    CharsPerS(),
    Streams(),
    Percentiles(),
)

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
