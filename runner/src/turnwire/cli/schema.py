"""``turnwire schema``."""

from __future__ import annotations

import json

import click

from turnwire.jsonschema import config_schema
from turnwire_core.plugins import Plugins


@click.command()
@click.option("--protocol", metavar="NAME", help="Only what concerns this protocol.")
def schema(protocol: str | None) -> None:
    """Print the JSON Schema of config files, for completion and checks in an editor.

    Put together from what the installed drivers declare. Save it, and name it in a config file:
    {"$schema": "./turnwire.schema.json", "connections": …}.
    """
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
    result = config_schema(drivers, presets=list(presets), broken=broken)
    # ASCII: the schema is often piped into a file on a machine whose locale is anybody's guess.
    click.echo(json.dumps(result, indent=2))
