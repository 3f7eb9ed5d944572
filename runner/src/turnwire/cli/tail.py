"""``turnwire tail``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import click

from turnwire.cli._exit import ExitCode
from turnwire.cli._logs import LOG_FOLDER
from turnwire.runlog.entries import RunFinished
from turnwire.runlog.following import FollowedLog, newest_log
from turnwire.view.entries import EntryView
from turnwire.view.screen import Screen
from turnwire.view.text import visible

_PAUSE_S: Final = 0.1
_SILENCE_S: Final = 2.0
"""How long nothing is written before it is asked whether anybody is still there to write."""


@click.command()
@click.argument("log", metavar="[LOG]", default=LOG_FOLDER, type=click.Path(path_type=Path))
@click.option("--follow", "-f", is_flag=True, help="Go on after the end: the run may be resumed.")
@click.option("--wait", is_flag=True, help="Wait for LOG if it is not there yet.")
@click.option(
    "-v",
    "verbosity",
    count=True,
    help="Show messages, chunks and checks as they come; -vv: every other entry, as JSON.",
)
def tail(log: Path, follow: bool, wait: bool, verbosity: int) -> ExitCode:
    """Show what happens in a run, or happened in one that is over, line by line from its log.

    LOG is a run log, or a folder, of which it takes the newest (default: runs/). The command ends
    when the run has ended, or was killed.
    """
    with Screen() as screen:
        path = _path(log, wait=wait)
        with FollowedLog(path) as followed:
            _show(followed, EntryView(verbosity), screen, follow=follow)
        if screen.broken:
            raise BrokenPipeError
    return ExitCode.OK


def _path(log: Path, *, wait: bool) -> Path:
    """The log to read.

    Raises:
        click.UsageError: there is none, and it is not to be waited for.
    """
    while True:
        found = newest_log(log) if log.is_dir() else log
        if found is not None and found.exists():
            return found
        if not wait:
            what = f"There is no run log in {log}." if log.is_dir() else f"{log} does not exist."
            raise click.UsageError(f"{what} --wait waits for one.")
        time.sleep(_PAUSE_S)


def _show(log: FollowedLog, view: EntryView, screen: Screen, *, follow: bool) -> None:
    """Show the entries until the end, or until nobody reads what is shown."""
    ended = False
    heard_s = time.monotonic()
    while not screen.broken:
        entries = log.read()
        for entry in entries:
            ended = isinstance(entry, RunFinished)
            for line in view.lines(entry):
                screen.line(line.text, **line.style)
        if entries:
            heard_s = time.monotonic()
        if ended and not follow:
            return
        silent_s = time.monotonic() - heard_s
        if not (ended or follow) and silent_s > _SILENCE_S and not log.is_written():
            path = visible(str(log.path))
            screen.note(
                f"{path} has no end, and nobody writes it: the run was killed.", fg="yellow"
            )
            return
        time.sleep(_PAUSE_S)
