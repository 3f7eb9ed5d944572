"""A check that must hold of every text, or of every turn, in its scope."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from turnwire.checks.contract import CheckContext, CheckResult, TurnRecord
from turnwire.checks.showing import excerpt

Outcome = tuple[bool, str]
"""Whether it holds, and what was found, for people."""


def each_text(
    context: CheckContext, expected: str, test: Callable[[str], Outcome | bool]
) -> CheckResult:
    """The first text of which it does not hold is what is shown; else the last one.

    A test that gives only true or false shows the beginning of the text.
    """

    def outcome(text: str) -> Outcome:
        result = test(text)
        return (result, excerpt(text)) if isinstance(result, bool) else result

    return _first_that_fails(expected, [outcome(text) for text in context.texts()])


def each_turn(
    context: CheckContext, expected: str, test: Callable[[TurnRecord], Outcome]
) -> CheckResult:
    """The first turn of which it does not hold is what is shown; else the last one."""
    return _first_that_fails(expected, [test(turn) for turn in context.scoped_turns()])


def _first_that_fails(expected: str, outcomes: Sequence[Outcome]) -> CheckResult:
    for index, (passed, actual) in enumerate(outcomes):
        if not passed:
            where = f"reply {index + 1} of {len(outcomes)}: " if len(outcomes) > 1 else ""
            return CheckResult(False, expected, f"{where}{actual}")
    return CheckResult(True, expected, outcomes[-1][1])
