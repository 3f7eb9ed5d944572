"""What a driver's author says of the driver, and what the tests make of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property, partial
from typing import Any, ClassVar

import anyio
import attrs
import pytest
from anyio.abc import SocketStream

from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.driver import Driver, EndOfStream, FrameStream, Session
from turnwire_core.conversation import Conversation, open_conversation
from turnwire_core.conversation.rendering import TurnRenderer
from turnwire_core.errors import DriverError, Phase
from turnwire_core.events import Frame, Message, Turn
from turnwire_core.plugins import Plugins, parse_connection
from turnwire_core.reader import ReplyReader, compile_rules
from turnwire_core.testing._peer import Play
from turnwire_core.testing._server import tcp_server

SECRET = 's3cret/42+"kit"<&>'  # noqa: S105 - it opens nothing
"""With letters that are written otherwise in URLs, in JSON and in HTML."""


class ContractBase:
    """The attributes that a driver's author sets, and the helpers that the tests use."""

    pytestmark: ClassVar[Any] = pytest.mark.anyio

    protocol: ClassVar[str]
    """The protocol's name."""

    plugin: ClassVar[object]
    """The module that the entry point names: it has the hook ``turnwire_driver``."""

    url: ClassVar[str]
    """The ``base_url`` of a server on this machine, with ``{port}`` in it."""

    section: ClassVar[Mapping[str, Any]] = {}
    """The protocol's section of the connection: how the frames of the peer are read."""

    settings: ClassVar[Mapping[str, Any]] = {}
    """Further keys of the connection: ``responseFieldPath``, ``request`` …"""

    credentials: ClassVar[Mapping[str, Any]] = {}
    """Keys of the connection that carry a secret over this protocol, with ``${SECRET}`` in them."""

    streams: ClassVar[bool] = True
    """A reply comes in frames. False: it is one document, and is handed over when it is whole."""

    reads_ahead: ClassVar[bool] = False
    """The driver reads in the background, so a frame is stamped before anybody asks for it."""

    can_reject: ClassVar[bool] = True
    """The protocol has an answer that is no reply but a refusal; :meth:`reject` sends it.

    False where it knows none: a bare socket, which can only be closed.
    """

    can_end_unfinished: ClassVar[bool] = True
    """A stream can end cleanly though the reply is not finished. False where the end of the
    stream and the end of the reply are one and the same, or half a reply is always an error."""

    can_breach: ClassVar[bool] = True
    """There are bytes that break the protocol; :meth:`Peer.breach` writes them.

    False where the driver takes anything for a frame.
    """

    distribution: ClassVar[str | None] = None
    """The installed distribution whose entry point is to be looked at. None: there is none, and
    the plugin is registered by hand."""

    patience: ClassVar[float] = 10.0
    """For how many seconds a test waits for what should happen at once."""

    # -- the server ------------------------------------------------------------------------------

    async def answer(self, stream: SocketStream, play: Play) -> None:
        """Serve one connection: read a turn, ``await play(peer)`` with a peer for it, and again.

        It ends by itself: reading from a client that has gone raises, and the kit takes that.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how to answer.")

    async def reject(self, stream: SocketStream, reason: str) -> None:
        """Serve one connection: refuse, with ``reason`` in what is said."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say how to reject; can_reject = False if it cannot."
        )

    @asynccontextmanager
    async def serve(self, play: Play, *, port: int = 0) -> AsyncIterator[str]:
        """Run a server that answers with ``play``; the value is the ``base_url``.

        It must run in this event loop: a play waits for what the client does.
        """
        async with tcp_server(partial(self.answer, play=play), port=port) as chosen:
            yield self.url.format(port=chosen)

    @asynccontextmanager
    async def serve_rejecting(self, reason: str) -> AsyncIterator[str]:
        """Run a server that refuses everything; the value is the ``base_url``."""
        async with tcp_server(partial(self.reject, reason=reason)) as port:
            yield self.url.format(port=port)

    # -- the client ------------------------------------------------------------------------------

    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(self, request: pytest.FixtureRequest) -> str:
        """Each test runs on both event loops."""
        return str(request.param)

    @cached_property
    def plugins(self) -> Plugins:
        """Knows the driver, and no other."""
        plugins = Plugins(discover=False)
        plugins.register(self.plugin, self.protocol)
        return plugins

    @property
    def driver(self) -> Driver[Any]:
        return self.plugins.driver(self.protocol)

    def connection(self, url: str, **settings: Any) -> Connection:
        """A connection to ``url``, with ``settings`` beside those of the class.

        It knows :data:`SECRET`, as every connection knows the values of its environment.
        """
        document = {
            "base_url": url,
            "protocol": self.protocol,
            self.protocol: dict(self.section),
            "variables": {"kit": "${SECRET}"},
            **self.settings,
            **self.credentials,
            **settings,
            "limits": {"closeMs": 500, **settings.get("limits", {})},
        }
        return parse_connection(
            document,
            name="contract",
            plugins=self.plugins,
            environ={"SECRET": SECRET},
            trust_env=False,
        )

    def turn(self, connection: Connection, message: str, index: int = 0) -> Turn:
        """A turn with everything rendered, as a conversation would."""
        return TurnRenderer(connection, self.driver).render(
            index,
            [Message("user", message)],
            persona=None,
            variables=connection.variables,
            session_id="contract",
        )

    @asynccontextmanager
    async def session(self, url: str, **settings: Any) -> AsyncIterator[ContractSession]:
        """A session of the driver itself, with no conversation around it. Bounded in time."""
        async with self.open(self.connection(url, **settings)) as session:
            yield session

    @asynccontextmanager
    async def open(self, connection: Connection) -> AsyncIterator[ContractSession]:
        """The same, for a connection that is already made."""
        with anyio.fail_after(self.patience):
            async with self.driver.connect(connection, connection.options) as session:
                yield ContractSession(self, connection, session)

    @asynccontextmanager
    async def conversation(
        self, url: str, *, observers: Sequence[object] = (), **settings: Any
    ) -> AsyncIterator[Conversation]:
        """A conversation of the core over the driver. Bounded in time."""
        connection = self.connection(url, **settings)
        with anyio.fail_after(self.patience):
            async with open_conversation(
                connection, plugins=self.plugins, observers=observers
            ) as conversation:
                yield conversation


