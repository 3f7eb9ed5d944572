"""What a conversation that somebody watches is shown with: text, ``-v`` events, ``-vv`` bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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


proof_verbosity_option = click.option(
    "-v",
    "verbosity",
    count=True,
    help="Show the events of the turn that proves it; -vv: the raw bytes of every turn, too.",
)


@contextmanager
def shown_aside(
    connection: Connection, verbosity: int
) -> Iterator[tuple[Connection, list[object]]]:
    """The connection and observers that show it on stderr, to a command whose stdout is data.

    All of it is written when the context is left.
    """
    if not verbosity:
        yield connection, []
        return
    with Screen() as screen:
        clock = Clock()
        connection = tapped(connection, screen, clock, verbosity)
        try:
            yield (
                connection,
                observers_of(screen, clock, None, connection, verbosity=verbosity, text=False),
            )
        finally:
            if isinstance(connection.tap, WireView):
                connection.tap.flush()
