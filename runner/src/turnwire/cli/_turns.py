"""Taking one turn of a conversation that somebody watches."""

from __future__ import annotations

from turnwire.runlog import RunLog
from turnwire.view.replies import show_outcome
from turnwire.view.screen import Screen
from turnwire.watching import EffectObserver
from turnwire_core import Conversation, Reply


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
