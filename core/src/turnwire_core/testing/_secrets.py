"""What a driver says holds no secret, even if the target says it first."""

from __future__ import annotations

import base64
import json
import traceback
from urllib.parse import quote

import anyio
import anyio.lowlevel
import pytest

from turnwire_core.errors import DriverError
from turnwire_core.testing._base import SECRET, ContractBase, failing
from turnwire_core.testing._peer import Peer
from turnwire_core.testing._server import unused_port

_FORMS = (
    SECRET,
    quote(SECRET, safe=""),
    json.dumps(SECRET)[1:-1],
    base64.b64encode(SECRET.encode()).decode(),
)
_ECHO = " ".join(("you sent", *_FORMS))


class SecretTests(ContractBase):
    """:data:`SECRET` is a value of the environment; the target echoes it wherever it can."""

    async def test_a_connect_error_shows_no_secret(self) -> None:
        async with self.session(self.url.format(port=unused_port())) as session:
            with failing() as caught:
                await session.take(SECRET)
        _assert_hidden(caught[0])

    async def test_a_rejection_shows_no_secret(self) -> None:
        if not self.can_reject:
            pytest.skip("can_reject is False")
        async with self.serve_rejecting(_ECHO) as url, self.session(url) as session:
            with failing() as caught:
                await session.take(SECRET)
        _assert_hidden(caught[0])
        assert "you sent" in str(caught[0]), "the target's reason is not told"

    async def test_a_breach_shows_no_secret(self) -> None:
        if not self.can_breach:
            pytest.skip("can_breach is False")

        async def play(peer: Peer) -> None:
            await peer.break_rules(_ECHO)
            await peer.wait_gone()

        async with self.serve(play) as url, self.session(url) as session:
            with failing() as caught:
                await session.take(SECRET)
        _assert_hidden(caught[0])

    async def test_a_broken_stream_shows_no_secret(self) -> None:
        async def play(peer: Peer) -> None:
            await peer.say(_ECHO)
            await anyio.lowlevel.checkpoint()
            await peer.drop()

        async with self.serve(play) as url, self.session(url) as session:
            with failing() as caught:
                await session.take(SECRET)
        _assert_hidden(caught[0])

    async def test_a_frame_that_is_too_large_shows_no_secret(self) -> None:
        async def play(peer: Peer) -> None:
            await peer.say(_ECHO * 100)
            await peer.wait_gone()

        limits = {"maxEventBytes": 1000}
        async with self.serve(play) as url, self.session(url, limits=limits) as session:
            with failing() as caught:
                await session.take(SECRET)
        _assert_hidden(caught[0])

    async def test_nothing_that_is_in_the_open_shows_a_secret(self) -> None:
        async def play(peer: Peer) -> None:
            await peer.say("x")
            await peer.complete()

        async with (
            self.serve(play) as url,
            self.session(url) as session,
            session.exchange() as stream,
        ):
            shown = [session.connection, session.session, stream, stream.times, self.driver]
            texts = [f"{one!r} {one}" for one in shown]
            await session.read(stream)
        assert [text for text in texts if any(form in text for form in _FORMS)] == []


def _assert_hidden(error: DriverError) -> None:
    """Neither the message nor anything that a traceback shows holds the secret in any form."""
    shown = "".join([*traceback.format_exception(error), repr(error), str(vars(error))])
    found = [form for form in _FORMS if form in shown]
    # The forms themselves would be in the report of a failing test, and belong there.
    assert found == [], f"{type(error).__name__} shows a secret"
