"""The conversation of a test written in Python: opened, watched, and shown when the test fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from inspect import iscoroutinefunction

import pytest

from turnwire.pytesting.runtime import runtime_of
from turnwire.pytesting.settings import failed
from turnwire.pytesting.showing import properties, turn_lines
from turnwire_core import Connection, Conversation, Reply, Turn, hookimpl, open_conversation

_seen = pytest.StashKey["Watcher"]()


class Watcher:
    """Remembers the turns of one conversation; an observer."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.turns: list[tuple[str, Reply]] = []

    @hookimpl
    def turnwire_turn_finished(self, turn: Turn, reply: Reply) -> None:
        self.turns.append((turn.message, reply))


@asynccontextmanager
async def watched_conversation(
    request: pytest.FixtureRequest, connection: Connection
) -> AsyncIterator[Conversation]:
    """An open conversation whose turns are kept for the reports of the test."""
    _require_anyio(request)
    watcher = Watcher(connection)
    request.node.stash[_seen] = watcher
    runtime = runtime_of(request.config)
    run_log = runtime.run_log
    observers: list[object] = [watcher]
    if run_log is not None:
        observers.append(run_log.observer())
    try:
        async with (
            runtime.wiring.conversation(connection, test=request.node.nodeid) as (wired, more),
            open_conversation(wired, observers=(*observers, *more)) as conversation,
        ):
            yield conversation
    finally:
        replies = [reply for _, reply in watcher.turns]
        request.node.user_properties += properties(replies, connection.name, connection)


def sections(item: pytest.Item) -> list[tuple[str, str]]:
    """What a report of a failed test shows besides: what was said, and when."""
    watcher = item.stash.get(_seen, None)
    if watcher is None or not watcher.turns:
        return []
    head = f"conversation over {watcher.connection.name} ({watcher.connection.protocol})"
    mask = watcher.connection.secrets.mask
    lines = [line for message, reply in watcher.turns for line in turn_lines(message, reply, mask)]
    return [(head, "\n".join(lines) + "\n")]


def _require_anyio(request: pytest.FixtureRequest) -> None:
    """The fixture and the test have to share an event loop, or waiting would never end."""
    function = request.function
    if request.node.get_closest_marker("asyncio") or request.node.get_closest_marker("trio"):
        raise failed(
            "The fixture 'conversation' is run by anyio's plugin, this test by another one. Mark "
            "the test with anyio alone, or take the fixture 'connection' and open it in the test: "
            "async with turnwire_core.open_conversation(connection) as conversation.",
        )
    if not (iscoroutinefunction(function) or hasattr(function, "hypothesis")):
        raise failed(
            "The fixture 'conversation' is for async tests: write 'async def', and await "
            "conversation.send(...).",
        )
