"""A conversation over WebSocket: one socket for many turns, or one for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from time import perf_counter_ns
from typing import Any, ClassVar, Final

import anyio
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint

from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.driver import FrameStream, Session
from turnwire_core.errors import Phase, TimeLimitError, TlsError
from turnwire_core.events import Frame, Turn, WireTimes
from turnwire_core.http import TokenStore, prepare
from turnwire_websocket.channel import Channel
from turnwire_websocket.opening import Opening, encode
from turnwire_websocket.options import WebSocketOptions

_SETTLING_STEPS: Final = 5
"""How often the event loop must come round for what the system holds to reach the attendant."""

_GRACE_SECONDS: Final = 0.05
"""The upgrade has the same limit, and knows better what took so long: proxy, TLS or target."""


class WebSocketFrames(FrameStream):
    """What one turn brought."""

    ends: ClassVar[bool] = False

    def __init__(self, channel: Channel, connected_ns: int | None) -> None:
        self._channel = channel
        self._times = WireTimes(connected_ns=connected_ns)

    @property
    def times(self) -> WireTimes:
        return self._times

    def was_sent(self, at_ns: int) -> None:
        self._times = WireTimes(connected_ns=self._times.connected_ns, sent_ns=at_ns)

    def receive(self) -> Coroutine[Any, Any, Sequence[Frame]]:
        return self._channel.receive()  # as it is: one more coroutine would cost every read


class WebSocketSession(Session):
    """An open conversation. Its sockets live in ``tasks``."""

    def __init__(self, connection: Connection, options: WebSocketOptions, tasks: TaskGroup) -> None:
        self._connection = connection
        self._options = options
        self._tasks = tasks
        self._tokens = TokenStore()
        self._channel: Channel | None = None
        self._parting: list[Channel] = []

    def exchange(self, turn: Turn) -> AbstractAsyncContextManager[FrameStream]:
        return self._exchange(turn)

    def abandon(self) -> None:
        """Drop the socket, if there is one."""
        if self._channel is not None:
            self._drop(self._channel)

    async def close(self) -> None:
        """Close the socket with a closing handshake, within ``limits.close_ms``."""
        if self._channel is not None:
            self._close(self._channel)
        with anyio.move_on_after(self._connection.limits.close_ms / 1000):
            for channel in self._parting:
                await channel.wait_closed()

    @asynccontextmanager
    async def _exchange(self, turn: Turn) -> AsyncIterator[FrameStream]:
        connected_ns = None
        channel = await self._reusable()
        if channel is None:
            channel = await self._open(turn)
            connected_ns = perf_counter_ns()
        try:
            channel.listen()
            frames = WebSocketFrames(channel, connected_ns)
            for body in turn.bodies:
                await channel.send(encode(body))
            frames.was_sent(perf_counter_ns())
            yield frames
        except BaseException:
            # Whatever this turn still brings must not reach the next one.
            self._drop(channel)
            raise
        if self._options.socket_per == "turn":
            self._close(channel)
        else:
            channel.ignore()

    async def _open(self, turn: Turn) -> Channel:
        """Open a socket, ready for the turn, within ``limits.connect_ms``."""
        limit_ms = self._connection.limits.connect_ms
        opening = Opening(self._connection, self._options)
        channel = Channel(self._connection, self._options, self._tasks)
        with anyio.move_on_after(limit_ms / 1000 + _GRACE_SECONDS):
            try:
                await channel.open(turn, self._tokens)
                await opening.perform(channel, turn)
                await channel.clear()
            except BaseException:
                self._drop(channel)
                raise
            self._channel = channel
            return channel
        raise TimeLimitError(
            f"{self._connection.origin}: the WebSocket was not ready within {limit_ms:g} ms "
            f"('limits.connectMs'). {opening.state}",
            limit="connect",
            phase=Phase.CONNECT,
        )

    async def _reusable(self) -> Channel | None:
        """The open socket, with everything late dropped that has arrived by now."""
        if self._channel is None:
            return None
        for _ in range(_SETTLING_STEPS):
            await checkpoint()
        if self._channel.over:
            self._drop(self._channel)
        return self._channel

    def _close(self, channel: Channel) -> None:
        channel.close()
        self._part_with(channel)

    def _drop(self, channel: Channel) -> None:
        channel.drop()
        self._part_with(channel)

    def _part_with(self, channel: Channel) -> None:
        self._parting = [one for one in self._parting if not one.closed] + [channel]
        if self._channel is channel:
            self._channel = None


@asynccontextmanager
async def open_session(
    connection: Connection, options: WebSocketOptions
) -> AsyncIterator[WebSocketSession]:
    """A session, and the task group that its sockets live in. Its first turn opens the first.

    What goes wrong inside leaves as it is: a task group would wrap it into an ExceptionGroup.
    """
    with suppress(TlsError):  # which the first turn ends with
        prepare(connection)
    failure: BaseException | None = None
    async with anyio.create_task_group() as tasks:
        session = WebSocketSession(connection, options, tasks)
        try:
            yield session
        except (Exception, KeyboardInterrupt, SystemExit) as exc:  # noqa: BLE001 - raised again below, outside of the task group
            failure = exc
        except BaseException:  # cancelled
            session.abandon()
            raise
        await session.close()
        tasks.cancel_scope.cancel()
    if failure is not None:
        try:
            raise failure
        finally:
            del failure  # It holds this frame by its traceback.
