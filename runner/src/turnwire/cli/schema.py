"""``turnwire schema``."""

from __future__ import annotations

import json
from typing import Any

import click

from turnwire.jsonschema import config_schema
from turnwire.runlog.schema import log_schema
from turnwire_core.plugins import Plugins


@click.command()
@click.argument("what", type=click.Choice(["config", "run-log"]), default="config")
@click.option("--protocol", metavar="NAME", help="Of a config: only what concerns this protocol.")
def schema(what: str, protocol: str | None) -> None:
    """Print a JSON Schema: of config files (the default), or of the lines of a run log.

    That of config files is for completion and checks in an editor. It is put together from what
    the installed drivers declare. Save it, and name it in a config file:
    {"$schema": "./turnwire.schema.json", "connections": …}.
    """
    result = log_schema() if what == "run-log" else _config_schema(protocol)
    # ASCII: the schema is often piped into a file on a machine whose locale is anybody's guess.
    click.echo(json.dumps(result, indent=2))


def _config_schema(protocol: str | None) -> dict[str, Any]:
    plugins = Plugins()
    if protocol is not None:
        drivers = {protocol: plugins.driver(protocol)}
        broken: list[str] = []
        presets = plugins.presets(protocol)
    else:
        records = plugins.inventory()
        drivers = {one.protocol: one.driver for one in records if one.driver is not None}
        broken = [one.protocol for one in records if one.driver is None]
        presets = plugins.presets()
    return config_schema(drivers, presets=list(presets), broken=broken)
