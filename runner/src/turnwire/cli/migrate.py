"""``turnwire migrate``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import click

from turnwire.cli._config import find_config
from turnwire.cli._exit import ExitCode
from turnwire.cli._options import CliOptions
from turnwire.cli._running import backend_option, run
from turnwire.cli._views import proof_verbosity_option, shown_aside
from turnwire.inferring import Exchange, Inference, infer
from turnwire.inferring.live import call, check_answer
from turnwire.inferring.printing import ConfigFormat, config_text, finding_lines
from turnwire.migrating import (
    CannotEdit,
    Change,
    ConfigFile,
    FileChanged,
    MigrationError,
    Plan,
    edit,
    plan_migration,
)
from turnwire.migrating.plan import merged_section
from turnwire.probing.probe import DEFAULT_MESSAGE
from turnwire.view.replies import metrics_line, outcome_lines
from turnwire.view.screen import wants_colour
from turnwire.view.text import json_line, visible
from turnwire_core import Connection, Frame, Plugins, hookimpl, load_config, open_conversation
from turnwire_core.errors import PluginError

_NO_STREAM: Final = (
    "The target answered with one document: it does not stream there. If it does so elsewhere, say "
    "where: --url URL."
)


@attrs.frozen
class _Wish:
    """What the command line asks for."""

    name: str
    to: str
    url: str | None
    message: str
    probe: bool
    quiet: float | None
    write: bool
    verbosity: int
    backend: str


@click.command(
    epilog="Exit codes: 0 it works, or nothing was to change, 2 it cannot be moved so, 3 the "
    "target did not answer over the new protocol, and nothing was written.",
)
@click.argument("connection")
@click.argument("message", default=DEFAULT_MESSAGE)
@click.option("--to", metavar="PROTOCOL", required=True, help="sse, websocket, or any installed.")
@click.option(
    "-c", "--config", metavar="FILE", help="The config file. Default: ./turnwire.{json,yaml,toml}."
)
@click.option("--url", help="Where the target speaks it, if that is another place.")
@click.option("--no-probe", is_flag=True, help="Ask nobody; derive what can be derived.")
@click.option(
    "--quiet",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    help="Silence that ends a reply. Default: 5 on a socket, 30 over HTTP.",
)
@click.option(
    "--write", is_flag=True, help="Change the file. Without it, the change is only shown."
)
@proof_verbosity_option
@backend_option
@click.pass_obj
def migrate(
    options: CliOptions, /, connection: str, config: str | None, no_probe: bool, **given: Any
) -> ExitCode:
    """Move CONNECTION to another protocol, and show what changes in the config file.

    The target is sent MESSAGE over the new protocol; how its reply is read is worked out from it,
    and proved by another turn. The change goes to stdout as a diff: comments, order and layout of
    the file stay what they are, and so does the section of the old protocol. Nothing is written
    without --write, and nothing that was not proved, but with --no-probe.
    """
    wish = _Wish(name=connection, probe=not no_probe, **given)
    if not wish.message.strip():
        raise click.UsageError("The message is empty.")
    file = ConfigFile.read(Path(find_config(config)))
    plugins = Plugins()
    _check_protocol(wish.to, plugins)
    old = load_config(file.path, plugins=plugins, only=[wish.name]).connection(wish.name)
    options.hide(old.secrets)
    if old.protocol == wish.to:
        click.echo(f"{visible(wish.name)} speaks {wish.to} already: there is nothing to change.")
        return ExitCode.OK
    migration = _Migration(wish, options, file, plugins, old)
    try:
        return run(migration.run, wish.backend)
    except (MigrationError, CannotEdit, FileChanged) as exc:
        raise click.UsageError(visible(options.mask(str(exc)))) from exc


def _check_protocol(protocol: str, plugins: Plugins) -> None:
    """Refuse a word that is no protocol here; a driver that is broken is another matter."""
    if protocol in plugins.protocols():
        return
    try:
        plugins.driver(protocol)
    except PluginError as exc:
        raise click.BadParameter(str(exc), param_hint="--to") from exc


class _Migration:
    """One run of the command."""

    def __init__(
        self,
        wish: _Wish,
        options: CliOptions,
        file: ConfigFile,
        plugins: Plugins,
        old: Connection,
    ) -> None:
        self._wish = wish
        self._options = options
        self._file = file
        self._plugins = plugins
        self._old = old

    async def run(self) -> ExitCode:
        wish, file = self._wish, self._file
        raw = file.document.data["connections"][wish.name]
        driver = self._plugins.driver(wish.to)
        plan = plan_migration(wish.name, raw, self._old, driver, wish.url)
        section, plan = (plan.derived, plan) if not wish.probe else await self._found_out(plan)
        changes = plan.with_section(section)
        text = self._edited(changes)
        connection = self._loaded(text)
        code = await self._prove(connection) if wish.probe else ExitCode.OK
        self._show(file.diff(text))
        if not wish.probe:
            self._say("It was not tried. Do so: turnwire probe, or turnwire chat.")
        if code is not ExitCode.OK:
            self._say("It does not work yet, so nothing was written.")
        elif wish.write:
            self._write(text)
        else:
            self._say("Nothing was written: that takes --write.")
        return code

    async def _found_out(self, plan: Plan) -> tuple[Mapping[str, Any], Plan]:
        """Ask the target over the new protocol, to see how its reply is to be read."""
        if plan.has_section:
            return {}, plan
        asking = self._loaded(self._edited(plan.changes))
        with shown_aside(asking, self._wish.verbosity) as (watched, _):
            reply = await call(watched, self._plugins, self._wish.message, quiet_s=self._wish.quiet)
        check_answer(asking, reply)
        inference = infer(Exchange(reply=reply, protocol=plan.protocol, message=self._wish.message))
        if not self._sends_session_id():
            inference = inference.without("capture", "sessionId")
        for line in finding_lines(attrs.evolve(inference, findings=inference.findings[1:])):
            self._say(line)
        for note in inference.notes:
            self._say(visible(note))
        if plan.protocol == "sse" and reply.whole:
            raise MigrationError(_NO_STREAM)
        if plan.protocol == "http_chat" and not reply.whole:
            raise MigrationError(
                "The target answered with a stream. If it answers with one document elsewhere, say "
                "where: --url URL."
            )
        return self._parted(plan, inference)

    def _sends_session_id(self) -> bool:
        """Whether an id that a reply gives out would be sent with the next turn."""
        raw = self._file.document.data["connections"][self._wish.name]
        return "{{sessionId}}" in json_line(raw)

    def _parted(self, plan: Plan, inference: Inference) -> tuple[Mapping[str, Any], Plan]:
        if plan.protocol == "http_chat" and self._old.response_field_path is not None:
            return {}, plan  # it says already how a document is read
        section = merged_section(plan, inference.connection.get(plan.protocol, {}))
        path = inference.connection.get("responseFieldPath")
        if path is not None and self._old.response_field_path is None:
            plan = attrs.evolve(plan, response_field_path=path)
        return section, plan

    def _edited(self, changes: Sequence[Change]) -> str:
        """The file with the changes.

        Raises:
            CannotEdit: it is written in a way that is not understood; says what to write by hand.
        """
        try:
            return edit(self._file.document, self._file.text, changes)
        except CannotEdit as exc:
            raw = self._file.document.data["connections"][self._wish.name]
            connection = _applied(raw, changes)
            format_: ConfigFormat = "yaml" if self._file.document.format == "yaml" else "json"
            by_hand = config_text(self._wish.name, connection, format_)
            self._say(self._options.mask(by_hand).rstrip())
            raise CannotEdit(
                f"{exc} The file is left as it is; above is what the connection should say."
            ) from exc

    def _loaded(self, text: str) -> Connection:
        config = load_config(
            self._file.path, plugins=self._plugins, only=[self._wish.name], text=text
        )
        connection = config.connection(self._wish.name)
        self._options.hide(connection.secrets)
        return connection

    async def _prove(self, connection: Connection) -> ExitCode:
        watch = _Documents()
        with shown_aside(connection, self._wish.verbosity) as (watched, observers):
            async with open_conversation(
                watched, plugins=self._plugins, observers=[watch, *observers]
            ) as conversation:
                reply = await conversation.send(self._wish.message)
        self._say(f"Said over it: {metrics_line(connection.protocol, reply)}")
        for line in outcome_lines(connection, reply):
            self._say(line)
        if watch.seen and connection.protocol == "sse":
            raise MigrationError(_NO_STREAM)
        return ExitCode.OK if reply.ok and reply.content else ExitCode.TARGET

    def _show(self, diff: Sequence[str]) -> None:
        colours = {"+": "green", "-": "red", "@": "cyan"} if _is_coloured() else {}
        for line in diff:
            shown = visible(self._options.mask(line), lines=True)
            click.echo(click.style(shown, fg=colours[line[0]]) if line[:1] in colours else shown)

    def _write(self, text: str) -> None:
        try:
            self._file.replace(text)
        except OSError as exc:
            reason = exc.strerror or type(exc).__name__
            raise click.UsageError(f"{self._file.path} cannot be written: {reason}.") from exc
        self._say(f"wrote {self._file.path}")

    def _say(self, text: str) -> None:
        click.echo(self._options.mask(text), err=True)


class _Documents:
    """Whether a reply was one document: the driver for streams reads it, but it is no stream."""

    def __init__(self) -> None:
        self.seen = False

    @hookimpl
    def turnwire_frame(self, frame: Frame) -> None:
        self.seen = self.seen or frame.whole


def _applied(raw: Mapping[str, Any], changes: Sequence[Change]) -> dict[str, Any]:
    """The connection with the changes, as data."""
    from turnwire.migrating.edits import changed

    data: Any = {"connections": {changes[0].location[1]: raw}} if changes else {}
    for change in changes:
        data = changed(data, change)
    return dict(data["connections"][changes[0].location[1]]) if changes else dict(raw)


def _is_coloured() -> bool:
    return sys.stdout.isatty() and wants_colour()
