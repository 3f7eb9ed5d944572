"""Many conversations of one driver, many turns of one session: nothing mixes, nothing is left."""

from __future__ import annotations

import anyio

from turnwire_core.errors import DriverError
from turnwire_core.events import Reply, Verdict
from turnwire_core.testing._base import ContractBase, failing
from turnwire_core.testing._leftovers import nothing_left
from turnwire_core.testing._peer import Peer

_AT_ONCE = 20
_TURNS = 3
_CONVERSATIONS = 50


class _Gate:
    """Opens when so many have come to it; it opens anew for each round."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._waiting = 0
        self._open = anyio.Event()

    async def wait(self) -> None:
        self._waiting += 1
        mine = self._open
        if self._waiting == self._size:
            self._waiting, self._open = 0, anyio.Event()
            mine.set()
        await mine.wait()


class SharingTests(ContractBase):
    """A driver is stateless, and a session forgets a turn when it is over."""

    async def test_conversations_at_once_do_not_mix(self) -> None:
        """All turns are open at the same time, and their frames are sent in turns."""
        gate = _Gate(_AT_ONCE)

        async def play(peer: Peer) -> None:
            for number in range(3):
                await gate.wait()
                await peer.say(f"[{peer.message} {number}]")
            await peer.complete()

        replies: dict[str, str] = {}

        async def converse(url: str, name: str) -> None:
            async with self.conversation(url) as conversation:
                for number in range(_TURNS):
                    message = f"{name}.{number}"
                    reply = await conversation.send(message)
                    assert reply.error is None
                    replies[message] = reply.content

        async with self.serve(play) as url, anyio.create_task_group() as tasks:
            for index in range(_AT_ONCE):
                tasks.start_soon(converse, url, f"c{index}")
        assert len(replies) == _AT_ONCE * _TURNS
        for message, content in replies.items():
            assert content == f"[{message} 0][{message} 1][{message} 2]"

    async def test_nothing_of_a_turn_that_was_broken_off_reaches_the_next(self) -> None:
        late = anyio.Event()

        async def play(peer: Peer) -> None:
            if peer.message == "first":
                await peer.say("early")
                await late.wait()
                await peer.say("LATE")
            await peer.say(f"to {peer.message}")
            await peer.complete()

        async with self.serve(play) as url, self.session(url) as session:
            await session.break_off("first")
            late.set()
            assert await session.take("second") == "to second"
            assert await session.take("third") == "to third"

    async def test_a_turn_that_failed_does_not_spoil_the_next(self) -> None:
        async def play(peer: Peer) -> None:
            if peer.message == "drop":
                await peer.say("half")
                await peer.drop()
            else:
                await peer.say(f"to {peer.message}")
                await peer.complete()

        async with self.serve(play) as url, self.conversation(url) as conversation:
            messages = ("a", "drop", "b", "drop", "drop", "c")
            replies = {message: await conversation.send(message) for message in messages}
        assert [replies[name].content for name in "abc"] == ["to a", "to b", "to c"]
        assert replies["drop"].verdict is Verdict.MALFORMED

    async def test_a_target_that_hangs_up_between_turns_is_met_again(self) -> None:
        """Servers close what is idle; a turn later, the session says so or connects anew."""
        gone = anyio.Event()

        async def play(peer: Peer) -> None:
            await peer.say(f"to {peer.message}")
            await peer.complete()
            if peer.message == "one":
                await anyio.aclose_forcefully(peer.stream)
                gone.set()

        async with self.serve(play) as url, self.conversation(url) as conversation:
            assert (await conversation.send("one")).content == "to one"
            await gone.wait()
            replies: list[Reply] = [await conversation.send("two") for _ in range(2)]
        assert replies[-1].content == "to two"
        assert replies[0].content == "to two" or isinstance(replies[0].exception, DriverError)

    async def test_conversations_leave_nothing_behind(self) -> None:
        """Not those that go well, not those that are broken off, and not those that fail."""

        async def play(peer: Peer) -> None:
            await peer.say("half")
            if peer.message == "drop":
                await peer.drop()
                return
            await peer.complete()

        async def converse(url: str, number: int) -> None:
            async with self.session(url) as session:
                await session.take("first")
                if number % 3 == 1:
                    with failing():
                        await session.take("drop")
                elif number % 3 == 2:
                    await session.break_off("broken off")

        async with nothing_left(), self.serve(play) as url:
            for number in range(_CONVERSATIONS):
                await converse(url, number)

    async def test_a_session_that_is_never_used_leaves_nothing_behind(self) -> None:
        async with nothing_left(), self.session(self.url.format(port=1)):
            pass
