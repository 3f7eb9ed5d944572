"""Turns without a target, and one check on them as a suite would write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from turnwire.checks import BUILT_IN
from turnwire.checks.contract import CheckContext, CheckResult, Judge, TurnEvent, TurnRecord
from turnwire.checks.evaluation import evaluate
from turnwire.checks.structuring import structure_check
from turnwire.judging import OfflineJudge
from turnwire.kinds import Kinds
from turnwire.suites.model import CheckSpec, Origin
from turnwire_core import Chunk, Message, Reply, Verdict
from turnwire_core.events import WireTimes
from turnwire_core.recorder import Recorder

ORIGIN = Origin("shop.turnwire.yaml", "$.tests[0].checks[0]", 7)


OURS = Kinds(discover=False)
"""The built-in kinds, whatever is installed."""


def turn(
    *texts: str | tuple[float, str],
    message: str = "Hello",
    verdict: Verdict = Verdict.FINISHED,
    error: str | None = None,
    finished_ms: float | None = None,
    events: Sequence[tuple[str, float] | tuple[str, float, Any]] = (),
) -> TurnRecord:
    """A turn whose reply came in these pieces: (milliseconds from the start, text)."""
    recorder = Recorder(0)
    pieces = [
        (10.0 * (index + 1), one) if isinstance(one, str) else one
        for index, one in enumerate(texts)
    ]
    chunks = []
    for index, (at_ms, text) in enumerate(pieces):
        at_ns = int(at_ms * 1_000_000)
        recorder.chunk(at_ns, len(text))
        chunks.append(Chunk(index, text, at_ns))
    end_ms = finished_ms or (pieces[-1][0] if pieces else 0.0)
    if verdict is Verdict.FINISHED:
        recorder.finish(int(end_ms * 1_000_000))
    reply = Reply(
        content="".join(text for _, text in pieces),
        verdict=verdict,
        metrics=recorder.metrics(int(end_ms * 1_000_000), WireTimes()),
        ok=verdict is Verdict.FINISHED,
        error=error,
    )
    return TurnRecord(message, reply, [TurnEvent(*event) for event in events], chunks)


def context_of(
    *turns: TurnRecord | str,
    judge: Judge | None = None,
    directory: Path = Path(),
    variables: Mapping[str, Any] | None = None,
) -> CheckContext:
    """What a check sees after these turns; a text stands for the reply of one."""
    records = [turn(one) if isinstance(one, str) else one for one in turns]
    transcript = [
        said
        for one in records
        if one.reply.ok
        for said in (Message("user", one.message), one.reply.message)
    ]
    return CheckContext(records, transcript, variables or {}, judge or OfflineJudge(), directory)


def written(raw: Any, kinds: Kinds | None = None) -> CheckSpec:
    """A check as a file has it."""
    kinds = kinds or OURS
    suite_wide = any(OURS.check(kind).suite_wide and kind in raw for kind in BUILT_IN)
    return structure_check(raw, kinds, ORIGIN, suite_wide=suite_wide)


async def check(
    raw: Any,
    *turns: TurnRecord | str,
    values: Mapping[str, Any] | None = None,
    kinds: Kinds | None = None,
    **context: Any,
) -> CheckResult:
    """Evaluate a check as a file has it."""
    spec = written(raw, kinds)
    return await evaluate(spec, kinds or OURS, context_of(*turns, **context), values or {})
