"""The five limits on time, each through a conversation of the core."""

from __future__ import annotations

import time
from itertools import count
from typing import Any

import anyio
import pytest

from turnwire_core.errors import Phase, TimeLimitError
from turnwire_core.events import Reply, Verdict
from turnwire_core.testing._base import ContractBase
from turnwire_core.testing._peer import Peer, Play
from turnwire_core.testing._server import deaf_port

_LIMIT_MS = 100
_PROMPT_SECONDS = 3.0
"""A limit of 100 ms that ends a turn after more than this was not held."""


class LimitTests(ContractBase):
    """Connect and close belong to the driver; first content, idle and total are the core's.

    The core cancels, so what is tested of a driver is that it can be cancelled where it waits.
    """

    async def test_a_target_that_lets_nobody_in_is_given_up(self) -> None:
        with deaf_port() as port:
            if port is None:
                pytest.skip("this system has no port that lets nobody in")
            url = self.url.format(port=port)
            async with self.conversation(url, limits={"connectMs": _LIMIT_MS}) as conversation:
                began = time.monotonic()
                reply = await conversation.send("hello")
                took = time.monotonic() - began
        assert _limit(reply) == "connect"
        assert (reply.phase, reply.verdict) == (Phase.CONNECT, Verdict.TIMED_OUT)
        assert took < _PROMPT_SECONDS

    async def test_a_target_that_says_nothing_is_given_up(self) -> None:
        async def play(peer: Peer) -> None:
            await peer.wait_gone()

        reply = await self._send(play, limits={"firstContentMs": _LIMIT_MS})
        assert (_limit(reply), reply.verdict) == ("first_content", Verdict.STALLED)

    async def test_a_target_that_falls_silent_is_given_up_and_its_text_kept(self) -> None:
        async def play(peer: Peer) -> None:
            await peer.say("so far")
            await peer.wait_gone()

        reply = await self._send(play, limits={"idleMs": _LIMIT_MS})
        assert (_limit(reply), reply.verdict) == ("idle", Verdict.STALLED)
        assert reply.content == ("so far" if self.streams else "")

    async def test_a_target_that_never_finishes_is_given_up_and_its_text_kept(self) -> None:
        async def play(peer: Peer) -> None:
            for number in count():
                await peer.say(f"<{number}>")
                await anyio.sleep(0.01)

        reply = await self._send(play, timeoutMs=3 * _LIMIT_MS)
        assert (_limit(reply), reply.verdict) == ("total", Verdict.TIMED_OUT)
        assert reply.content.startswith("<0>") or not self.streams

    async def test_bytes_that_complete_no_frame_keep_a_turn_alive(self) -> None:
        async def play(peer: Peer) -> None:
            data = peer.frame("x" * 40)
            step = len(data) // 14 + 1
            for start in range(0, len(data), step):
                await peer.send(data[start : start + step])
                await anyio.sleep(0.05)
            await peer.complete()

        reply = await self._send(play, limits={"idleMs": 5 * _LIMIT_MS})
        assert (reply.content, reply.error) == ("x" * 40, None)

    async def test_a_target_that_takes_no_part_in_closing_is_dropped(self) -> None:
        async def play(peer: Peer) -> None:
            await peer.say("done")
            await peer.complete()
            await anyio.sleep_forever()

        async with self.serve(play) as url:
            limits = {"closeMs": _LIMIT_MS, "lingerMs": _LIMIT_MS}
            async with self.conversation(url, limits=limits) as conversation:
                reply = await conversation.send("hello")
                left = time.monotonic()
            took = time.monotonic() - left
        assert reply.content == "done"
        assert took < _PROMPT_SECONDS

    async def test_a_turn_that_was_given_up_is_closed_as_promptly(self) -> None:
        async def play(peer: Peer) -> None:
            await peer.say("one")
            await anyio.sleep_forever()

        limits = {"closeMs": _LIMIT_MS, "idleMs": _LIMIT_MS}
        async with self.serve(play) as url:
            began = time.monotonic()
            async with self.conversation(url, limits=limits) as conversation:
                reply = await conversation.send("hello")
            took = time.monotonic() - began
        assert _limit(reply) == "idle"
        assert took < _PROMPT_SECONDS

    async def _send(self, play: Play, **settings: Any) -> Reply:
        """One turn against ``play``, which must be over at once."""
        began = time.monotonic()
        async with (
            self.serve(play) as url,
            self.conversation(url, **settings) as conversation,
        ):
            reply = await conversation.send("hello")
        assert time.monotonic() - began < _PROMPT_SECONDS
        return reply


def _limit(reply: Reply) -> str | None:
    """Which limit ran out."""
    error = reply.exception
    return error.limit if isinstance(error, TimeLimitError) else None
