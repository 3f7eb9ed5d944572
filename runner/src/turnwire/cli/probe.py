"""``turnwire probe``."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any, Final

import attrs
import click

from turnwire.builtin import BUILTIN_PREFIX
from turnwire.cli._builtin import running_builtin
from turnwire.cli._config import find_config, load_connection
from turnwire.cli._exit import ExitCode
from turnwire.cli._options import CliOptions
from turnwire.cli._running import backend_option, run
from turnwire.cli._views import tapped, verbosity_option
from turnwire.probing import Fault, Probe, ProbeResult
from turnwire.probing.probe import DEFAULT_MESSAGE
from turnwire.view.checklist import Checklist, result_as_json
from turnwire.view.live import Clock, EventView, WireView
from turnwire.view.screen import Screen
from turnwire_core import Connection, Plugins

_EXIT_CODES: Final = {
    None: ExitCode.OK,
    Fault.CONFIG: ExitCode.USAGE,
    Fault.TARGET: ExitCode.TARGET,
    Fault.PLUGIN: ExitCode.INTERNAL,
}


@attrs.frozen
class _Wish:
    """What the command line asks for."""

    name: str
    message: str
    config: str | None
    once: bool
    as_json: bool
    verbosity: int


@click.command(
    epilog="Exit codes: 0 it works (perhaps with warnings), 2 the config is wrong, 3 the target is "
    "not reached or breaks, 4 a plugin or Turnwire itself failed.",
)
@click.argument("connection")
@click.argument("message", default=DEFAULT_MESSAGE)
@click.option(
    "-c", "--config", metavar="FILE", help="The config file. Default: ./turnwire.{json,yaml,toml}."
)
@click.option("--once", is_flag=True, help="Send MESSAGE once: leave out the second turn.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with every step.")
@verbosity_option
@backend_option
@click.pass_obj
def probe(options: CliOptions, /, backend: str, **wishes: Any) -> ExitCode:
    """Go the way to CONNECTION step by step, and say where it ends, why, and what to write instead.

    The steps: config, proxy, name resolution, TCP, TLS, the answer or upgrade, its Content-Type,
    the first event, the content, the finish, a second turn in the same session, and closing.
    MESSAGE is sent in both turns. The first step that fails is the last; its cause and its fix
    stand below it.
    """
    wish = _Wish(name=wishes.pop("connection"), **wishes)
    if not wish.message.strip():
        raise click.UsageError("The message is empty.")
    if wish.config is not None or not wish.name.startswith(BUILTIN_PREFIX):
        wish = attrs.evolve(wish, config=find_config(wish.config))
    with Screen() as screen:
        result = run(lambda: _probe(wish, options, screen), backend)
        if screen.broken:
            raise BrokenPipeError
    return _EXIT_CODES[result.failed.fault if result.failed else None]


async def _probe(wish: _Wish, options: CliOptions, screen: Screen) -> ProbeResult:
    clock, plugins, checklist = Clock(), Plugins(), Checklist(screen)
    async with AsyncExitStack() as stack:

        async def load() -> Connection:
            if wish.config is None:
                found = await stack.enter_async_context(running_builtin(wish.name, plugins))
            else:
                found = load_connection(wish.name, wish.config, plugins)
            options.hide(found.secrets)
            found = tapped(found, screen, clock, wish.verbosity)
            if isinstance(found.tap, WireView):
                stack.callback(found.tap.flush)
            return found

        result = await Probe(
            load,
            name=wish.name,
            source=wish.config or "what Turnwire brings",
            plugins=plugins,
            message=wish.message,
            second_turn=not wish.once,
            observers=[EventView(screen, clock)] if wish.verbosity else [],
            on_step=checklist.show if not wish.as_json else None,
        ).run()
    if wish.as_json:
        screen.line(result_as_json(result))
    else:
        checklist.conclude(result)
    return result
