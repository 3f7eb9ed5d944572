"""What the formats of a comparison say alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from turnwire.comparing.model import (
    Change,
    CheckChange,
    Comparison,
    ConnectionDeltas,
    Delta,
    Finding,
    TestChange,
    TestDelta,
)
from turnwire.reports.text import one_line

CHANGES: Final = {
    Change.BROKE: "broke",
    Change.MENDED: "mended",
    Change.LESS_OFTEN: "passes less often",
    Change.MORE_OFTEN: "passes more often",
    Change.NEW: "new",
    Change.GONE: "gone",
    Change.UNFINISHED: "unfinished",
    Change.SAME: "as before",
}
"""In the order in which they are told."""

FINDINGS: Final = {
    Finding.SLOWER: "slower",
    Finding.FASTER: "faster",
    Finding.CHANGED: "changed",
    Finding.WITHIN_NOISE: "within noise",
    Finding.TOO_SMALL: "too small to matter",
    Finding.TOO_FEW: "too few to say",
}

ALL: Final = "(all)"
"""In the place of a connection."""


def counts(comparison: Comparison) -> str:
    """``1 broke, 2 mended, 9 as before``: tests, and after them checks over suites."""
    found = [
        (len(comparison.with_change(change)), words)
        for change, words in CHANGES.items()
        if change is not Change.UNFINISHED
    ]
    unfinished = len(comparison.with_change(Change.UNFINISHED))
    parts = [f"{count} {words}" for count, words in found if count or words == "broke"]
    if unfinished:
        parts.append(f"{unfinished} not known, because a run ended before")
    checks = sum(one.change is Change.BROKE for one in comparison.suite_checks)
    if checks:
        parts.append(f"{checks} check{'s' if checks != 1 else ''} over a suite broke")
    return ", ".join(parts)


def verdict_on_times(comparison: Comparison) -> str:
    """In one sentence, what became slower or faster."""
    all_deltas = [
        (times, delta)
        for times in comparison.times
        for delta in times.deltas
        if delta.finding in (Finding.SLOWER, Finding.FASTER)
    ]
    if not all_deltas:
        judged = [one for times in comparison.times for one in times.deltas if one.interval]
        if judged:
            return "No time changed beyond noise."
        return "Too few conversations to say anything of the times."
    parts = []
    for finding in (Finding.SLOWER, Finding.FASTER):
        named: dict[str, list[str]] = {}
        for times, delta in all_deltas:
            if delta.finding is finding:
                named.setdefault(connection_name(times), []).append(delta.measure)
        if named:
            listed = "; ".join(f"{one_line(name)}: {', '.join(of)}" for name, of in named.items())
            parts.append(f"{FINDINGS[finding].capitalize()} beyond noise: {listed}.")
    return " ".join(parts)


def connection_name(times: ConnectionDeltas) -> str:
    """Its name, untrusted, or what stands for all of them."""
    return ALL if times.connection is None else times.connection


def test_line(test: TestChange) -> str:
    """The test and how often it passed, where that says more than the change."""
    text = one_line(test.id)
    if test.before is not None and test.after is not None:
        text += f"  (before: {test.before}; after: {test.after})"
    return text


def check_line(check: CheckChange) -> str:
    """The check over a suite."""
    return one_line(f"{check.name}, over the suite {check.suite} ({check.connection})")


def number(value: float, *, signed: bool = False) -> str:
    """With one digit after the point."""
    return f"{value:+.1f}" if signed else f"{value:.1f}"


def difference(delta: Delta) -> str:
    """``+12.5 ms (+4.0 %)``."""
    unit = f" {delta.unit}" if delta.unit else ""
    percent = f" ({delta.percent:+.1f} %)" if delta.percent is not None else ""
    return f"{number(delta.difference, signed=True)}{unit}{percent}"


def interval(delta: Delta) -> str:
    """``+3.1 to +20.2``."""
    if delta.interval is None:
        return "-"
    low, high = (number(value, signed=True) for value in (delta.interval.low, delta.interval.high))
    return f"{low} to {high}"


def most_line(one: TestDelta) -> str:
    """A test that changed much."""
    unit = "/s" if one.measure == "charsPerS" else "ms"
    times = f" (mean of {one.repetitions})" if one.repetitions > 1 else ""
    return f"{one.measure} {number(one.difference, signed=True)} {unit}{times}: {one_line(one.id)}"


def left_out(comparison: Comparison) -> list[str]:
    """Which turns are in no time, and why."""
    out = comparison.left_out
    named: Sequence[tuple[int, str]] = [
        (out.not_ok, "the reply was not ok in one of the runs"),
        (out.unfinished, "one of the runs ended inside of it"),
        (out.spoilt, "the machine that measured may have spoilt it (--with-spoilt takes it in)"),
    ]
    return [
        f"{count} turn{'s' if count != 1 else ''} left out of the times: {why}."
        for count, why in named
        if count
    ]


def explained(comparison: Comparison) -> str:
    """What the intervals are."""
    return (
        f"Means over conversations (n); the intervals hold together with "
        f"{100 * comparison.confidence:g} % confidence."
    )
