"""Checks of a test or of a suite: their outcome, whatever they do, their log entry, their judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Final

import attrs

from turnwire.checks.contract import CheckContext, CheckError, Judge, Judgement
from turnwire.checks.evaluation import evaluate
from turnwire.engine.failures import failure_of
from turnwire.engine.results import CheckOutcome
from turnwire.engine.surroundings import Surroundings
from turnwire.kinds import Kinds
from turnwire.runlog import RunLog
from turnwire.runlog.entries import CheckEvaluated
from turnwire.suites.model import CheckSpec, Suite
from turnwire_core import ConfigError, Connection, Conversation, Message, PluginError


async def evaluated(
    spec: CheckSpec,
    kinds: Kinds,
    context: CheckContext,
    values: Mapping[str, Any],
    *,
    suite: Suite,
    connection: Connection,
    turn: int | None = None,
) -> CheckOutcome:
    """How a check came out, masked. Raises nothing that a check may do wrong."""
    mask = connection.secrets.mask
    outcome = partial(
        CheckOutcome,
        name=spec.name or spec.kind,
        kind=spec.kind,
        origin=spec.origin,
        suite=suite.name,
        connection=connection.name,
        severity=spec.severity,
        scope=spec.scope,
        message=mask(spec.message) if spec.message else None,
        turn=turn,
    )
    try:
        result = await evaluate(spec, kinds, context, values)
    except KeyError:
        message = f"There is no check {spec.kind!r}."
        return outcome(status="error", actual=message, failure="config")
    except (Exception, SystemExit) as exc:  # noqa: BLE001 # a user's function may raise anything
        failure = failure_of(exc, mask)
        return outcome(
            status="error",
            actual=failure.message,
            failure=failure.kind,
            detail=failure.traceback,
        )
    return outcome(
        status="passed" if result.passed else "failed",
        expected=mask(result.expected),
        actual=mask(result.actual),
        score=result.score,
        detail=mask(result.detail) if result.detail else None,
        failure=None if result.passed else "check",
    )


_OUTCOME: Final = tuple(field.name for field in attrs.fields(CheckOutcome))


def log_check(log: RunLog | None, outcome: CheckOutcome, *, test: str | None) -> None:
    """Write how a check came out."""
    if log is None:
        return
    fields = {name: getattr(outcome, name) for name in _OUTCOME} | {
        "severity": outcome.severity.value,
        "scope": outcome.scope.value,
        "origin": str(outcome.origin),
    }
    log.write(CheckEvaluated(t=log.now, run=log.run, test=test, **fields))


class CaseJudge:
    """The judge of a suite: its connection is looked up when somebody judges."""

    def __init__(self, suite: Suite, around: Surroundings, test: str | None) -> None:
        self._suite = suite
        self._around = around
        self._test = test

    async def judge(
        self, *, rubric: str, threshold: float, transcript: Sequence[Message]
    ) -> Judgement:
        """See :meth:`Judge.judge`."""
        from turnwire.judging import ConnectionJudge, OfflineJudge

        name = self._suite.judge
        judge: Judge
        if name is None:
            judge = OfflineJudge()
        else:
            try:
                connection = await self._around.sources.connection(name, self._suite)
            except ConfigError as exc:
                raise CheckError(f"The judge {name!r}: {exc}", kind="config") from exc
            except PluginError as exc:
                raise CheckError(f"The judge {name!r}: {exc}", kind="plugin") from exc
            judge = ConnectionJudge(connection, opening=self._opened)
        return await judge.judge(rubric=rubric, threshold=threshold, transcript=transcript)

    def _opened(self, connection: Connection) -> AbstractAsyncContextManager[Conversation]:
        return self._around.opened(connection, test=self._test, role="judge")
