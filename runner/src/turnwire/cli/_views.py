"""What a conversation that somebody watches is shown with: text, ``-v`` events, ``-vv`` bytes."""

from __future__ import annotations

import attrs
import click

from turnwire.runlog import RunLog
from turnwire.view.live import Clock, EventView, TextView, WireView
from turnwire.view.screen import Screen
from turnwire_core import Connection

verbosity_option = click.option(
    "-v", "verbosity", count=True, help="Show the events; -vv: the raw bytes, too."
)


def observers_of(
    screen: Screen,
    clock: Clock,
    run_log: RunLog | None,
    connection: Connection,
    *,
    verbosity: int,
    text: bool = True,
) -> list[object]:
    """The observers of one conversation over a connection that was :func:`tapped`.

    The last one is called first: an event's line stands before the text that it made.
    """
    observers: list[object] = []
    if isinstance(connection.tap, WireView):
        observers.append(connection.tap)
    if run_log is not None:
        observers.append(run_log.observer())
    if text:
        observers.append(TextView(screen))
    if verbosity:
        observers.append(EventView(screen, clock))
    return observers


def tapped(connection: Connection, screen: Screen, clock: Clock, verbosity: int) -> Connection:
    """The connection; with ``-vv`` its bytes are shown."""
    if verbosity < 2:
        return connection
    return attrs.evolve(connection, tap=WireView(screen, clock, connection.secrets))
