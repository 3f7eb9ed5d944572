"""``turnwire drivers``."""

from __future__ import annotations

from typing import Any

import click

from turnwire.cli._exit import ExitCode
from turnwire.view.text import json_line
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
        from turnwire.view.tables import table_text  # rich, only for who looks

        headers = ("protocol", "distribution", "version", "status")
        click.echo(table_text(headers, map(_row, records)))
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


def _row(record: DriverRecord) -> tuple[str, ...]:
    names = ", ".join(name for name, _ in record.distributions)
    versions = ", ".join(version for _, version in record.distributions)
    status = "ok" if record.error is None else f"broken: {record.error}"
    return record.protocol, names, versions, status
