"""A turn can be cancelled wherever it waits, and nothing of it is left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count

import anyio
import anyio.lowlevel

from turnwire_core.errors import DriverError
from turnwire_core.testing._base import ContractBase
from turnwire_core.testing._leftovers import nothing_left
from turnwire_core.testing._peer import Peer
from turnwire_core.testing._stepping import cancelled_at

_MOST_AWAITS = 400
_WHOLE = "to hello: one two"


async def _reply_to(peer: Peer) -> None:
    await peer.say(f"to {peer.message}: one ")
    await anyio.lowlevel.checkpoint()
    await peer.say("two")
    await peer.complete()


class CancellationTests(ContractBase):
    """At the first await, at the second … until the work comes to its end undisturbed."""

    async def test_a_cancelled_turn_leaves_nothing_and_the_next_one_works(self) -> None:
        async with nothing_left(), self.serve(_reply_to) as url:

            async def take_two(number: int) -> bool:
                async with self.session(url) as session:
                    reached = await _cancelled(number, session.take)
                    assert await session.take("next") == "to next: one two"
                return reached

            await _at_each_await(take_two)

    async def test_a_conversation_can_be_cancelled_while_it_opens_talks_and_closes(self) -> None:
        async with nothing_left(), self.serve(_reply_to) as url:

            async def converse() -> str:
                async with self.conversation(url) as conversation:
                    reply = await conversation.send("hello")
                    return reply.raise_for_verdict().content

            await _at_each_await(lambda number: _cancelled(number, converse))


async def _at_each_await(attempt: Callable[[int], Awaitable[bool]]) -> None:
    """Make the attempt with 1, 2, 3 … until it says that it did not wait so often."""
    for number in count(1):
        if not await attempt(number):
            return
        assert number < _MOST_AWAITS, f"it waits more than {_MOST_AWAITS} times for a short reply"


async def _cancelled(number: int, work: Callable[[], Awaitable[str]]) -> bool:
    """Cancel ``work`` at one of its awaits; whether there was one of that number."""

    async def watched() -> str | DriverError:
        try:
            return await work()
        except DriverError as exc:
            return exc

    reached, result = await cancelled_at(number, watched)
    # One that had nothing more to wait for comes to its end; any other must not come back.
    if not reached or result is not None:
        assert result == _WHOLE, f"cancelled at await {number}, it ended with {result!r} instead"
    return reached
