"""What was measured, as Markdown and as a plot, drawn here: nothing has to be installed for it."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from html import escape
from pathlib import Path

BEGIN = "<!-- measured: begin -->"
END = "<!-- measured: end -->"


@dataclass(frozen=True)
class Row:
    """One line of the table: what was asked for, and what was found."""

    measure: str
    value: str
    target: str
    met: bool | None
    """None: nothing was asked for."""


@dataclass(frozen=True)
class Bars:
    """One group of the plot: a name for each bar, and its length."""

    title: str
    unit: str
    values: Mapping[str, float]


@dataclass
class Measured:
    """What one measure came to."""

    rows: list[Row] = field(default_factory=list)
    groups: list[Bars] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    load: float | None = None
    """How many processes wanted a core at its end, on average of a minute."""


def save(path: Path, measured: Mapping[str, Measured]) -> None:
    """Keep the results, for a run that repeats some of them."""
    path.write_text(json.dumps({name: asdict(one) for name, one in measured.items()}, indent=1))


def load(path: Path) -> dict[str, Measured]:
    """What was saved; empty if nothing was."""
    if not path.exists():
        return {}
    return {
        name: Measured(
            [Row(**row) for row in one["rows"]],
            [Bars(**bars) for bars in one["groups"]],
            one["notes"],
            one.get("load"),
        )
        for name, one in json.loads(path.read_text()).items()
    }


def write(page: Path, measured: Sequence[Measured]) -> None:
    """Replace what the page says between its two marks, and draw the plot beside it."""
    rows = [row for one in measured for row in one.rows]
    groups = [group for one in measured for group in one.groups]
    notes = [note for one in measured for note in one.notes]
    plot = page.with_suffix(".svg")
    plot.write_text(svg(groups), encoding="utf-8")
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    body = [
        BEGIN,
        "",
        f"Measured on {date.today().isoformat()} with Python {platform.python_version()}"  # noqa: DTZ011 - the day where it was measured
        f" on {platform.system()} {platform.machine()}, {os.cpu_count()} cores."
        f"{_business(measured)}",
        "",
        *table(rows),
        "",
        f"![CPU per event, client by client]({plot.name})",
        "",
        *(line for group in groups for line in _details(group)),
        *(f"- {note}" for note in notes),
        "",
        END,
    ]
    page.write_text(before + "\n".join(body) + after, encoding="utf-8")


def number(value: float) -> str:
    """Three figures of it, or all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _business(measured: Sequence[Measured]) -> str:
    loads = [one.load for one in measured if one.load is not None]
    if not loads or max(loads) <= (os.cpu_count() or 1) + 1:
        return ""
    return (
        f" Other work kept the machine busy: its load was {min(loads):.0f} to {max(loads):.0f}, of "
        "which the benchmark is two. Latencies and paced streams suffer most from that."
    )


def table(rows: Sequence[Row]) -> list[str]:
    words = {True: "met", False: "**not met**", None: ""}
    lines = ["| measure | found | target | |", "|---|---|---|---|"]
    lines += [f"| {r.measure} | {r.value} | {r.target} | {words[r.met]} |" for r in rows]
    return lines


def _details(group: Bars) -> list[str]:
    lines = [f"| {group.title} | {group.unit} |", "|---|---|"]
    lines += [f"| {name} | {number(value)} |" for name, value in group.values.items()]
    return [*lines, ""]


def svg(groups: Sequence[Bars]) -> str:
    """Horizontal bars, each group on a scale of its own."""
    width, label, bar = 760, 250, 20
    shapes: list[str] = []
    y = 0
    for group in groups:
        y += 32
        shapes.append(
            f'<text x="0" y="{y}" font-weight="bold">{escape(group.title)}, '
            f"{escape(group.unit)}</text>"
        )
        longest = max(group.values.values())
        for name, value in group.values.items():
            y += bar + 4
            length = max(1.0, (width - label - 70) * value / longest)
            color = "#2a7f62" if name.startswith("Turnwire") else "#9aa5b1"
            shapes.append(f'<text x="{label - 8}" y="{y}" text-anchor="end">{escape(name)}</text>')
            shapes.append(
                f'<rect x="{label}" y="{y - 14}" width="{length:.0f}" height="{bar - 2}" '
                f'fill="{color}"/>'
            )
            shapes.append(f'<text x="{label + length + 6:.0f}" y="{y}">{number(value)}</text>')
        y += 8
    style = 'font-family="system-ui, sans-serif" font-size="13" fill="#444"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y + 12}" {style}>'
    return "\n".join([head, *shapes, "</svg>", ""])
