"""Frames are stamped when they arrive: not before they were sent, not when they are asked for."""

from __future__ import annotations

from time import perf_counter_ns

import anyio
import pytest

from turnwire_core.testing._base import ContractBase
from turnwire_core.testing._peer import Peer

_WAITING_SECONDS = 0.1


class StampTests(ContractBase):
    """``Frame.received_ns`` and :class:`WireTimes`."""

    async def test_a_stamp_lies_between_sending_and_receiving(self) -> None:
        rounds = 5 if self.streams else 1
        sent_ns: list[int] = []
        seen = [anyio.Event() for _ in range(rounds)]

        async def play(peer: Peer) -> None:
            for event in seen:
                sent_ns.append(perf_counter_ns())
                await peer.say("x")
                if self.streams:
                    await event.wait()
            await peer.complete()

        async with (
            self.serve(play) as url,
            self.session(url) as session,
            session.exchange() as stream,
        ):
            incoming = session.incoming(stream)
            for number, event in enumerate(seen):
                frame = (await incoming.until(number + 1))[number]
                assert sent_ns[number] <= frame.received_ns <= perf_counter_ns()
                event.set()
            await incoming.finish()
        stamps = [frame.received_ns for frame in incoming.frames]
        assert stamps == sorted(stamps)
        assert len(stamps) == rounds

    async def test_the_frames_of_one_read_have_one_stamp(self) -> None:
        begun = anyio.Event()

        async def play(peer: Peer) -> None:
            await peer.begin()
            await begun.wait()
            await peer.say("a", "b", "c")
            await peer.complete()

        async with (
            self.serve(play) as url,
            self.session(url) as session,
            session.exchange() as stream,
        ):
            begun.set()
            incoming = session.incoming(stream)
            await incoming.finish()
        assert incoming.content == "abc"
        assert len({frame.received_ns for frame in incoming.frames}) == 1

    async def test_a_frame_that_waited_keeps_the_time_of_its_arrival(self) -> None:
        if not self.reads_ahead:
            pytest.skip("reads_ahead is False: a frame may wait in the system, seen by nobody")
        sent = anyio.Event()

        async def play(peer: Peer) -> None:
            await peer.say("early")
            sent.set()
            await peer.complete()

        async with (
            self.serve(play) as url,
            self.session(url) as session,
            session.exchange() as stream,
        ):
            await sent.wait()
            await anyio.sleep(_WAITING_SECONDS)
            asked_ns = perf_counter_ns()
            incoming = session.incoming(stream)
            await incoming.finish()
        assert incoming.frames[0].received_ns <= asked_ns

    async def test_the_times_of_the_wire_are_in_order(self) -> None:
        async def play(peer: Peer) -> None:
            await peer.say("x")
            await peer.complete()

        async with self.serve(play) as url, self.session(url) as session:
            for number in range(2):
                start_ns = perf_counter_ns()
                async with session.exchange() as stream:
                    incoming = session.incoming(stream)
                    await incoming.finish()
                    times = stream.times
                assert times.sent_ns is not None, "nothing was sent, and yet there is a reply"
                assert times.connected_ns is not None or number > 0
                known = [times.connected_ns, times.sent_ns, times.headers_ns]
                stamps = [start_ns, *(stamp for stamp in known if stamp is not None)]
                stamps.append(incoming.frames[0].received_ns)
                assert stamps == sorted(stamps)
