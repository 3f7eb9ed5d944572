"""What goes wrong leaves the driver as one of our errors, with its phase and with words."""

from __future__ import annotations

import anyio
import pytest

from turnwire_core.errors import (
    ConfigError,
    ConnectError,
    DriverError,
    FrameTooLarge,
    Phase,
    RejectedError,
    StreamBrokenError,
)
from turnwire_core.events import Verdict
from turnwire_core.testing._base import ContractBase, failing
from turnwire_core.testing._peer import Peer
from turnwire_core.testing._server import unused_port

_LIMIT_BYTES = 64 * 1024


class FailureTests(ContractBase):
    """The errors that :class:`Session` and :class:`FrameStream` name, and no others."""

    async def test_a_port_where_nobody_listens_is_a_connect_error(self) -> None:
        port = unused_port()
        async with self.session(self.url.format(port=port)) as session:
            with failing(ConnectError) as caught:
                await session.take()
        assert caught[0].phase is Phase.CONNECT
        assert str(port) in str(caught[0])

    async def test_a_target_that_comes_up_late_is_reached_by_the_next_turn(self) -> None:
        async def play(peer: Peer) -> None:
            await peer.say("here")
            await peer.complete()

        port = unused_port()
        async with self.conversation(self.url.format(port=port)) as conversation:
            refused = await conversation.send("hello")
            async with self.serve(play, port=port):
                reached = await conversation.send("hello")
        assert (refused.verdict, refused.content) == (Verdict.REFUSED, "")
        assert (reached.verdict, reached.content) == (Verdict.FINISHED, "here")

    async def test_a_rejection_is_a_rejected_error(self) -> None:
        if not self.can_reject:
            pytest.skip("can_reject is False")
        async with (
            self.serve_rejecting("go away") as url,
            self.session(url) as session,
        ):
            with failing(RejectedError) as caught:
                await session.take()
        assert caught[0].phase in (Phase.CONNECT, Phase.HEADERS)
        assert _names(caught[0], url)

    async def test_a_drop_before_anything_came_is_a_broken_stream(self) -> None:
        async def play(peer: Peer) -> None:
            await peer.drop()

        async with self.serve(play) as url, self.session(url) as session:
            with failing(StreamBrokenError) as caught:
                await session.take()
        assert _names(caught[0], url)

    async def test_a_drop_in_mid_stream_keeps_what_had_arrived(self) -> None:
        seen = anyio.Event()

        async def play(peer: Peer) -> None:
            await peer.say("one ", "two ")
            if self.streams:
                await seen.wait()
            await peer.drop()

        async with self.serve(play) as url, self.conversation(url) as conversation:
            reply = await conversation.send("hello", on_chunk=lambda _: seen.set())
        assert reply.content == ("one two " if self.streams else "")
        assert reply.verdict is Verdict.MALFORMED
        assert isinstance(reply.exception, StreamBrokenError)
        assert reply.exception.phase is Phase.STREAM or not self.streams
        assert reply.exception.partial is reply
        assert _names(reply.exception, url)

    async def test_asking_on_after_a_broken_stream_is_an_error_of_ours_too(self) -> None:
        async def play(peer: Peer) -> None:
            await peer.say("one")
            await peer.drop()

        async with self.serve(play) as url, self.session(url) as session:
            with failing():
                async with session.exchange() as stream:
                    with failing(StreamBrokenError):
                        await session.incoming(stream).drain()
                    await session.incoming(stream).more()

    async def test_what_breaks_the_protocol_is_an_error_of_ours(self) -> None:
        if not self.can_breach:
            pytest.skip("can_breach is False")

        async def play(peer: Peer) -> None:
            await peer.break_rules("nonsense")
            await peer.wait_gone()

        async with self.serve(play) as url, self.session(url) as session:
            with failing() as caught:
                await session.take()
        assert caught[0].phase in (Phase.HEADERS, Phase.STREAM)
        assert not isinstance(caught[0], ConnectError)
        assert str(caught[0]).strip()

    async def test_a_frame_that_is_too_large_is_refused(self) -> None:
        async def play(peer: Peer) -> None:
            await peer.say("x" * (4 * _LIMIT_BYTES))
            await peer.complete()

        limits = {"maxEventBytes": _LIMIT_BYTES}
        async with self.serve(play) as url, self.session(url, limits=limits) as session:
            with failing(FrameTooLarge) as caught:
                await session.take()
        assert isinstance(caught[0], FrameTooLarge)
        assert caught[0].limit_bytes == _LIMIT_BYTES
        assert caught[0].phase is Phase.STREAM

    async def test_a_frame_that_never_ends_is_refused_before_its_end(self) -> None:
        hung_up = anyio.Event()

        async def play(peer: Peer) -> None:
            data = peer.frame("x" * (64 * _LIMIT_BYTES))
            try:
                await peer.send(data[: len(data) // 2])
                await peer.wait_gone()
            except anyio.BrokenResourceError:
                pass
            finally:
                hung_up.set()

        limits = {"maxEventBytes": _LIMIT_BYTES}
        async with self.serve(play) as url, self.session(url, limits=limits) as session:
            with failing(FrameTooLarge):
                await session.take()
            await hung_up.wait()

    async def test_frames_as_large_as_the_limit_allows_are_no_error(self) -> None:
        count = 20

        async def play(peer: Peer) -> None:
            for _ in range(count):
                await peer.say("x" * (_LIMIT_BYTES // 2 if self.streams else _LIMIT_BYTES // 40))
            await peer.complete()

        limits = {"maxEventBytes": _LIMIT_BYTES}
        async with self.serve(play) as url, self.conversation(url, limits=limits) as conversation:
            reply = await conversation.send("hello")
        assert (reply.verdict, reply.error) == (Verdict.FINISHED, None)

    async def test_the_url_of_another_protocol_is_refused_in_words(self) -> None:
        """When the connection is loaded, or at its first turn."""
        url = f"gopher://127.0.0.1:{unused_port()}/"
        try:
            connection = self.connection(url)
        except ConfigError as exc:
            assert "base_url" in str(exc)  # noqa: PT017 - one of two ways that are right
            return
        async with self.open(connection) as session:
            with failing() as caught:
                await session.take()
        assert str(caught[0]).strip()


def _names(error: DriverError, url: str) -> bool:
    """Whether the message says which target is meant: its host and port at least."""
    host_and_port = url.split("://")[-1].split("/")[0]
    return host_and_port in str(error)
