"""The report for a person at a terminal: what went wrong, the times, and one line of counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from turnwire.reports.model import CaseReport, ConnectionTimes, Percentiles, RunReport, Status
from turnwire.reports.text import (
    check_lines,
    failure_lines,
    misread_lines,
    one_line,
    seconds,
    transcript_lines,
    turns_in_words,
    warning_line,
)
from turnwire.view.tables import table_text

COLOURS: Final = {
    Status.PASSED: "green",
    Status.FAILED: "red",
    Status.ERROR: "magenta",
    Status.SKIPPED: "yellow",
    Status.UNFINISHED: "yellow",
}


@attrs.frozen
class Line:
    """A line, safe to show, with the style that it may have."""

    text: str
    fg: str | None = None
    bold: bool = False
    dim: bool = False

    @property
    def style(self) -> dict[str, Any]:
        """As :func:`click.style` takes it: what is not wanted is not named, or it is turned off."""
        style = {"fg": self.fg, "bold": self.bold, "dim": self.dim}
        return {name: value for name, value in style.items() if value}


def render(report: RunReport, *, verbose: bool = False) -> list[Line]:
    """The lines; with ``verbose`` the conversations of the tests that passed, too."""
    lines: list[Line] = []
    for case in report.cases:
        if case.status is Status.PASSED and verbose:
            lines += [_headline(case), *_indented(transcript_lines(case)), Line("")]
    for case in report.not_passed:
        lines += [_headline(case), *_indented(failure_lines(case)), Line("")]
    lines += _suite_checks(report)
    for misread in report.misreads:
        lines += [*(Line(text, fg="yellow") for text in misread_lines(misread)), Line("")]
    lines += _warnings(report.cases)
    if report.connections:
        lines += [*map(Line, times_table(report.connections).split("\n")), Line("")]
    return [*lines, *_end(report)]


def _headline(case: CaseReport) -> Line:
    kind = f" ({case.failure})" if case.failure and case.status is Status.ERROR else ""
    text = f"{case.status.value.upper()}{kind} {one_line(case.id)}"
    if case.duration_ms is not None:
        text += f"  {seconds(case.duration_ms)}"
    return Line(text, fg=COLOURS[case.status], bold=True)


def _indented(lines: Sequence[str]) -> list[Line]:
    return [Line(f"  {line}" if line else "") for line in lines]


def _suite_checks(report: RunReport) -> list[Line]:
    lines: list[Line] = []
    for suite, check in report.suite_checks:
        if not check.held:
            where = f"{one_line(suite.name)}, over all its tests ({one_line(check.connection)})"
            colour = "red" if check.counts else "yellow"
            lines += [Line(where, fg=colour, bold=True), *_indented(check_lines(check)), Line("")]
    return lines


def _warnings(cases: Sequence[CaseReport]) -> list[Line]:
    found = [
        Line(f"{one_line(case.id)}: {warning_line(check)}", fg="yellow")
        for case in cases
        for check in case.warnings
        if check.severity == "warning"
    ]
    return [*found, Line("")] if found else []


def times_table(connections: Sequence[ConnectionTimes]) -> str:
    """Percentiles per connection, in ms."""
    rows: list[tuple[str, ...]] = []
    for times in connections:
        head = (one_line(times.connection), one_line(times.protocol), turns_in_words(times))
        for name, values in (
            ("firstTokenMs", times.first_token_ms),
            ("latencyMs", times.latency_ms),
            ("gapMs", times.gap_ms),
        ):
            rows.append((*head, name, *_cells(values)))
            # Said once: the rows below belong to it.
            head = ("", "", "")
    return table_text(("connection", "protocol", "turns", "", "p50", "p95", "p99"), rows, numbers=3)


def _cells(values: Percentiles | None) -> list[str]:
    if values is None:
        return ["-"] * 3
    return [f"{value:.1f}" for value in (values.p50, values.p95, values.p99)]


def _end(report: RunReport) -> list[Line]:
    lines: list[Line] = []
    if report.on_trust is not None:
        lines.append(Line(report.on_trust, fg="yellow"))
    if report.replay_note is not None:
        lines.append(Line(one_line(report.replay_note), fg="yellow"))
    if report.error is not None:
        lines.append(Line(f"The run failed: {one_line(report.error, 1000)}", fg="red"))
    elif report.outcome == "interrupted":
        lines.append(Line("The run was interrupted.", fg="yellow"))
    elif report.outcome is None:
        text = "The log has no end: the run was killed, or is still going on."
        lines.append(Line(text, fg="yellow"))
    colour = "green" if report.exit_code == 0 else "red"
    text = f"{report.in_words} in {seconds(report.duration_ms)}"
    if report.seed is not None:
        text += f" (seed {report.seed})"
    under = report.selection.get("failUnder")
    if under is not None:
        text += f"; {report.counts.pass_rate:.1f} % of what was judged passed, {under:g} % must"
    return [*lines, Line(text, fg=colour, bold=True)]
