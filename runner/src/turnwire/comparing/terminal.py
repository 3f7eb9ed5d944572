"""The comparison for a person at a terminal."""

from __future__ import annotations

from typing import Final

from turnwire.comparing import text
from turnwire.comparing.model import Change, Comparison, ConnectionDeltas, Delta, Finding
from turnwire.reports.terminal import Line
from turnwire.reports.text import one_line
from turnwire.view.tables import table_text

_SHOWN: Final = 50
"""Tests of one kind of change; JSON has all of them."""

_COLOURS: Final = {
    Change.BROKE: "red",
    Change.MENDED: "green",
    Change.LESS_OFTEN: "yellow",
    Change.MORE_OFTEN: "yellow",
}
_FINDINGS: Final = {Finding.SLOWER: "red", Finding.FASTER: "green", Finding.CHANGED: "yellow"}

_HEADERS: Final = ("connection", "", "", "n", "before", "after", "change", "interval")


def render(comparison: Comparison, *, verbose: bool = False) -> list[Line]:
    """The lines; with ``verbose`` the tests that are new or gone by name, and all counts, too."""
    lines = _heads(comparison)
    for change in (Change.BROKE, Change.MENDED, Change.LESS_OFTEN, Change.MORE_OFTEN):
        lines += _tests(comparison, change)
    if verbose:
        for change in (Change.NEW, Change.GONE, Change.UNFINISHED):
            lines += _tests(comparison, change)
    lines += _times(comparison, verbose=verbose)
    for note in (*comparison.notes, *text.left_out(comparison)):
        lines.append(Line(f"Note: {one_line(note)}", fg="yellow"))
    is_bad = comparison.broke or comparison.slower
    colour = "red" if is_bad else "green"
    lines.append(Line(text.counts(comparison), fg=colour, bold=True))
    if comparison.times:
        lines.append(Line(text.verdict_on_times(comparison), fg=colour, bold=True))
    return lines


def _heads(comparison: Comparison) -> list[Line]:
    lines = [
        Line(f"{label:<7} {one_line(side.name)}  {one_line(side.started)}  {side.in_words}")
        for label, side in (("before:", comparison.before), ("after:", comparison.after))
    ]
    return [*lines, Line("")]


def _tests(comparison: Comparison, change: Change) -> list[Line]:
    lines: list[Line] = []
    words, colour = text.CHANGES[change].upper(), _COLOURS.get(change)
    tests = comparison.with_change(change)
    for test in tests[:_SHOWN]:
        lines.append(Line(f"{words} {text.test_line(test)}", fg=colour, bold=True))
        if test.reason and change in (Change.BROKE, Change.LESS_OFTEN):
            lines.append(Line(f"  {one_line(test.reason)}"))
    if len(tests) > _SHOWN:
        lines.append(Line(f"{words} {len(tests) - _SHOWN} more", fg=colour, bold=True))
    for check in comparison.suite_checks:
        if check.change is change:
            lines.append(Line(f"{words} {text.check_line(check)}", fg=colour, bold=True))
            if check.reason:
                lines.append(Line(f"  {one_line(check.reason)}"))
    return [*lines, Line("")] if lines else []


def _times(comparison: Comparison, *, verbose: bool) -> list[Line]:
    if not comparison.times:
        return []
    rows: list[tuple[str, ...]] = []
    colours: list[str | None] = []
    for times in comparison.times:
        head = text.connection_name(times)
        for delta in times.deltas:
            if not (delta.unit or delta.finding is Finding.CHANGED or verbose):
                # Counts explain times, where they changed; else they are in the way.
                continue
            rows.append((head, *_cells(delta)))
            colours.append(_FINDINGS.get(delta.finding))
            # Said once: the rows below belong to it.
            head = ""
    table = table_text(_HEADERS, rows, numbers=5).split("\n")
    if len(table) == len(rows) + 2:
        lines = [Line(table[0]), Line(table[1])]
        lines += [Line(row, fg=colour) for row, colour in zip(table[2:], colours, strict=True)]
    else:
        # A terminal so narrow that rows are wrapped.
        lines = [Line(row) for row in table]
    lines.append(Line(text.explained(comparison), dim=True))
    for times in comparison.times:
        lines += _most(times)
    return [*lines, Line("")]


def _cells(delta: Delta) -> list[str]:
    return [
        delta.measure,
        text.FINDINGS[delta.finding],
        str(delta.conversations),
        text.number(delta.before),
        text.number(delta.after),
        text.difference(delta),
        text.interval(delta),
    ]


def _most(times: ConnectionDeltas) -> list[Line]:
    if not times.most:
        return []
    head = f"The tests that became slower most ({one_line(text.connection_name(times))}):"
    return [Line(head), *(Line(f"  {text.most_line(one)}") for one in times.most)]
