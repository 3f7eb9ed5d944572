"""The check that asks a judge."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from turnwire.checks.contract import Check, CheckContext, CheckResult
from turnwire.checks.showing import bounded, number
from turnwire.suites.model import Scope
from turnwire_core import Message
from turnwire_core.contracts.connection import option


@attrs.frozen
class JudgeOptions:
    """What a judge is asked."""

    rubric: str = option("What a good answer is, in words.")
    threshold: float = option("The score, from 0 to 1, that is enough.", 0.7)

    def __attrs_post_init__(self) -> None:
        if not self.rubric.strip():
            raise ValueError("A rubric says what a good answer is; this one is empty.")
        if not 0 < self.threshold <= 1:
            # With 0 everything would pass, whatever the judge says.
            raise ValueError("'threshold' is above 0 and at most 1.")


class JudgeCheck(Check):
    """A judge finds that a rubric is met.

    The scope is what the judge reads: the last message with its reply (``last``), the replies only
    (``assistant``), or the whole conversation (``transcript``). A judge that cannot be reached, or
    whose answer is no judgement, makes the check an error of kind ``judge``, never a pass.
    """

    kind = "judge"
    reads_events = False
    options = JudgeOptions
    shorthand = "rubric"
    doc = "A judge, which is another connection, finds that a rubric is met."

    async def evaluate(self, options: JudgeOptions, context: CheckContext) -> CheckResult:
        """See :meth:`Check.evaluate`."""
        judgement = await context.judge.judge(
            rubric=options.rubric, threshold=options.threshold, transcript=_read_by_judge(context)
        )
        reasoning = f": {bounded(judgement.reasoning)}" if judgement.reasoning else ""
        return CheckResult(
            passed=judgement.passed,
            expected=f"a score of {number(options.threshold)} or more for: "
            f"{bounded(options.rubric)}",
            actual=f"{number(judgement.score)}{reasoning}",
            score=judgement.score,
            detail=judgement.reasoning or None,
        )


def _read_by_judge(context: CheckContext) -> Sequence[Message]:
    last = context.last
    match context.scope:
        case Scope.LAST:
            return (Message("user", last.message), last.reply.message)
        case Scope.ASSISTANT:
            return tuple(turn.reply.message for turn in context.turns)
        case Scope.TRANSCRIPT:
            return context.transcript
