"""Which config file a command means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from turnwire_core.contracts.connection import Connection
    from turnwire_core.plugins import Plugins

CONFIG_NAMES: Final = tuple(
    f"turnwire.{extension}" for extension in ("json", "jsonc", "yaml", "yml", "toml")
)
"""What is looked for in the current folder when no file is named."""


def find_config(given: str | None) -> str:
    """The config file to load: ``given``, or the one in the current folder.

    Raises:
        click.UsageError: there is none, or more than one; says which names were looked for.
    """
    if given is not None:
        return given
    found = [name for name in CONFIG_NAMES if Path(name).is_file()]
    if len(found) == 1:
        return found[0]
    if found:
        raise click.UsageError(f"There are {' and '.join(found)}. Name one with --config.")
    raise click.UsageError(
        f"There is no config file here. Looked for {', '.join(CONFIG_NAMES)} in {Path.cwd()}. "
        "Name one with --config, or try a built-in connection: turnwire chat demo-sse 'Hello'."
    )


def connection_names(file: str) -> list[str]:
    """The names in a config file, whatever else is wrong with it.

    Raises:
        ConfigError: it cannot be read or parsed.
    """
    from turnwire_core.config.documents import read_document

    data = read_document(Path(file)).data
    connections = data.get("connections") if isinstance(data, dict) else None
    return list(connections) if isinstance(connections, dict) else []


def load_connection(name: str, file: str, plugins: Plugins) -> Connection:
    """One connection of a config file.

    Raises:
        ConfigError: the file is wrong where it concerns this connection, or has none of that name.
        PluginError: the connection's driver is missing or broken.
    """
    from turnwire_core.config import nearest
    from turnwire_core.errors import ConfigError, Problem
    from turnwire_core.plugins import load_config

    config = load_config(file, plugins=plugins, only=[name])
    if name not in config.connections and name not in config.unavailable:
        hint = nearest(name, connection_names(file))
        raise ConfigError(
            [Problem(f"There is no connection {name!r}.", "$.connections", hint, file)]
        )
    return config.connection(name)
