"""The report as GitHub annotations: workflow commands, which the runner reads from stdout.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions. GitHub shows ten
errors and ten warnings of a step, so each test makes one annotation, and the errors come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from turnwire.reports.model import CaseReport, CheckReport, Place, RunReport, Status
from turnwire.reports.text import check_lines, failure_lines, misread_lines, one_line
from turnwire.view.text import shorten, visible

_LIMIT: Final = 4000
"""Characters of one annotation: GitHub cuts off what is longer."""


def render(report: RunReport) -> str:
    """One command a line: errors, then warnings, then one notice with the counts."""
    lines = [_of_case(case) for case in report.not_passed]
    for suite, check in report.suite_checks:
        if check.counts:
            lines.append(_of_check("error", suite.name, check))
    for suite, check in report.suite_checks:
        if not check.held and not check.counts:
            lines.append(_of_check(_level(check), suite.name, check))
    for misread in report.misreads:
        title = f"{misread.connection}: replies not read as the config means"
        lines.append(_command("warning", None, title, misread_lines(misread)))
    for case in report.cases:
        for check in case.warnings:
            lines.append(_of_check(_level(check), case.id, check))
    if report.on_trust is not None:
        lines.append(_command("notice", None, "Times may be off", [report.on_trust]))
    if report.error is not None:
        lines.insert(0, _command("error", None, "The run failed", [one_line(report.error, 1000)]))
    lines.append(_command("notice", None, "Turnwire", [report.in_words]))
    return "".join(f"{line}\n" for line in lines)


def _of_case(case: CaseReport) -> str:
    title = f"{case.id}: {_kind(case)}"
    origins = [check.origin for check in case.broken_checks] + [case.origin]
    origin = next((one for one in origins if one is not None), None)
    return _command("error", origin, title, failure_lines(case))


def _kind(case: CaseReport) -> str:
    match case.status:
        case Status.FAILED:
            return "failed"
        case Status.UNFINISHED:
            return "unfinished"
        case _:
            return f"{case.failure or 'unknown'} error"


def _of_check(level: str, name: str, check: CheckReport) -> str:
    return _command(level, check.origin, f"{name}: {check.name}", check_lines(check))


def _level(check: CheckReport) -> str:
    return "warning" if check.severity == "warning" else "notice"


def _command(level: str, origin: Place | None, title: str, lines: Sequence[str]) -> str:
    properties = {}
    if origin is not None:
        properties["file"] = visible(origin.file)
        if origin.line is not None:
            properties["line"] = str(origin.line)
    properties["title"] = one_line(title, 200)
    listed = ",".join(f"{name}={escape_property(value)}" for name, value in properties.items())
    return f"::{level} {listed}::{escape_data(shorten(chr(10).join(lines), _LIMIT))}"


def escape_data(text: str) -> str:
    """Text of a command: nothing in it ends the line, so nothing in it begins another command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """A property of a command: nothing in it ends the property or the list of them."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")
