"""``turnwire validate``."""

from __future__ import annotations

import click

from turnwire.cli._exit import ExitCode
from turnwire.view.text import quiet, visible
from turnwire_core.config import Config
from turnwire_core.errors import ConfigError
from turnwire_core.plugins import Plugins, load_config


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
def validate(files: tuple[str, ...]) -> ExitCode:
    """Check config files: every problem of every file, with its line, its path, and what to write.

    The drivers that the connections name are loaded, because only they know their own keys.
    """
    plugins = Plugins()
    code = ExitCode.OK
    for file in files:
        try:
            config = load_config(file, plugins=plugins)
        except ConfigError as exc:
            for problem in exc.problems:
                click.echo(quiet(visible(str(problem))), err=True)
            code = ExitCode.USAGE
            continue
        if config.unavailable:
            code = ExitCode.USAGE
            for name, error in config.unavailable.items():
                where = visible(f"{file}: $.connections.{name}.protocol")
                click.echo(quiet(f"{where}: {visible(str(error))}"), err=True)
        else:
            click.echo(f"{visible(file)}: ok, {_count(config)}")
    return code


def _count(config: Config) -> str:
    count = len(config.connections)
    return f"{count} connection{'s' if count != 1 else ''}"
