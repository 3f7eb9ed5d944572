"""``turnwire chat``."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from pathlib import Path
from typing import Any

import attrs
import click

from turnwire.builtin import BUILTIN_PREFIX
from turnwire.cli._builtin import running_builtin
from turnwire.cli._config import find_config, load_connection
from turnwire.cli._exit import ExitCode
from turnwire.cli._lines import LineReader
from turnwire.cli._options import CliOptions
from turnwire.cli._recording import record_option, recording
from turnwire.cli._running import backend_option, run
from turnwire.cli._turns import as_json, exit_code, take_turn
from turnwire.cli._views import observers_of, tapped, verbosity_option
from turnwire.runlog import RunLog, log_path
from turnwire.view.live import Clock
from turnwire.view.screen import Screen
from turnwire.view.text import json_line, visible
from turnwire.watching import EffectObserver, LoopWatch, run_watched
from turnwire.wiring import Wiring
from turnwire_core import (
    Connection,
    Conversation,
    Plugins,
    open_conversation,
)


@attrs.frozen
class _Wish:
    """What the command line asks for."""

    name: str
    message: str | None
    config: str | None
    persona: str | None
    variables: dict[str, str]
    record: str | None
    as_json: bool
    verbosity: int


def _variables(
    ctx: click.Context,  # noqa: ARG001 — click's signature
    param: click.Parameter,  # noqa: ARG001
    values: tuple[str, ...],
) -> dict[str, str]:
    variables: dict[str, str] = {}
    for value in values:
        name, separator, text = value.partition("=")
        if not separator or not name:
            raise click.BadParameter(f"{value!r} is not NAME=VALUE.")
        variables[name] = text
    return variables


@click.command(
    epilog="Connections named demo-… (demo-http, demo-sse, demo-websocket …) are built in: they "
    "lead to an assistant that runs inside this command, and need no config file.",
)
@click.argument("connection")
@click.argument("message", required=False)
@click.option(
    "-c", "--config", metavar="FILE", help="The config file. Default: ./turnwire.{json,yaml,toml}."
)
@click.option("--persona", help="Who the user is; fills {{persona}}.")
@click.option(
    "--var",
    "variables",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_variables,
    help="Fills {{variables.NAME}}; may be given again.",
)
@click.option(
    "--log",
    metavar="FILE",
    help="Write a run log; a folder gets a new file in it. Default: none.",
)
@record_option
@click.option("--json", "as_json", is_flag=True, help="Print each reply as one JSON object.")
@verbosity_option
@backend_option
@click.pass_obj
def chat(options: CliOptions, /, log: str | None, backend: str, **wishes: Any) -> ExitCode:
    """Send MESSAGE to CONNECTION and stream the reply.

    The text goes to stdout as it comes; the times of the turn follow on stderr. Without MESSAGE
    a conversation is held: each line typed (or piped in) is a turn, the end of the input ends it.
    With '-' all of standard input is the message.
    """
    wish = _Wish(name=wishes.pop("connection"), **wishes)
    if wish.message == "-":
        wish = attrs.evolve(wish, message=sys.stdin.read().rstrip("\n"))
    if wish.message is not None and not wish.message.strip():
        raise click.UsageError("The message is empty.")
    is_builtin = wish.config is None and wish.name.startswith(BUILTIN_PREFIX)
    if not is_builtin:
        wish = attrs.evolve(wish, config=find_config(wish.config))
    path = log_path(log, "chat") if log is not None else None
    with (
        Screen() as screen,
        _run_log(path, wish.config, options) as run_log,
        recording(wish.record) as wiring,
    ):
        code = run(lambda: _Chat(wish, options, screen, run_log, wiring).run(), backend)
        if screen.broken:
            raise BrokenPipeError
        return code


def _run_log(
    path: Path | None, config: str | None, options: CliOptions
) -> AbstractContextManager[RunLog | None]:
    if path is None:
        return nullcontext()
    return RunLog(path, command="chat", config=config, mask=options.mask)


class _Chat:
    """One run of the command."""

    def __init__(
        self,
        wish: _Wish,
        options: CliOptions,
        screen: Screen,
        run_log: RunLog | None,
        wiring: Wiring,
    ) -> None:
        self._wish = wish
        self._options = options
        self._screen = screen
        self._run_log = run_log
        self._wiring = wiring
        self._clock = Clock()
        self._watch = LoopWatch()
        self._effects = EffectObserver(self._watch)

    async def run(self) -> ExitCode:
        """Talk, beside what watches the times."""
        log = self._run_log
        with log.watched_by(self._watch) if log is not None else nullcontext():
            return await run_watched(self._talk, self._watch)

    async def _talk(self) -> ExitCode:
        async with AsyncExitStack() as stack:
            connection = await self._connection(stack)
            self._options.hide(connection.secrets)
            connection = self._adapted(connection)
            observers: list[object] = [self._effects]
            observers += observers_of(
                self._screen,
                self._clock,
                self._run_log,
                connection,
                verbosity=self._wish.verbosity,
                text=not self._wish.as_json,
            )
            self._clock.restart()
            connection, more = await stack.enter_async_context(
                self._wiring.conversation(connection)
            )
            observers += more
            conversation = await stack.enter_async_context(
                open_conversation(connection, observers=observers, persona=self._wish.persona)
            )
            if self._wish.message is not None:
                return await self._turn(conversation, self._wish.message)
            return await self._converse(conversation, connection)

    async def _connection(self, stack: AsyncExitStack) -> Connection:
        wish = self._wish
        plugins = Plugins()
        if wish.config is None:
            return await stack.enter_async_context(running_builtin(wish.name, plugins))
        return load_connection(wish.name, wish.config, plugins)

    def _adapted(self, connection: Connection) -> Connection:
        variables = {**connection.variables, **self._wish.variables}
        connection = attrs.evolve(connection, variables=variables)
        return tapped(connection, self._screen, self._clock, self._wish.verbosity)

    async def _converse(self, conversation: Conversation, connection: Connection) -> ExitCode:
        is_person = sys.stdin.isatty()
        if is_person:
            where = visible(f"{connection.name} ({connection.protocol}, {connection.origin})")
            self._screen.note(f"Talking to {where}. Ctrl-D ends the conversation.", dim=True)
        lines = LineReader(sys.stdin.fileno())
        code = ExitCode.OK
        while not self._screen.broken:
            if is_person:
                self._screen.prompt("> ")
            line = await lines.receive()
            if line is None:
                if is_person:
                    self._screen.note("")
                break
            if line.strip():
                code = max(code, await self._turn(conversation, line))
                if code and not is_person:
                    # A script's next line was written for a conversation that went well.
                    break
        return code

    async def _turn(self, conversation: Conversation, message: str) -> ExitCode:
        reply = await take_turn(conversation, message, self._screen, self._run_log, self._effects)
        if self._wish.as_json:
            shown = as_json(conversation.connection, reply, self._effects.last)
            self._screen.line(json_line(shown))
        return exit_code(reply)
