"""``turnwire demo`` and ``turnwire serve-demo``: the built-in assistant, watched and served."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import anyio
import attrs
import click

from turnwire.assistant import DEMO_PACE, Assistant, Pace, demo_connections, serve_assistant
from turnwire.builtin import builtin_connection
from turnwire.cli._exit import ExitCode
from turnwire.cli._running import backend_option, run
from turnwire.cli._turns import take_turn
from turnwire.cli._views import observers_of, tapped, verbosity_option
from turnwire.runlog import RunLog, log_path
from turnwire.view.live import Clock
from turnwire.view.replies import milliseconds
from turnwire.view.screen import Screen
from turnwire.view.tables import table_text
from turnwire.view.text import visible
from turnwire_core import (
    PluginError,
    Plugins,
    Reply,
    open_conversation,
)

_SCRIPT: Final = ("Hello, my name is Ada.", "What is your refund policy?", "What is my name?")
"""The last message can be answered only by an assistant that was told the conversation."""

_CONNECTIONS: Final = {"http_chat": "demo-http", "sse": "demo-sse", "websocket": "demo-websocket"}

_PACES: Final = {
    "slow": attrs.evolve(DEMO_PACE, first_ms=600.0, gap_ms=90.0),
    "normal": DEMO_PACE,
    "fast": Pace(),
}

_TOKEN_VARIABLE: Final = "TURNWIRE_DEMO_TOKEN"  # noqa: S105 — the name of a variable


@click.command()
@click.option(
    "--protocol",
    "protocols",
    type=click.Choice(list(_CONNECTIONS)),
    multiple=True,
    help="Only this protocol; may be given again. Default: all three.",
)
@click.option(
    "--pace",
    type=click.Choice(list(_PACES)),
    default="normal",
    show_default=True,
    help="How fast the assistant answers.",
)
@click.option(
    "--log",
    metavar="FILE",
    default="runs/",
    show_default=True,
    help="Where the run log goes; a folder gets a new file in it.",
)
@verbosity_option
@backend_option
def demo(protocols: tuple[str, ...], pace: str, log: str, verbosity: int, backend: str) -> ExitCode:
    """Watch one conversation over each protocol. Needs no config, no model and no network.

    The assistant is built in, and its replies are always the same. What is shown is real: real
    sockets, real streams, and the times at which their bytes arrived.
    """
    path = log_path(log, "demo")
    with Screen() as screen, RunLog(path, command="demo") as run_log:
        wanted = protocols or tuple(_CONNECTIONS)
        demo_ = _Demo(screen, run_log, verbosity)
        code = run(lambda: demo_.run(wanted, _PACES[pace]), backend)
        screen.note(f"Run log: {visible(str(path))}")
        if screen.broken:
            raise BrokenPipeError
        return code


class _Demo:
    """One run of the command."""

    def __init__(self, screen: Screen, run_log: RunLog, verbosity: int) -> None:
        self._screen = screen
        self._run_log = run_log
        self._verbosity = verbosity
        self._clock = Clock()

    async def run(self, protocols: Sequence[str], pace: Pace) -> ExitCode:
        code = ExitCode.OK
        rows: list[tuple[str, ...]] = []
        async with serve_assistant(pace=pace) as assistant:
            for protocol in protocols:
                try:
                    replies = await self._converse(protocol, assistant)
                except PluginError as exc:
                    self._screen.note(visible(str(exc)), fg="red")
                    code = max(code, ExitCode.INTERNAL)
                    continue
                rows += [_row(protocol, number, reply) for number, reply in enumerate(replies, 1)]
                if not all(reply.ok for reply in replies):
                    code = max(code, ExitCode.TARGET)
        headers = ("protocol", "turn", "verdict", "firstTokenMs", "streamChunks", "latencyMs")
        if rows:
            self._screen.line(f"\n{table_text(headers, rows, numbers=3)}\n")
        return code

    async def _converse(self, protocol: str, assistant: Assistant) -> list[Reply]:
        screen, run_log, verbosity = self._screen, self._run_log, self._verbosity
        name = _CONNECTIONS[protocol]
        settings = demo_connections(assistant.url)[name]
        connection = builtin_connection(name, settings, Plugins())
        connection = tapped(connection, screen, self._clock, verbosity)
        screen.note(f"\n{protocol}: {settings['description']}", bold=True)
        observers = observers_of(screen, self._clock, run_log, connection, verbosity=verbosity)
        replies: list[Reply] = []
        self._clock.restart()
        async with open_conversation(connection, observers=observers) as conversation:
            for message in _SCRIPT:
                screen.note(f"> {message}", fg="cyan")
                replies.append(await take_turn(conversation, message, screen, run_log))
        return replies


def _row(protocol: str, number: int, reply: Reply) -> tuple[str, ...]:
    metrics = reply.metrics
    return (
        protocol,
        str(number),
        reply.verdict.value,
        milliseconds(metrics.first_token_ms),
        str(metrics.stream_chunks),
        milliseconds(metrics.latency_ms),
    )


@click.command()
@click.option("--port", default=8765, show_default=True, help="0 takes any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--token",
    envvar=_TOKEN_VARIABLE,
    help=f"Ask every request for it, as a bearer token. Also read from {_TOKEN_VARIABLE}.",
)
@click.option(
    "--first-ms",
    type=click.FloatRange(min=0),
    default=DEMO_PACE.first_ms,
    show_default=True,
    help="The wait before the first piece of a reply.",
)
@click.option(
    "--gap-ms",
    type=click.FloatRange(min=0),
    default=DEMO_PACE.gap_ms,
    show_default=True,
    help="The wait between two pieces.",
)
@click.option(
    "--write-config",
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the connections to it into a config file (JSON) for `turnwire chat`.",
)
@backend_option
def serve_demo(
    port: int,
    host: str,
    token: str | None,
    first_ms: float,
    gap_ms: float,
    write_config: Path | None,
    backend: str,
) -> ExitCode:
    """Run the built-in assistant until Ctrl-C.

    It speaks HTTP, Server-Sent Events and WebSocket, in its own shape and in those of OpenAI and
    Anthropic. It has no TLS and trusts its clients: keep it on this machine.
    """
    pace = Pace(first_ms=first_ms, gap_ms=gap_ms)

    async def serve() -> None:
        try:
            async with serve_assistant(host, port, pace=pace, token=token) as assistant:
                _announce(assistant.url, token, write_config)
                await anyio.sleep_forever()
        except OSError as exc:
            reason = exc.strerror or exc
            raise click.UsageError(
                f"Cannot listen on {host}, port {port}: {reason}. Try --port 0."
            ) from exc

    run(serve, backend)
    return ExitCode.OK


def _announce(url: str, token: str | None, config: Path | None) -> None:
    """The URL on stdout, for scripts; what can be done with it on stderr, for people."""
    header = f"-H 'Authorization: Bearer ${_TOKEN_VARIABLE}' ".replace("'", '"') if token else ""
    lines = [
        "Ctrl-C ends it. In another terminal:",
        f"  curl -N {header}-H 'Content-Type: application/json' \\",
        f'    -d \'{{"message": "Hello"}}\' {url}/chat/stream',
    ]
    if token:
        lines.insert(1, f"  export {_TOKEN_VARIABLE}=…  (the token)")
    if config is None:
        lines.append("With --write-config FILE, `turnwire chat` can talk to it too.")
    else:
        config.write_text(json.dumps(_config(url, with_token=token is not None), indent=2) + "\n")
        lines.append(f"  turnwire chat demo-sse Hello --config {shlex.quote(str(config))}")
    click.echo(url)
    click.echo("\n".join(lines), err=True)


def _config(url: str, *, with_token: bool) -> dict[str, Any]:
    connections = demo_connections(url)
    if with_token:
        # The token itself stays out of the file.
        auth = {"type": "bearer", "token": f"${{{_TOKEN_VARIABLE}}}"}
        connections = {name: one | {"auth": auth} for name, one in connections.items()}
    return {"connections": connections}