@attrs.frozen
class ContractSession:
    """A session, with the connection that it was made from."""

    kit: ContractBase
    connection: Connection
    session: Session

    @asynccontextmanager
    async def exchange(self, message: str = "hello") -> AsyncIterator[FrameStream]:
        """Send a turn."""
        async with self.session.exchange(self.kit.turn(self.connection, message)) as stream:
            yield stream

    async def take(self, message: str = "hello") -> str:
        """Take a turn from its message to its finish; the value is what was said."""
        async with self.exchange(message) as stream:
            return await self.read(stream)

    async def break_off(self, message: str) -> None:
        """Send a turn, read once, and leave by an exception, as a reply that is refused does."""
        try:
            async with self.exchange(message) as stream:
                await stream.receive()
                raise _BrokenOff  # noqa: TRY301 - through the exchange, which is what is tested
        except _BrokenOff:
            pass

    async def read(self, stream: FrameStream) -> str:
        """Read on to the finish of the reply, or the end of the stream; the value is its text."""
        return await Incoming(self.connection, stream).finish()

    def incoming(self, stream: FrameStream) -> Incoming:
        """A reply that is read piece by piece."""
        return Incoming(self.connection, stream)


class _BrokenOff(Exception):
    """How an exchange is left in the middle."""


class Incoming:
    """A reply on its way in, read as the connection says."""

    def __init__(self, connection: Connection, stream: FrameStream) -> None:
        self._stream = stream
        self._reader = ReplyReader(compile_rules(connection), stream_ends=stream.ends)
        self._over = False
        self.frames: list[Frame] = []
        """Those with content."""

    @property
    def content(self) -> str:
        return self._reader.content

    async def more(self) -> None:
        """One ``receive``, which may bring nothing."""
        try:
            frames = await self._stream.receive()
        except EndOfStream:
            self._over = True
            return
        for frame in frames:
            if self._reader.read(frame).text:
                self.frames.append(frame)

    async def until(self, count: int) -> list[Frame]:
        """Read until there are so many frames with content, or no more come; the first of them."""
        while len(self.frames) < count and not (self._over or self._reader.finished):
            await self.more()
        return self.frames[:count]

    async def drain(self) -> None:
        """Read on to the end of the stream, past the finish."""
        while not self._over:
            await self.more()

    async def finish(self) -> str:
        """Read on to the finish, or the end of the stream; the value is the whole text."""
        while not (self._over or self._reader.finished):
            await self.more()
        return self.content


@contextmanager
def failing(kind: type[DriverError] = DriverError) -> Iterator[list[DriverError]]:
    """What is inside must fail with an error of the driver; the value is a list with it.

    Any other exception is a failure of the contract, a group of exceptions too.
    """
    caught: list[DriverError] = []
    try:
        yield caught
    except DriverError as exc:
        caught.append(exc)
    except Exception as exc:
        raise AssertionError(
            f"{type(exc).__name__} left the driver, which is no turnwire_core.DriverError: {exc}"
        ) from exc
    assert caught, f"It went well, but {kind.__name__} was due."
    assert isinstance(caught[0], kind)
    assert str(caught[0]).strip(), "an error without words"
    assert isinstance(caught[0].phase, Phase)
