"""What several reports say alike."""

from __future__ import annotations

from typing import Final

from turnwire.reports.model import (
    CaseReport,
    CheckReport,
    ConnectionTimes,
    MisreadReport,
    Status,
    TurnReport,
)
from turnwire.view.text import quiet, shorten, visible

_EXCERPT: Final = 2000
"""Characters of one reply in a report for people; the run log has the whole."""


def one_line(text: str, width: int = 300) -> str:
    """Untrusted text as part of a line that a person reads."""
    return quiet(shorten(visible(text), width))


def paragraph(text: str, *, margin: str, width: int = _EXCERPT) -> list[str]:
    """Untrusted text on lines that all begin with ``margin``."""
    shown = quiet(visible(shorten(text, width), lines=True))
    return [f"{margin}{line}" for line in shown.split("\n")]


def milliseconds(value: float | None) -> str:
    """``12.3 ms``, or ``-`` for what never happened."""
    return "-" if value is None else f"{value:.1f} ms"


def seconds(value_ms: float | None) -> str:
    """``1.23 s``, or ``-``."""
    return "-" if value_ms is None else f"{value_ms / 1000:.2f} s"


def turn_times(turn: TurnReport) -> str:
    """The times of a turn on one line."""
    parts = [turn.verdict or "unfinished"]
    parts.append(f"first token {milliseconds(turn.first_token_ms)}")
    parts.append(f"latency {milliseconds(turn.latency_ms)}")
    parts.append(f"{turn.stream_chunks} chunk{'s' if turn.stream_chunks != 1 else ''}")
    return ", ".join(parts) + spoilt_times(turn)


def spoilt_times(turn: TurnReport) -> str:
    """``; because of this machine, off by up to: firstTokenMs 31.2 ms``, or nothing."""
    if turn.client is None or not turn.client.spoilt:
        return ""
    listed = ", ".join(
        f"{one_line(name)} {milliseconds(by)}" for name, by in turn.client.spoilt.items()
    )
    return f"; because of this machine, off by up to: {listed}"


def turns_in_words(times: ConnectionTimes) -> str:
    """``30``, or ``30 (2 spoilt)``."""
    return f"{times.turns} ({times.spoilt} spoilt)" if times.spoilt else str(times.turns)


def transcript_lines(case: CaseReport) -> list[str]:
    """The conversation of a test, with its times: what was said, and how it came."""
    lines: list[str] = []
    for turn in case.turns:
        lines += said("user", turn.user)
        lines += said("assistant", turn.reply)
        lines.append(f"  ({turn_times(turn)})")
        if turn.error and not any(turn.error in reason for reason in case.reasons):
            lines.append(f"  {one_line(turn.error)}")
        lines += [f"  hint: {one_line(hint)}" for hint in turn.hints]
    return lines


def said(role: str, text: str) -> list[str]:
    """Untrusted text with who said it; lines after the first are marked as its own."""
    if not text:
        return [f"{role} said nothing"]
    first, *rest = paragraph(text, margin="")
    return [f"{role}: {first}", *(f"  │ {line}" for line in rest)]


def check_lines(check: CheckReport) -> list[str]:
    """A check that did not hold: what was expected, and what there was."""
    turn = f" (turn {check.turn + 1})" if check.turn is not None else ""
    name = check.name if check.name == check.kind else f"{check.kind}: {check.name}"
    state = {"failed": "does not hold", "error": "could not be evaluated"}.get(check.status, "")
    level = f"{check.severity}: " if check.severity != "error" else ""
    lines = [f"{level}{one_line(name)}{turn} {state or one_line(check.status)}"]
    if check.message:
        lines.append(f"  {one_line(check.message, 1000)}")
    for label, text in (
        ("expected", check.expected),
        ("actual", check.actual),
        ("detail", check.detail),
    ):
        if text:
            first, *rest = paragraph(text, margin="")
            lines += [f"  {label + ':':<9} {first}", *(f"    │ {line}" for line in rest)]
    if check.origin is not None:
        lines.append(f"  at {one_line(str(check.origin))}")
    return lines


def misread_lines(misread: MisreadReport) -> list[str]:
    """What the reader noticed at the first reply of a connection."""
    head = f"{one_line(misread.connection)}: its replies are not read as its config means"
    return [f"{head} (first seen in {one_line(misread.test)}):"] + [
        f"  {one_line(hint, 1000)}" for hint in misread.hints
    ]


def warning_line(check: CheckReport) -> str:
    """A check that did not hold and keeps no test from passing, on one line."""
    name = check.name if check.name == check.kind else f"{check.kind}: {check.name}"
    return one_line(f"{check.severity}: {name}: expected {check.expected}, found {check.actual}")


def failure_lines(case: CaseReport) -> list[str]:
    """Why a test did not pass, in all detail: reasons, checks and the conversation."""
    lines: list[str] = []
    told = case.broken_checks
    if case.status is not Status.FAILED or not told:
        lines += [one_line(text, 1000) for text in (case.reasons or [case.reason]) if text]
    for check in told:
        lines += check_lines(check)
    for request in case.requests:
        if request.error:
            lines.append(
                f"request {one_line(request.label)}: {one_line(request.method)} "
                f"{one_line(request.url)}: {one_line(request.error)}"
            )
    if case.turns:
        lines += ["", *transcript_lines(case)]
    return lines
