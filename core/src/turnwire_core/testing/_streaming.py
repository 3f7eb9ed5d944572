"""Frames arrive as they are sent, whole and in order, and so does the end of the stream."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from turnwire_core.contracts.driver import EndOfStream
from turnwire_core.events import Verdict
from turnwire_core.testing._base import ContractBase
from turnwire_core.testing._peer import Peer


class StreamingTests(ContractBase):
    """What :meth:`FrameStream.receive` promises."""

    async def test_what_the_target_sends_arrives_before_it_sends_more(self) -> None:
        """The target waits for the client to have seen each piece before it sends the next."""
        seen = [anyio.Event() for _ in range(5)]

        async def play(peer: Peer) -> None:
            for number, event in enumerate(seen):
                await peer.say(f"<{number}>")
                await event.wait()
            await peer.complete()

        async with (
            self.serve(play) as url,
            self.session(url) as session,
            session.exchange() as stream,
        ):
            incoming = session.incoming(stream)
            for number, event in enumerate(seen):
                if self.streams:
                    await incoming.until(number + 1)
                else:
                    await incoming.more()
                    assert not incoming.frames, "a part of a reply that is one document"
                event.set()
            assert await incoming.finish() == "<0><1><2><3><4>"
        assert len(incoming.frames) == (5 if self.streams else 1)

    async def test_frames_come_in_the_order_in_which_they_were_sent(self) -> None:
        async def play(peer: Peer) -> None:
            for start in range(0, 300, 50):
                await peer.say(*(f"<{number}>" for number in range(start, start + 50)))
            await peer.complete()

        async with self.serve(play) as url, self.conversation(url) as conversation:
            reply = await conversation.send("hello")
        assert reply.content == "".join(f"<{number}>" for number in range(300))
        assert reply.metrics.stream_chunks == (300 if self.streams else 1)

    async def test_a_reply_may_be_cut_anywhere_on_its_way(self) -> None:
        async def play(peer: Peer) -> None:
            await peer.begin()
            for byte in peer.frame("é漢🙂") + peer.frame("two") + peer.finish():
                await peer.send(bytes([byte]))
                await anyio.lowlevel.checkpoint()

        async with self.serve(play) as url, self.conversation(url) as conversation:
            replies = [await conversation.send("hello") for _ in range(3)]
        assert [reply.content for reply in replies] == ["é漢🙂two"] * 3

    async def test_a_part_of_a_frame_is_a_sign_of_life(self) -> None:
        """``receive`` returns, with nothing, for a read that completed no frame."""
        seen = anyio.Event()

        async def play(peer: Peer) -> None:
            data = peer.frame("in two parts, the second of which waits for the first to be seen")
            await peer.send(data[: len(data) // 2])
            await seen.wait()
            await peer.send(data[len(data) // 2 :])
            await peer.complete()

        async with (
            self.serve(play) as url,
            self.session(url) as session,
            session.exchange() as stream,
        ):
            incoming = session.incoming(stream)
            await incoming.more()
            assert incoming.frames == []
            seen.set()
            text = await incoming.finish()
        assert text == "in two parts, the second of which waits for the first to be seen"

    async def test_the_end_of_a_stream_is_told_again_to_who_asks_again(self) -> None:
        async def play(peer: Peer) -> None:
            await peer.say("all")
            await peer.complete()
            await peer.end()

        async with (
            self.serve(play) as url,
            self.session(url) as session,
            session.exchange() as stream,
        ):
            incoming = session.incoming(stream)
            await incoming.drain()
            for _ in range(3):
                with pytest.raises(EndOfStream):
                    await stream.receive()
        assert incoming.content == "all"

    async def test_a_stream_that_ends_unfinished_is_no_success_and_keeps_its_text(self) -> None:
        if not self.can_end_unfinished:
            pytest.skip("can_end_unfinished is False")
        seen = anyio.Event()

        async def play(peer: Peer) -> None:
            await peer.say("half")
            await seen.wait()
            await peer.end()

        async with self.serve(play) as url, self.conversation(url) as conversation:
            reply = await conversation.send("hello", on_chunk=lambda _: seen.set())
        assert (reply.content, reply.verdict, reply.ok) == (
            "half",
            Verdict.CLOSED_WITHOUT_FINISH,
            False,
        )
