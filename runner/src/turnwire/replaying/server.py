"""A server on loopback that is the target of recordings."""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import anyio
import attrs
import h11
from anyio.abc import SocketAttribute, SocketStream
from anyio.lowlevel import checkpoint

from turnwire.replaying.frames import FrameScanner, Opcode, server_frame
from turnwire.replaying.pace import Clock, Cut
from turnwire.replaying.script import Act, Awaits, Step, counts_as_message
from turnwire_core.contracts.tap import Ending

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455 §1.3."""

_QUIET_S: Final = 0.03
"""Somebody who says less than was recorded has said all when nothing follows for so long."""

_TAKEN_S: Final = 0.25
"""How long is waited at most until the client has taken a piece."""

_UNTAPPED_S: Final = 0.01
"""How long a client that cannot be watched gets to read what stands before a broken end."""

_GONE: Final = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, OSError)

_EXHAUSTED: Final = "The recording has no further reply."


class Intake:
    """How many bytes the client has taken: what the tap of its connection tells."""

    def __init__(self) -> None:
        self._taken = 0
        self._said = 0
        self._changed = anyio.Event()
        self._is_blind = False

    def took(self, count: int) -> None:
        """The client has read so many bytes more."""
        self._taken += count
        self._changed.set()

    def begin(self) -> None:
        """What was said before does not count any more: another connection begins."""
        self._taken = self._said = 0

    async def follow(self, count: int) -> None:
        """Say ``count`` bytes more, and wait until they were read: so each piece is one read.

        For a short time only: a client may have other things to do.
        """
        self._said += count
        if self._is_blind:
            return
        with anyio.move_on_after(_TAKEN_S) as waiting:
            while self._taken < self._said:
                self._changed = anyio.Event()
                await self._changed.wait()
        # A driver that does not tell its tap everything is not to be waited for each time.
        self._is_blind = waiting.cancelled_caught and not self._taken


@attrs.define
class Stage:
    """What is left to play, shared by all connections to one server."""

    acts: list[Act]
    clock: Clock
    cut: Cut
    intake: Intake | None = None
    again: bool = False
    """Begin anew when all was played."""
    _all: tuple[Act, ...] = attrs.field(init=False)
    _rest: tuple[Step, ...] = ()
    """Of an act without HTTP: the steps that no connection has come to yet."""
    _on_stage: anyio.CancelScope | None = None

    def __attrs_post_init__(self) -> None:
        self._all = tuple(self.acts)

    def next_act(self) -> Act | None:
        """The next one, if there is any."""
        if not self.acts and self.again:
            self.acts += self._all
        return self.acts.pop(0) if self.acts else None

    async def serve(self, stream: SocketStream) -> None:
        """Play for one connection, until it or the recording ends."""
        player = _Player(stream, self)
        next_one = (self.acts or self._all)[0]
        if self._rest or not next_one.is_http:
            await self._serve_bytes(player)
            return
        while await player.request():
            act = self.next_act()
            if act is None:
                await player.say_nothing_is_left()
                return
            for step in act.steps:
                if not await player.perform(step):
                    return

    async def _serve_bytes(self, player: _Player) -> None:
        """Go on where the last connection ended: a client may open one for each turn."""
        if self._on_stage is not None:
            self._on_stage.cancel()
        with anyio.CancelScope() as scope:
            self._on_stage = scope
            while True:
                if not self._rest:
                    act = self.next_act()
                    if act is None:
                        break
                    self._rest = tuple(act.steps)
                step = self._rest[0]
                if not await player.awaited(step):
                    return
                # From here on it is this connection's, whatever becomes of that.
                self._rest = self._rest[1:]
                if not await player.play(step):
                    return
            await player.awaited(Step(Awaits.BYTES, 1))


class _Player:
    """One connection."""

    def __init__(self, stream: SocketStream, stage: Stage) -> None:
        self._stream = stream
        self._stage = stage
        self._clock = stage.clock
        self._key = b""
        self._asked_ns = 0
        self._scanner: FrameScanner | None = None
        self._waiting = b""
        if stage.intake is not None:
            stage.intake.begin()

    async def request(self) -> bool:
        """Read a request of HTTP, with its body. False: there is none."""
        # One for each request: what is said in between is not for h11 to judge.
        http = h11.Connection(h11.SERVER)
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                if http.they_are_waiting_for_100_continue:
                    answer = http.send(h11.InformationalResponse(status_code=100, headers=[]))
                    await self._stream.send(answer or b"")
                http.receive_data(await self._received())
            elif isinstance(event, h11.Request):
                fields = dict(event.headers)
                self._key = fields.get(b"sec-websocket-key", b"")
            elif isinstance(event, h11.EndOfMessage):
                break
            elif not isinstance(event, h11.Data):
                return False
        self._asked_ns = self._clock.now()
        self._waiting = http.trailing_data[0]
        return True

    async def perform(self, step: Step) -> bool:
        """A step of an act of HTTP. False: nothing can follow on this connection."""
        if step.awaits is not Awaits.REQUEST and not await self.awaited(step):
            return False
        return await self.play(step)

    async def awaited(self, step: Step) -> bool:
        """Wait for what a step waits for. False: the client has gone."""
        match step.awaits:
            case Awaits.MESSAGES:
                came = await self._messages(step.amount)
            case Awaits.BYTES:
                came = await self._bytes(step.amount)
            case _:
                came = True
        self._asked_ns = self._clock.now()
        return came

    async def play(self, step: Step) -> bool:
        """Say what a step has to say. False: and hang up."""
        stage = self._stage
        sayings = step.sayings
        if step.upgrades and sayings:
            first = sayings[0]
            accepted = attrs.evolve(first, data=_accepted(first.data, self._key))
            sayings = (accepted, *sayings[1:])
            self._scanner = FrameScanner()
        for saying in stage.cut.apply(sayings):
            await self._clock.wait(saying.at, self._asked_ns)
            await self._stream.send(saying.data)
            if stage.intake is not None:
                await stage.intake.follow(len(saying.data))
            elif stage.cut != Cut():
                await checkpoint()
        if step.ending is None:
            return True
        if step.ends_at is not None:
            await self._clock.wait(step.ends_at, self._asked_ns)
        if step.lingers_ns:
            with anyio.move_on_after(step.lingers_ns / 1e9):
                while await self._received():
                    pass
        if step.ending is Ending.BROKEN:
            await self._break()
        return False

    async def say_nothing_is_left(self) -> None:
        """Answer a request for which there is no act."""
        body = _EXHAUSTED.encode()
        await self._stream.send(
            b"HTTP/1.1 410 Gone\r\nContent-Type: text/plain\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )

    async def _break(self) -> None:
        """Reset the connection. What the client has not read by then is lost."""
        if self._stage.intake is None:
            await anyio.sleep(_UNTAPPED_S)
        raw = self._stream.extra(SocketAttribute.raw_socket)  # noqa: S610 - anyio's, not Django's
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await self._stream.aclose()

    async def _received(self) -> bytes:
        """What has come, and else what comes; empty at the end."""
        if self._waiting:
            data, self._waiting = self._waiting, b""
            return data
        try:
            return await self._stream.receive()
        except _GONE:
            return b""

    async def _bytes(self, wanted: int) -> bool:
        came = 0
        while came < wanted:
            data = await self._more(came)
            if data is None:
                return True
            if not data:
                return False
            came += len(data)
        return True

    async def _messages(self, wanted: int) -> bool:
        """Wait for messages; answer pings meanwhile."""
        came = 0
        while came < wanted:
            data = await self._more(came)
            if data is None:
                return True
            if not data:
                return False
            assert self._scanner is not None  # noqa: S101 # there was an upgrade
            for part in self._scanner.feed(data):
                came += counts_as_message(part.opcode, part.ends_message)
                if part.opcode == Opcode.PING and part.ends_message:
                    await self._stream.send(server_frame(Opcode.PONG, part.payload))
        return True

    async def _more(self, came: int) -> bytes | None:
        """What the client says next; None if it has said something and is quiet."""
        if not came:
            return await self._received()
        with anyio.move_on_after(_QUIET_S):
            return await self._received()
        return None


def _accepted(data: bytes, key: bytes) -> bytes:
    """The head of a 101 with the token for ``key`` (RFC 6455 §4.2.2)."""
    digest = hashlib.sha1(key + _GUID, usedforsecurity=False).digest()
    token = base64.b64encode(digest)
    head, blank, rest = data.partition(b"\n\r\n") if b"\n\r\n" in data else data.partition(b"\n\n")
    return b"%b\nSec-WebSocket-Accept: %b\r%b%b" % (head, token, blank, rest)


@asynccontextmanager
async def serve_acts(
    acts: Sequence[Act],
    *,
    clock: Clock,
    cut: Cut = Cut(),  # noqa: B008 - frozen
    intake: Intake | None = None,
    port: int = 0,
    again: bool = False,
) -> AsyncIterator[int]:
    """Play ``acts`` to whoever connects to 127.0.0.1, until the context is left. Gives the port.

    There is at least one; with ``again`` they begin anew when all was played.

    Raises:
        OSError: the port is taken.
    """
    stage = Stage(list(acts), clock, cut, intake, again)

    async def receive(stream: SocketStream) -> None:
        try:
            async with stream:
                await stage.serve(stream)
        except (*_GONE, h11.RemoteProtocolError):
            pass  # the client has gone, or speaks something else

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port)
    number = int(listener.extra(SocketAttribute.local_port))  # noqa: S610 - anyio's, not Django's
    failure: BaseException | None = None
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, receive)
        try:
            yield number
        except (Exception, KeyboardInterrupt, SystemExit) as exc:  # noqa: BLE001 - raised below
            # Inside the task group it would leave as an ExceptionGroup.
            failure = exc
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
