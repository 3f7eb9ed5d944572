"""What a failed test of a suite looks like in pytest's report, in place of a traceback."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from turnwire.checks.contract import CheckError, FailureKind
from turnwire.engine import CaseResult, CheckOutcome
from turnwire.pytesting.showing import labelled, turn_lines
from turnwire.steps.contract import StepError
from turnwire.view.text import visible
from turnwire_core import ConfigError, TurnwireError

_BLAME: Final = {
    "check": "check failed",
    "transport": "transport error",
    "config": "config error",
    "judge": "judge error",
    "plugin": "plugin error",
}
"""By kind of failure: what the first line, and the line in pytest's summary, begin with."""


_OPTIONS: Final = re.compile(r"(?<![\w-])--(config|connection)\b")
"""Of ``turnwire run``, as messages name them."""


@attrs.frozen
class _Crash:
    """What pytest and its plugins read of a failure: where it is, and one line about it."""

    path: str
    lineno: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.lineno}: {self.message}"


class Failure:
    """A failure to pytest: something that can be written to a terminal, and has a summary.

    Files below ``here``, where pytest was called, are named as the terminal can open them.
    """

    def __init__(self, lines: Sequence[str], at: tuple[str, int], here: Path) -> None:
        """``lines`` begin with the summary."""
        self._lines = [line.replace(f"{here}{os.sep}", "") for line in lines]
        self.reprcrash = _Crash(*at, self._lines[0])

    def __str__(self) -> str:
        return "\n".join(self._lines)

    def toterminal(self, tw: Any) -> None:
        """Write it, as pytest asks its own representations to."""
        for line in self._lines:
            tw.line(line)


class CaseFailed(Exception):
    """A case did not pass."""

    def __init__(self, result: CaseResult) -> None:
        self.result = result
        self.summary = _summary(result)
        super().__init__(self.summary)

    def lines(self, again: str) -> list[str]:
        """The whole report; ``again`` is the command that repeats the test."""
        result = self.result
        case = result.case
        protocol = f" ({result.connection.protocol})" if result.connection else ""
        lines = [
            self.summary,
            f"{case.test.name}, over {visible(case.connection)}{protocol}",
            f"at {case.test.origin}",
        ]
        if result.turns:
            lines += ["", *_transcript(result)]
        if result.checks:
            lines += ["", "checks", *_checks(result.checks)]
        # What the summary and the checks do not say already.
        said = {*result.reasons[:1], *(check.reason for check in result.checks)}
        if others := [one for one in result.reasons if one not in said]:
            lines += ["", *map(visible, others)]
        if result.traceback is not None:
            lines += ["", *visible(result.traceback, lines=True).splitlines()]
        return [*lines, "", f"again: {again}"]


class SuiteChecksFailed(Exception):
    """A check over a whole suite did not hold, or could not be evaluated."""

    def __init__(self, checks: Sequence[CheckOutcome]) -> None:
        self.checks = checks
        bad = [check for check in checks if check.counts]
        self.summary = f"{_BLAME[bad[0].failure or 'check']}: {visible(bad[0].reason)}"
        super().__init__(self.summary)

    def lines(self, again: str) -> list[str]:
        """The whole report; ``again`` is the command that repeats the suite."""
        return [self.summary, "", *_checks(self.checks), "", f"again: {again}"]


def describe_error(error: TurnwireError) -> list[str]:
    """An error in words: of a file that is written wrong, every problem on a line of its own."""
    kind: FailureKind
    match error:
        case ConfigError(problems=[_, _, *_] as problems):
            head = f"{_BLAME['config']}: {len(problems)} problems"
            return [head, *(f"  {_for_pytest(str(problem))}" for problem in problems)]
        case ConfigError():
            kind = "config"
        case CheckError() | StepError():
            kind = error.kind
        case _:
            kind = "plugin"
    return [f"{_BLAME[kind]}: {_for_pytest(str(error))}"]


def _for_pytest(text: str) -> str:
    """What a config error says, with the options named as pytest has them."""
    return _OPTIONS.sub(r"--turnwire-\1", visible(text))


def _summary(result: CaseResult) -> str:
    reason = next(iter(result.reasons), None) or result.error or "It did not pass."
    said = _for_pytest(reason) if result.failure == "config" else visible(reason)
    return f"{_BLAME[result.failure or 'check']}: {said}"


def _transcript(result: CaseResult) -> Iterator[str]:
    mask = (result.connection or result.case.suite).secrets.mask
    for turn in result.turns:
        yield from turn_lines(turn.message, turn.reply, mask)


def _checks(checks: Sequence[CheckOutcome]) -> Iterator[str]:
    """Those that hold in one line; of the others, what was expected and what was found, where."""
    for check in checks:
        said = f": {visible(check.message)}" if check.message else ""
        if check.status == "passed":
            yield f"  ok       {visible(check.name)}"
            continue
        label = "ERROR" if check.status == "error" else _LABELS[check.severity.value]
        yield f"  {label:<8} {visible(check.name)}{said}"
        for name, text in (
            ("expected", check.expected),
            ("found", check.actual),
            ("detail", check.detail),
            ("at", str(check.origin)),
        ):
            if text:
                yield from (f"{'':11}{line}".rstrip() for line in labelled(name, text))


_LABELS: Final = {"error": "FAILED", "warning": "warning", "info": "info"}
