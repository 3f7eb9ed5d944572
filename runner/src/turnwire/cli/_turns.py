"""Taking one turn of a conversation that somebody watches."""

from __future__ import annotations

from typing import Any

from turnwire.cli._exit import ExitCode
from turnwire.runlog import RunLog, reply_fields
from turnwire.runlog.entries import camel
from turnwire.view.replies import show_outcome
from turnwire.view.screen import Screen
from turnwire.watching import ClientEffect, EffectObserver
from turnwire_core import Connection, Conversation, Reply


def as_json(
    connection: Connection, reply: Reply, client: ClientEffect | None = None
) -> dict[str, Any]:
    """The reply as it stands in a run log."""
    written = reply_fields(connection, reply, client)
    fields = {camel(name): value for name, value in written.items()}
    return {"type": "assistant_reply", **fields, "connection": connection.name}


def exit_code(reply: Reply) -> ExitCode:
    """What a command exits with that was about this reply."""
    if not reply.ok:
        return ExitCode.TARGET
    if not reply.content and reply.hints:
        # The reply came, and what the config says of it matched nothing: a wrong contentPath.
        return ExitCode.USAGE
    return ExitCode.OK


async def take_turn(
    conversation: Conversation,
    message: str,
    screen: Screen,
    run_log: RunLog | None,
    effects: EffectObserver | None = None,
) -> Reply:
    """Send ``message``, and show what came of it once it is in the log.

    What is reported as finished has been written, whatever happens to this process next.
    """
    reply = await conversation.send(message)
    if run_log is not None:
        await run_log.drain()
    screen.end_line()
    client = effects.last if effects is not None else None
    show_outcome(screen, conversation.connection, reply, client)
    return reply
