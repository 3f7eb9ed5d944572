"""Evaluating one check as written: placeholders filled, ``not`` heeded, nothing foreign raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from turnwire.checks.contract import Check, CheckContext, CheckError, CheckResult
from turnwire.checks.foreign import passes_through
from turnwire.checks.structuring import fill_options
from turnwire.kinds import Kinds
from turnwire.suites.model import CheckSpec, Scope
from turnwire_core import TurnwireError


async def evaluate(
    spec: CheckSpec, kinds: Kinds, context: CheckContext, values: Mapping[str, Any]
) -> CheckResult:
    """How a check came out; with ``not``, turned round.

    ``values`` are for the placeholders in its options, keyed as in a template
    (``variables.city``, ``env.USER``, ``reply``, ``connection``, ``test``). The scope is that of
    the spec.

    Raises:
        CheckError: it could not be evaluated; of kind ``plugin`` where its code is broken.
        PluginError: its kind is claimed by two plugins.
    """
    check = kinds.check(spec.kind)
    if check.reads_times and not context.trusts_times:
        raise CheckError(
            f"{spec.kind!r} judges by times, and these are of a recording that was played back, "
            "not the target's. Run it against the target, or say --trust-replayed-times."
        )
    options = fill_options(spec, check, values)
    context = attrs.evolve(context, scope=spec.scope)
    if not spec.negate:
        return await _evaluate(check, options, context)
    results = [await _evaluate(check, options, one) for one in _each_reply(check, context)]
    for index, result in enumerate(results):
        if result.passed:
            where = f"reply {index + 1} of {len(results)}: " if len(results) > 1 else ""
            return _turned(attrs.evolve(result, actual=f"{where}{result.actual}"))
    return _turned(results[-1])


def _each_reply(check: Check, context: CheckContext) -> Sequence[CheckContext]:
    """``not`` over all replies means that it holds of none of them, not that it fails of one."""
    if context.scope is not Scope.ASSISTANT or check.suite_wide or not context.turns:
        return (context,)
    return tuple(
        attrs.evolve(context, turns=context.turns[: end + 1], scope=Scope.LAST)
        for end in range(len(context.turns))
    )


def _turned(result: CheckResult) -> CheckResult:
    return attrs.evolve(result, passed=not result.passed, expected=f"not: {result.expected}")


async def _evaluate(check: Check, options: Any, context: CheckContext) -> CheckResult:
    try:
        result = await check.evaluate(options, context)
    except TurnwireError:
        raise
    except BaseException as exc:
        if passes_through(exc):
            raise
        message = f"The check {check.kind!r} is broken: {type(exc).__name__}: {exc}"
        raise CheckError(message, kind="plugin") from exc
    if not isinstance(result, CheckResult):
        message = f"The check {check.kind!r} is broken: it returned no CheckResult."
        raise CheckError(message, kind="plugin")
    return result
