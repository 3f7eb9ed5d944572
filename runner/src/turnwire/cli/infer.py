"""``turnwire infer``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import click

from turnwire.cli._exit import ExitCode, describe
from turnwire.cli._options import CliOptions
from turnwire.inferring.evidence import Exchange, HttpRequest
from turnwire.inferring.inference import Inference, infer
from turnwire.inferring.printing import ConfigFormat, config_text, finding_lines, outcome_lines
from turnwire.inferring.probing import as_connection, read_again
from turnwire.inferring.sources import (
    SourceError,
    exchange_from,
    is_url,
    read_file,
    request_from,
    with_reply,
)
from turnwire.view.text import visible
from turnwire_core.errors import ConfigError, PluginError
from turnwire_core.events import Verdict
from turnwire_core.plugins import Plugins
from turnwire_core.secrets import Secrets

_EXTENSIONS: dict[str, ConfigFormat] = {
    ".json": "json",
    ".jsonc": "json",
    ".yaml": "yaml",
    ".yml": "yaml",
}


@attrs.frozen
class _Wish:
    """What the command line asks for."""

    source: str | None
    message: str | None
    reply: str | None
    protocol: str | None
    url: str | None
    headers: Sequence[str]
    data: str | None
    name: str
    format: ConfigFormat
    write: Path | None
    probe: bool


@click.command()
@click.argument("source", required=False)
@click.argument("message", required=False)
@click.option("--reply", metavar="FILE", help="A recorded reply to the request of SOURCE.")
@click.option("--url", help="Where the target is, for a SOURCE that does not say.")
@click.option(
    "-H", "--header", "headers", metavar="'NAME: VALUE'", multiple=True, help="Sent with it, too."
)
@click.option("-d", "--data", metavar="JSON", help="The body of the request, for a --url.")
@click.option("--protocol", help="The driver that speaks it, if you know better.")
@click.option("--name", default="assistant", show_default=True, help="What to call the connection.")
@click.option(
    "--format", "format_", type=click.Choice(["json", "yaml"]), help="How to print it: json."
)
@click.option(
    "--write",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it into a new config file.",
)
@click.option("--no-probe", is_flag=True, help="Do not read the evidence again with the result.")
@click.pass_obj
def infer_command(
    options: CliOptions, /, format_: ConfigFormat | None, no_probe: bool, **given: Any
) -> ExitCode:
    """Work out a connection from SOURCE: a curl command, or a recorded reply.

    SOURCE is the command itself, in quotes; or a file with one; or a file with a reply: the body
    alone, or what `curl -i` printed, or the messages of a WebSocket as wscat shows them. Without
    it, standard input is read. MESSAGE is what the user says in it.

    The connection goes to stdout, why it is what it is to stderr. Credentials in a command are
    printed nowhere: they become ${NAME}, to be set in the environment.
    """
    write = given["write"]
    chosen = format_ or (_EXTENSIONS.get(write.suffix.lower()) if write else None) or "json"
    wish = _Wish(format=chosen, probe=not no_probe, **given)
    if write is not None:
        _check_target(write)
    try:
        exchange = _exchange(wish)
    except SourceError as exc:
        raise click.UsageError(visible(str(exc))) from exc
    inference = infer(exchange)
    secrets = Secrets(inference.environ.values())
    options.hide(secrets)
    return _show(wish, exchange, inference, secrets)


def _exchange(wish: _Wish) -> Exchange:
    """The evidence that the command line names.

    Raises:
        SourceError: there is none in it.
    """
    source = wish.source
    if source is None or source == "-":
        exchange = exchange_from(sys.stdin.buffer.read(), message=wish.message)
    elif source.lstrip().startswith("curl") and any(map(str.isspace, source)):
        exchange = Exchange(request=request_from(source, Path()), message=wish.message)
    elif is_url(source):
        raise SourceError("A URL alone says nothing of what to send. Give a curl command.")
    else:
        exchange = exchange_from(
            read_file(Path(source)), message=wish.message, base=Path(source).parent
        )
    if wish.reply is not None:
        exchange = with_reply(exchange, read_file(Path(wish.reply)))
    if wish.url is not None or wish.headers or wish.data is not None:
        exchange = attrs.evolve(exchange, request=_request(wish, exchange.request))
    return attrs.evolve(exchange, protocol=wish.protocol or exchange.protocol)


def _request(wish: _Wish, known: HttpRequest | None) -> HttpRequest:
    """The request with what the options add to it."""
    request = known or HttpRequest(url="", method="POST")
    headers = dict(request.headers)
    for header in wish.headers:
        name, separator, value = header.partition(":")
        if not separator or not name.strip():
            raise click.BadParameter(f"{name!r} is not 'NAME: VALUE'.", param_hint="--header")
        headers[name.strip()] = value.strip()
    request = attrs.evolve(request, url=wish.url or request.url, headers=headers)
    return request if wish.data is None else attrs.evolve(request, body=wish.data)


def _show(wish: _Wish, exchange: Exchange, inference: Inference, secrets: Secrets) -> ExitCode:
    text = config_text(wish.name, inference.connection, wish.format)
    click.echo(secrets.mask(text), nl=False)
    for line in finding_lines(inference):
        click.echo(secrets.mask(line), err=True)
    for note in inference.notes:
        click.echo(visible(note), err=True)
    code = _probe(wish, exchange, inference, secrets)
    if wish.write is not None:
        _write(wish.write, text)
    if inference.environ:
        names = ", ".join(inference.environ)
        click.echo(f"Set in the environment before you use it: {names}.", err=True)
    return code


def _probe(wish: _Wish, exchange: Exchange, inference: Inference, secrets: Secrets) -> ExitCode:
    """Read the reply again, with the real reader and what was inferred."""
    reply = exchange.reply
    if not wish.probe or reply is None:
        return ExitCode.OK
    try:
        connection = as_connection(inference, Plugins(), wish.name)
    except (ConfigError, PluginError) as exc:
        click.echo(f"It was not tried. {secrets.mask(describe(exc))}", err=True)
        return ExitCode.CHECK_FAILED
    outcome = read_again(connection, reply)
    for line in outcome_lines(outcome, reply):
        click.echo(secrets.mask(line), err=True)
    read = outcome.content and outcome.verdict in (Verdict.FINISHED, Verdict.ERROR_EVENT)
    return ExitCode.OK if read else ExitCode.CHECK_FAILED


def _check_target(file: Path) -> None:
    if file.suffix.lower() not in _EXTENSIONS:
        known = ", ".join(_EXTENSIONS)
        raise click.UsageError(f"{file} has no name of a config file: {known}.")
    if file.exists():
        raise click.UsageError(f"{file} is there already: nothing is overwritten.")


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except OSError as exc:
        raise click.UsageError(f"{file} cannot be written: {exc.strerror}.") from exc
    click.echo(f"wrote {file}", err=True)
