"""The comparison as Markdown (GitHub Flavored), for a comment or the summary of a CI job."""

from __future__ import annotations

from typing import Final

from turnwire.comparing import text
from turnwire.comparing.model import Change, Comparison
from turnwire.reports.markdown import cell, code

_SHOWN: Final = 50

_ICONS: Final = {Change.BROKE: "❌", Change.MENDED: "✅"}


def render(comparison: Comparison) -> str:
    """The page."""
    parts = [
        f"## {_icon(comparison)} Turnwire: {text.counts(comparison)}",
        f"{code(comparison.before.name)} → {code(comparison.after.name)}. "
        + (text.verdict_on_times(comparison) if comparison.times else ""),
    ]
    changes = (Change.BROKE, Change.MENDED, Change.LESS_OFTEN, Change.MORE_OFTEN)
    for change in (*changes, Change.NEW, Change.GONE):
        parts += _tests(comparison, change)
    parts += _times(comparison)
    notes = [*comparison.notes, *text.left_out(comparison)]
    if notes:
        parts += ["### Notes", "\n".join(f"- {code(note)}" for note in notes)]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _icon(comparison: Comparison) -> str:
    if comparison.broke or comparison.slower:
        return "❌"
    return "✅" if comparison.paired else "⚠️"


def _tests(comparison: Comparison, change: Change) -> list[str]:
    lines = []
    tests = comparison.with_change(change)
    for test in tests[:_SHOWN]:
        why = ""
        if test.reason and change in (Change.BROKE, Change.LESS_OFTEN):
            why = f": {code(test.reason)}"
        lines.append(f"- {code(text.test_line(test))}{why}")
    if len(tests) > _SHOWN:
        lines.append(f"- and {len(tests) - _SHOWN} more")
    lines += [
        f"- {code(text.check_line(check))}" + (f": {code(check.reason)}" if check.reason else "")
        for check in comparison.suite_checks
        if check.change is change
    ]
    if not lines:
        return []
    icon = f"{_ICONS[change]} " if change in _ICONS else ""
    return [f"### {icon}{text.CHANGES[change].capitalize()}", "\n".join(lines)]


def _times(comparison: Comparison) -> list[str]:
    if not comparison.times:
        return []
    rows = [
        "| connection | | | n | before | after | change | interval |",
        "|---|---|---|---:|---:|---:|---:|---:|",
    ]
    for times in comparison.times:
        for delta in times.deltas:
            found = text.FINDINGS[delta.finding]
            cells = [
                text.ALL if times.connection is None else cell(times.connection),
                delta.measure,
                f"**{found}**" if found in ("slower", "faster", "changed") else found,
                str(delta.conversations),
                text.number(delta.before),
                text.number(delta.after),
                text.difference(delta),
                text.interval(delta),
            ]
            rows.append(f"| {' | '.join(cells)} |")
    most = [f"- {code(text.most_line(one))}" for times in comparison.times for one in times.most]
    parts = ["### Times", "\n".join(rows), text.explained(comparison)]
    if most:
        parts += ["The tests that became slower most:", "\n".join(most)]
    return parts
