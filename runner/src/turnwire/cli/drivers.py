"""``turnwire drivers``."""

from __future__ import annotations

from typing import Any

import click

from turnwire.cli._exit import ExitCode
from turnwire.view.text import json_line, visible
from turnwire_core.plugins import DriverRecord, Plugins


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one driver a line.")
@click.option("--check", is_flag=True, help="Exit with 4 if a driver is broken.")
def drivers(as_json: bool, check: bool) -> ExitCode:
    """List the installed drivers: protocol, distribution, version, and what is wrong with it."""
    records = Plugins().inventory()
    if as_json:
        for record in records:
            click.echo(json_line(_as_json(record)))
    elif records:
        _print_table(records)
    else:
        click.echo('No driver is installed. Install all: pip install "turnwire[all]".', err=True)
    broken = any(record.error is not None for record in records)
    return ExitCode.INTERNAL if check and broken else ExitCode.OK


def _as_json(record: DriverRecord) -> dict[str, Any]:
    return {
        "protocol": record.protocol,
        "distributions": [
            {"name": name, "version": version} for name, version in record.distributions
        ],
        "ok": record.error is None,
        "error": str(record.error) if record.error else None,
    }


def _print_table(records: tuple[DriverRecord, ...]) -> None:
    rows = [("PROTOCOL", "DISTRIBUTION", "VERSION", "STATUS")]
    for record in records:
        names = ", ".join(name for name, _ in record.distributions)
        versions = ", ".join(version for _, version in record.distributions)
        status = "ok" if record.error is None else f"broken: {record.error}"
        rows.append((record.protocol, names, versions, status))
    safe = [tuple(visible(cell) for cell in row) for row in rows]
    # The last column is not padded: it may be a long sentence, and a terminal wraps it.
    widths = [max(len(row[column]) for row in safe) for column in range(3)]
    for row in safe:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        click.echo("  ".join([*cells, row[3]]))
