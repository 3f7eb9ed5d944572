"""``turnwire infer``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import click

from turnwire.cli._exit import ExitCode, describe
from turnwire.cli._options import CliOptions
from turnwire.cli._running import backend_option, run
from turnwire.cli._views import proof_verbosity_option, shown_aside
from turnwire.inferring.evidence import Exchange, HttpRequest
from turnwire.inferring.inference import Inference, infer
from turnwire.inferring.live import HTTP_PROTOCOLS, call, check_answer, driver_for_http
from turnwire.inferring.printing import ConfigFormat, config_text, finding_lines, outcome_lines
from turnwire.inferring.probing import as_connection, read_again
from turnwire.inferring.sources import (
    SourceError,
    exchange_from,
    exchange_of_path,
    is_url,
    read_file,
    request_from,
    with_reply,
)
from turnwire.migrating import CannotEdit, Change, ConfigFile, FileChanged, edit
from turnwire.view.replies import metrics_line
from turnwire.view.replies import outcome_lines as reply_lines
from turnwire.view.text import quiet, visible
from turnwire_core.conversation import open_conversation
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
    call: bool
    quiet: float | None
    timeout: float
    backend: str
    verbosity: int
    probe: bool


@click.command(
    "infer",
    epilog="Exit codes: 0 the reply was read with it, 1 no answer was found in it, or not to its "
    "end, 2 there is nothing to infer from, 3 the target that was called did not answer.",
)
@click.argument("source", required=False)
@click.argument("message", required=False)
@click.option("--reply", metavar="FILE", help="A recorded reply to the request of SOURCE.")
@click.option("--url", help="Where the target is, for a SOURCE that does not say.")
@click.option(
    "-H", "--header", "headers", metavar="'NAME: VALUE'", multiple=True, help="Sent with it, too."
)
@click.option("-d", "--data", metavar="JSON", help="The body of the request, for a URL.")
@click.option("--protocol", help="The driver that speaks it, if you know better.")
@click.option("--name", default="assistant", show_default=True, help="What to call the connection.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["json", "yaml"]),
    help="How it is printed. Default: as FILE of --write is called, else json.",
)
@click.option(
    "--write",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it into a config file: a new one, or beside what is there.",
)
@click.option("--call", is_flag=True, help="Make the request of a curl command, to see the reply.")
@click.option(
    "--quiet",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    help="Silence that ends a reply. Default: 5 on a socket, 30 over HTTP.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Bounds a call.",
)
@click.option("--no-probe", is_flag=True, help="Do not try the result.")
@proof_verbosity_option
@backend_option
@click.pass_obj
def infer_command(
    options: CliOptions, /, format_: ConfigFormat | None, no_probe: bool, **given: Any
) -> ExitCode:
    """Work out a connection from SOURCE: a URL, a curl command, or a recorded reply.

    SOURCE is a URL, which is sent MESSAGE; or a curl command in quotes, or a file with one; or a
    file with a reply: the body alone, or what `curl -i` printed, or the messages of a WebSocket as
    wscat shows them; or a folder that --record wrote. Without it, standard input is read. MESSAGE
    is what the user says in it. Nothing is called but a URL, or with --call.

    The connection goes to stdout, why it is what it is to stderr. Credentials in a command are
    printed nowhere: they become ${NAME}, to be set in the environment.
    """
    write = given["write"]
    chosen = format_ or (_EXTENSIONS.get(write.suffix.lower()) if write else None) or "json"
    wish = _Wish(format=chosen, probe=not no_probe, **given)
    if write is not None:
        _check_target(write, wish.name)
    try:
        exchange = _exchange(wish)
    except SourceError as exc:
        raise click.UsageError(visible(str(exc))) from exc
    if wish.call or _is_target(wish):
        return run(lambda: _infer_live(wish, exchange, options), wish.backend)
    inference = infer(exchange)
    secrets = Secrets(inference.environ.values())
    options.hide(secrets)
    _show(wish, inference, secrets)
    code = _probe(wish, exchange, inference, secrets)
    _finish(wish, inference)
    return code


async def _infer_live(wish: _Wish, exchange: Exchange, options: CliOptions) -> ExitCode:
    """Make the call, infer, and hold another turn with the result."""
    plugins = Plugins()
    asking = attrs.evolve(exchange, protocol=_protocol(wish, exchange, plugins))
    first = infer(asking)
    secrets = Secrets(first.environ.values())
    options.hide(secrets)
    message = wish.message or _spoken(first)
    if message is None:
        raise click.UsageError("Say what to send: turnwire infer SOURCE MESSAGE.")
    limited = {**first.connection, "timeoutMs": wish.timeout * 1000}
    connection = as_connection(attrs.evolve(first, connection=limited), plugins, wish.name)
    options.hide(connection.secrets)
    with shown_aside(connection, wish.verbosity) as (watched, _):
        reply = await call(watched, plugins, message, quiet_s=wish.quiet)
    check_answer(connection, reply)
    is_http = asking.protocol in HTTP_PROTOCOLS
    inference = infer(
        attrs.evolve(
            asking,
            reply=reply,
            message=message,
            protocol=wish.protocol if is_http else asking.protocol,
        )
    )
    _show(wish, inference, secrets)
    code = _probe(wish, attrs.evolve(asking, reply=reply), inference, secrets)
    if wish.probe and code is ExitCode.OK:
        code = await _converse(wish, inference, plugins, message, secrets)
    _finish(wish, inference)
    return code


async def _converse(
    wish: _Wish, inference: Inference, plugins: Plugins, message: str, secrets: Secrets
) -> ExitCode:
    """Say it again, in a conversation over the connection that was inferred."""
    connection = as_connection(inference, plugins, wish.name)
    with shown_aside(connection, wish.verbosity) as (watched, observers):
        async with open_conversation(watched, plugins=plugins, observers=observers) as conversation:
            reply = await conversation.send(message)
    click.echo(f"Said again over it: {metrics_line(connection.protocol, reply)}", err=True)
    for line in reply_lines(connection, reply):
        click.echo(secrets.mask(line), err=True)
    return ExitCode.OK if reply.ok and reply.content else ExitCode.TARGET


def _is_target(wish: _Wish) -> bool:
    """Whether SOURCE is a live target itself."""
    return wish.source is not None and is_url(wish.source) and wish.reply is None


def _protocol(wish: _Wish, exchange: Exchange, plugins: Plugins) -> str:
    """The driver that makes the call."""
    if wish.protocol is not None:
        return wish.protocol
    scheme = urlsplit(exchange.request.url if exchange.request else "").scheme
    if scheme in ("ws", "wss"):
        return "websocket"
    if scheme in ("http", "https"):
        return driver_for_http(plugins)
    raise click.UsageError(
        f"No driver is known for {scheme}://. Name it with --protocol; installed: "
        f"{', '.join(plugins.protocols())}."
    )


def _spoken(inference: Inference) -> str | None:
    """The message that the recorded body had, where nobody gives another."""
    return inference.spoken


def _exchange(wish: _Wish) -> Exchange:
    """The evidence that the command line names.

    Raises:
        SourceError: there is none in it.
    """
    source = wish.source
    if source is None or source == "-":
        exchange = exchange_from(_standard_input(), message=wish.message)
    elif source.lstrip().startswith("curl") and any(map(str.isspace, source)):
        exchange = Exchange(request=request_from(source, Path()), message=wish.message)
    elif is_url(source):
        request = HttpRequest(url=source, method="POST")
        exchange = Exchange(request=request, message=wish.message)
    else:
        exchange = exchange_of_path(Path(source), message=wish.message)
    if wish.reply is not None:
        exchange = with_reply(exchange, read_file(Path(wish.reply)))
    if wish.url is not None or wish.headers or wish.data is not None:
        exchange = attrs.evolve(exchange, request=_request(wish, exchange.request))
    return attrs.evolve(exchange, protocol=wish.protocol or exchange.protocol)


def _standard_input() -> bytes:
    if sys.stdin.isatty():
        click.echo("Paste a curl command or a reply, and end it with Ctrl-D.", err=True)
    data = sys.stdin.buffer.read()
    if not data.strip():
        raise SourceError(
            "Nothing came on standard input. Name a URL, a curl command in quotes, or a file."
        )
    return data


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


def _show(wish: _Wish, inference: Inference, secrets: Secrets) -> None:
    click.echo(secrets.mask(config_text(wish.name, inference.connection, wish.format)), nl=False)
    for line in finding_lines(inference):
        click.echo(quiet(secrets.mask(line)), err=True)
    for note in inference.notes:
        click.echo(quiet(visible(note)), err=True)


def _finish(wish: _Wish, inference: Inference) -> None:
    if wish.write is not None:
        text = config_text(wish.name, inference.connection, wish.format)
        _write(wish.write, wish.name, inference.connection, text)
    if wanted := (*inference.environ, *inference.missing):
        names = ", ".join(wanted)
        click.echo(f"Set in the environment before you use it: {names}.", err=True)


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
        click.echo(quiet(secrets.mask(line)), err=True)
    read = outcome.content and outcome.verdict in (Verdict.FINISHED, Verdict.ERROR_EVENT)
    return ExitCode.OK if read else ExitCode.CHECK_FAILED


def _check_target(file: Path, name: str) -> None:
    """Refuse, before anybody is asked, what could not be written."""
    if file.suffix.lower() not in (*_EXTENSIONS, ".toml"):
        known = ", ".join((*_EXTENSIONS, ".toml"))
        raise click.UsageError(f"{file} has no name of a config file: {known}.")
    if not file.exists():
        if file.suffix.lower() == ".toml":
            raise click.UsageError(
                "A new file is JSON or YAML; to a TOML file that is there it adds."
            )
        return
    connections = ConfigFile.read(file).document.data.get("connections", {})
    if name in connections:
        raise click.UsageError(
            f"{file} has a connection {name!r} already, and nothing is overwritten. Choose "
            "another name: --name."
        )


def _write(file: Path, name: str, connection: Mapping[str, Any], text: str) -> None:
    """Write a new file, or add to one that is there, whose every other byte stays."""
    try:
        if file.exists():
            config = ConfigFile.read(file)
            change = Change(("connections", name), dict(connection))
            config.replace(edit(config.document, config.text, [change]))
            click.echo(f"added {visible(name)} to {file}", err=True)
            return
        with file.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except OSError as exc:
        raise click.UsageError(f"{file} cannot be written: {exc.strerror}.") from exc
    except (CannotEdit, FileChanged) as exc:
        raise click.UsageError(f"{visible(str(exc))} Add it by hand: it is printed above.") from exc
    click.echo(f"wrote {file}", err=True)
