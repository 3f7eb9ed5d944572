"""Running tests: many at once, each over its connection, whatever goes wrong in one of them.

async with ConnectionSource(config=file) as sources:
    outcome = await run_cases(cases, sources=sources, kinds=Kinds.installed(), log=log, jobs=8)
"""

from __future__ import annotations

from turnwire.builtin import BUILTIN_PREFIX, builtin_connection
from turnwire.engine.case import run_case
from turnwire.engine.events import (
    CaseFinished,
    CaseStarted,
    CheckDone,
    ChunkArrived,
    Event,
    ReplyMisread,
    TurnFinished,
    TurnStarted,
)
from turnwire.engine.results import (
    CASE_STATUSES,
    CaseResult,
    CheckOutcome,
    RunOutcome,
)
from turnwire.engine.run import check_suites, run_cases
from turnwire.engine.shared import Shared
from turnwire.engine.sources import ConnectionSource

__all__ = [
    "BUILTIN_PREFIX",
    "CASE_STATUSES",
    "CaseFinished",
    "CaseResult",
    "CaseStarted",
    "CheckDone",
    "CheckOutcome",
    "ChunkArrived",
    "ConnectionSource",
    "Event",
    "ReplyMisread",
    "RunOutcome",
    "Shared",
    "TurnFinished",
    "TurnStarted",
    "builtin_connection",
    "check_suites",
    "run_case",
    "run_cases",
]
