"""The report as Markdown (GitHub Flavored), for the summary of a CI job or a comment.

Whatever a peer may have written stands in code: there nothing is a link, an image, a mention or
HTML. GitHub takes 1 MiB of a summary and nothing at all of a longer one, so failures are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from turnwire.reports.model import (
    CaseReport,
    ConnectionTimes,
    MisreadReport,
    Percentiles,
    RunReport,
    Status,
)
from turnwire.reports.text import (
    check_lines,
    failure_lines,
    misread_lines,
    one_line,
    seconds,
    turns_in_words,
    warning_line,
)

_FAILURES: Final = 50
_CHARACTERS: Final = 8000
"""Of the details of one failure."""

_ICONS: Final = {
    Status.PASSED: "✅",
    Status.FAILED: "❌",
    Status.ERROR: "⚠️",
    Status.SKIPPED: "⏭️",
    Status.UNFINISHED: "⏸️",
}


def render(report: RunReport) -> str:
    """The page: what came out, the times per connection, each failure with its conversation."""
    parts = [*_head(report), *_times(report.connections)]
    if report.on_trust is not None:
        parts.append(f"**{report.on_trust}**")
    parts += _failures(report.not_passed)
    parts += _suite_checks(report)
    parts += _misreads(report.misreads)
    parts += _warnings(report.cases)
    return "\n\n".join(parts) + "\n"


def _head(report: RunReport) -> list[str]:
    good = report.exit_code == 0
    lines = [f"## {'✅' if good else '❌'} Turnwire: {report.in_words}"]
    total = report.counts.total
    facts = [f"{total} test{'s' if total != 1 else ''} in {seconds(report.duration_ms)}"]
    if report.seed is not None:
        facts.append(f"seed {report.seed}")
    facts.append(f"exit code {report.exit_code}")
    lines.append(", ".join(facts) + ".")
    if report.replay_note is not None:
        lines.append(f"**A replay:** {code(one_line(report.replay_note))}")
    if report.outcome is None:
        lines.append("**The log has no end:** the run was killed, or is still going on.")
    elif report.outcome == "interrupted":
        lines.append("**The run was interrupted.**")
    if report.error is not None:
        lines.append(f"**The run failed:** {code(report.error)}")
    return lines


def _times(connections: Sequence[ConnectionTimes]) -> list[str]:
    if not connections:
        return []
    head = "| connection | protocol | turns | " + " | ".join(
        f"{name} p50 | p95 | p99" for name in ("first token", "latency", "gap")
    )
    rows = [f"{head} |", "|---|---|" + "---:|" * 10]
    for times in connections:
        cells = [cell(times.connection), cell(times.protocol), turns_in_words(times)]
        for values in (times.first_token_ms, times.latency_ms, times.gap_ms):
            cells += _cells(values)
        rows.append(f"| {' | '.join(cells)} |")
    return ["### Times in ms", "\n".join(rows)]


def _cells(values: Percentiles | None) -> list[str]:
    if values is None:
        return ["-"] * 3
    return [f"{value:.1f}" for value in (values.p50, values.p95, values.p99)]


def _failures(cases: Sequence[CaseReport]) -> list[str]:
    if not cases:
        return []
    parts = ["### What did not pass"]
    for case in cases[:_FAILURES]:
        kind = f", {case.failure}" if case.failure else ""
        parts += [
            f"#### {_ICONS[case.status]} {code(case.id)}",
            f"{case.status.value}{kind}, {seconds(case.duration_ms)}: {code(case.reason)}",
            fenced("\n".join(failure_lines(case))),
        ]
    if len(cases) > _FAILURES:
        parts.append(f"And {len(cases) - _FAILURES} more: the run log has them all.")
    return parts


def _misreads(misreads: Sequence[MisreadReport]) -> list[str]:
    if not misreads:
        return []
    lines = [line for misread in misreads for line in misread_lines(misread)]
    return ["### Not read as the config means", fenced("\n".join(lines))]


def _suite_checks(report: RunReport) -> list[str]:
    lines = [
        fenced("\n".join([f"suite {one_line(suite.name)}", *check_lines(check)]))
        for suite, check in report.suite_checks
        if not check.held
    ]
    return ["### Checks over a whole suite", *lines[:_FAILURES]] if lines else []


def _warnings(cases: Sequence[CaseReport]) -> list[str]:
    found = [(case, check) for case in cases for check in case.warnings]
    if not found:
        return []
    lines = [f"- {code(case.id)}: {code(warning_line(check))}" for case, check in found[:_FAILURES]]
    if len(found) > _FAILURES:
        lines.append(f"- and {len(found) - _FAILURES} more")
    return ["### Warnings", "\n".join(lines)]


def code(text: str) -> str:
    """Untrusted text as a code span (CommonMark §6.1)."""
    shown = one_line(text)
    if not shown.strip():
        return "-"
    fence = "`" * (_longest_run(shown) + 1)
    # Of a space on both sides one is taken off: it keeps a backtick of the text off the fence.
    return f"{fence} {shown} {fence}"


def cell(text: str) -> str:
    """Untrusted text as a cell of a table: a pipe would end the cell, even in code (GFM §4.10)."""
    return code(text.replace("|", "\N{BOX DRAWINGS LIGHT VERTICAL}"))


def fenced(text: str) -> str:
    """Safe lines as a code block, in a fence that nothing in them can close (CommonMark §4.5)."""
    if len(text) > _CHARACTERS:
        text = f"{text[:_CHARACTERS]}\n… and {len(text) - _CHARACTERS} characters more"
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{text}\n{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
