"""``turnwire replay``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final

import anyio
import attrs
import click

from turnwire.builtin import BUILTIN_PREFIX, builtin_connection
from turnwire.cli._config import find_config, load_connection
from turnwire.cli._exit import ExitCode
from turnwire.cli._options import CliOptions
from turnwire.cli._recording import cut_option, manner_of, speed_option
from turnwire.cli._running import backend_option, run
from turnwire.cli._turns import as_json, exit_code, take_turn
from turnwire.cli._views import observers_of, tapped, verbosity_option
from turnwire.recordings import Recording, TurnEnded, load_recordings
from turnwire.replaying import (
    Clock as ReplayClock,
)
from turnwire.replaying import (
    Cut,
    Manner,
    Speed,
    acts_of,
    local_url,
    replaying,
    serve_acts,
)
from turnwire.reports.text import one_line
from turnwire.runlog import RunLog, RunPlan, log_path
from turnwire.view.live import Clock
from turnwire.view.screen import Screen
from turnwire.view.text import json_line, shorten, visible
from turnwire_core import Connection, Plugins, Reply, open_conversation

_SHOWN_TEXT: Final = 100


@attrs.frozen
class _Wish:
    """What the command line asks for."""

    path: Path
    config: str | None
    connection: str | None
    manner: Manner
    as_json: bool
    verbosity: int


@click.command(
    epilog="The connection's paths and rules are those of the config file now: try new ones on "
    "what was recorded before. Nothing goes over a network."
)
@click.argument("path", metavar="PATH", type=click.Path(exists=True, path_type=Path))
@click.option(
    "-c", "--config", metavar="FILE", help="The config file. Default: ./turnwire.{json,yaml,toml}."
)
@click.option(
    "--connection", metavar="NAME", help="Over which connection. Default: the recorded one's name."
)
@speed_option
@cut_option
@click.option("--serve", is_flag=True, help="Be a server that plays it, until Ctrl-C.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="With --serve: the port. Default: any that is free.",
)
@click.option(
    "--log",
    metavar="FILE",
    help="Write a run log; a folder gets a new file in it. Default: none.",
)
@click.option("--json", "as_json", is_flag=True, help="Print each reply as one JSON object.")
@verbosity_option
@backend_option
@click.pass_obj
def replay(
    options: CliOptions,
    /,
    speed: Speed | None,
    cut: Cut | None,
    serve: bool,
    port: int,
    log: str | None,
    backend: str,
    **wishes: Any,
) -> ExitCode:
    """Play recordings back through the real drivers, and show what they read.

    PATH is a file that --record wrote, or a folder of them. The messages of each conversation are
    sent again, and a server in this process answers with the bytes that were recorded.
    """
    wish = _Wish(manner=manner_of(speed, cut), **wishes)
    if port and not serve:
        raise click.UsageError("--port is for --serve.")
    recordings = [one for one in load_recordings(wish.path) if one.role == "target"]
    if not recordings:
        raise click.UsageError(f"In {wish.path} there are recordings of judges and helpers only.")
    if serve:
        run(lambda: _serve(recordings, wish.manner, port), backend)
        return ExitCode.OK
    path = log_path(log, "replay") if log is not None else None
    with Screen() as screen, _run_log(path, wish, options) as run_log:
        code = run(lambda: _Replay(wish, options, screen, run_log).all_of(recordings), backend)
        if screen.broken:
            raise BrokenPipeError
        return code


def _run_log(
    path: Path | None, wish: _Wish, options: CliOptions
) -> AbstractContextManager[RunLog | None]:
    if path is None:
        return nullcontext()
    plan = RunPlan(replay=wish.manner.as_json(wish.path))
    return RunLog(path, command="replay", config=wish.config, mask=options.mask, plan=plan)


class _Replay:
    """One run of the command."""

    def __init__(
        self, wish: _Wish, options: CliOptions, screen: Screen, run_log: RunLog | None
    ) -> None:
        self._wish = wish
        self._options = options
        self._screen = screen
        self._run_log = run_log
        self._clock = Clock()
        self._plugins = Plugins()

    async def all_of(self, recordings: Sequence[Recording]) -> ExitCode:
        """Play one after the other. The worst code counts."""
        code = ExitCode.OK
        for recording in recordings:
            if self._screen.broken:
                break
            if len(recordings) > 1:
                what = recording.test or recording.connection
                self._screen.note(f"\n{visible(what)} ({visible(recording.path.name)})", bold=True)
            code = max(code, await self._one(recording))
        return code

    async def _one(self, recording: Recording) -> ExitCode:
        wish, screen = self._wish, self._screen
        connection = self._connection(recording)
        self._options.hide(connection.secrets)
        if connection.protocol != recording.protocol:
            was, now = one_line(recording.protocol), connection.protocol
            screen.note(
                f"It was recorded over {was}, and is read over {now}: they need not fit.",
                fg="yellow",
            )
        connection = tapped(connection, screen, self._clock, wish.verbosity)
        observers = observers_of(
            screen,
            self._clock,
            self._run_log,
            connection,
            verbosity=wish.verbosity,
            text=not wish.as_json,
        )
        self._clock.restart()
        code = ExitCode.OK
        outcomes = {one.turn: one for one in recording.outcomes}
        async with (
            replaying(connection, recording, wish.manner) as (wired, more),
            open_conversation(wired, observers=[*observers, *more]) as conversation,
        ):
            for turn, message in enumerate(recording.messages):
                if len(recording.messages) > 1 and not wish.as_json:
                    screen.note(f"> {visible(message)}", fg="cyan")
                reply = await take_turn(conversation, message, screen, self._run_log)
                if wish.as_json:
                    screen.line(json_line(as_json(wired, reply)))
                self._compare(outcomes.get(turn), wired, reply)
                code = max(code, exit_code(reply))
        return code

    def _connection(self, recording: Recording) -> Connection:
        wish = self._wish
        name = wish.connection or recording.connection
        if wish.config is None and name.startswith(BUILTIN_PREFIX):
            from turnwire.assistant import demo_connections

            known = demo_connections("http://127.0.0.1")
            if name in known:
                return builtin_connection(name, known[name], self._plugins)
        return load_connection(name, find_config(wish.config), self._plugins)

    def _compare(self, then: TurnEnded | None, connection: Connection, reply: Reply) -> None:
        """Say what is not as it was: it need not be, where the config is another."""
        if then is None:
            return
        changed = []
        if reply.verdict.value != then.verdict:
            changed.append(f"it ended {one_line(then.verdict)}")
        if connection.secrets.mask(reply.content) != then.content:
            changed.append(f"its text was {shorten(visible(repr(then.content)), _SHOWN_TEXT)}")
        if reply.metrics.stream_chunks != then.stream_chunks:
            changed.append(f"it had {then.stream_chunks} chunks")
        if changed:
            self._screen.note(f"When it was recorded, {', '.join(changed)}.", fg="yellow")


async def _serve(recordings: Sequence[Recording], manner: Manner, port: int) -> None:
    """Play all of them to whoever connects, one exchange after another, and again from the first.

    Raises:
        click.UsageError: the port is taken, or nothing was said in the recordings.
    """
    acts = [act for recording in recordings for act in acts_of(recording)]
    if not acts:
        raise click.UsageError("Nothing went over the wire in these recordings.")
    clock = ReplayClock(manner.speed)
    try:
        async with serve_acts(acts, clock=clock, cut=manner.cut, port=port, again=True) as bound:
            for recording in recordings:
                click.echo(visible(local_url(recording.url, bound)))
            count = f"{len(acts)} exchange{'s' if len(acts) != 1 else ''}"
            click.echo(f"Plays {count} in their order, again and again. Ctrl-C ends it.", err=True)
            await anyio.sleep_forever()
    except OSError as exc:
        reason = exc.strerror or exc
        raise click.UsageError(f"Cannot listen on port {port}: {reason}. Try --port 0.") from exc
