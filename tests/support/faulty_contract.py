"""A sound driver, drivers with one fault each, and the contract kit over all of them.

This is no file of tests by its name: `tests/contract/test_faulty_drivers.py` runs it, and says
which test must find which fault.
"""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import perf_counter_ns
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import urlsplit

import anyio
import attrs
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from turnwire_core import (
    API_VERSION,
    ConnectError,
    Connection,
    Driver,
    EndOfStream,
    Frame,
    FrameStream,
    FrameTooLarge,
    InvalidFrame,
    Phase,
    Session,
    StreamBrokenError,
    TimeLimitError,
    Turn,
    WireTimes,
    hookimpl,
)
from turnwire_core.testing import DriverContract, Peer, Play


@attrs.frozen
class NoKeys:
    """No keys."""


class Lines(FrameStream):
    """The lines of one turn. Sound; the faults are in what is derived from it."""

    ends: ClassVar[bool] = False

    def __init__(self, connection: Connection, socket: SocketStream) -> None:
        self.connection = connection
        self.socket = socket
        self.rest = b""
        self.end: Exception | None = None
        self._times = WireTimes()

    @property
    def times(self) -> WireTimes:
        return self._times

    async def send(self, turn: Turn, connected_ns: int | None) -> None:
        data = self.encode(turn)
        try:
            await self.socket.send(data)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as exc:
            raise self.broken() from exc
        self._times = WireTimes(connected_ns, perf_counter_ns())
        self.show("sent", data)

    def encode(self, turn: Turn) -> bytes:
        return b"".join(json.dumps(body).encode() + b"\n" for body in turn.bodies)

    async def receive(self) -> Sequence[Frame]:
        if self.end is not None:
            raise self.end.with_traceback(None)
        try:
            data = await self.read()
            received_ns = perf_counter_ns()
            self.show("received", data)
            return self.decode(data, received_ns)
        except (EndOfStream, StreamBrokenError, InvalidFrame, FrameTooLarge) as exc:
            self.end = exc
            raise

    async def read(self) -> bytes:
        try:
            return await self.socket.receive()
        except anyio.EndOfStream:
            raise EndOfStream from None
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as exc:
            raise self.broken() from exc

    def decode(self, data: bytes, received_ns: int) -> list[Frame]:
        *lines, self.rest = (self.rest + data).split(b"\n")
        limit = self.connection.limits.max_event_bytes
        if max(map(len, (*lines, self.rest))) > limit:
            raise FrameTooLarge("A line is too long.", limit_bytes=limit)
        if any(not line.startswith(b"{") for line in lines):
            said = self.connection.secrets.mask(b"\n".join(lines).decode("utf-8", "replace"))
            raise InvalidFrame(f"No JSON: {said[:100]!a}")
        return [Frame(received_ns, line.decode(), raw=len(line)) for line in lines]

    def show(self, what: str, data: bytes) -> None:
        if self.connection.tap is not None:
            getattr(self.connection.tap, what)(perf_counter_ns(), "lines", data)

    def broken(self) -> StreamBrokenError:
        return StreamBrokenError(f"{self.connection.origin} dropped the connection.")


class LineSession(Session):
    """One conversation over one socket. Sound."""

    frames: ClassVar[type[Lines]] = Lines

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.socket: SocketStream | None = None

    @asynccontextmanager
    async def exchange(self, turn: Turn) -> AsyncIterator[FrameStream]:
        connected_ns = None
        if self.socket is None:
            self.socket = await self.dial()
            connected_ns = perf_counter_ns()
        lines = self.frames(self.connection, self.socket)
        try:
            await lines.send(turn, connected_ns)
            yield lines
        except BaseException:
            await self.broken_off()
            raise

    async def broken_off(self) -> None:
        await self.close()

    async def close(self) -> None:
        socket, self.socket = self.socket, None
        if socket is not None:
            await anyio.aclose_forcefully(socket)

    async def dial(self) -> SocketStream:
        limit_ms = self.connection.limits.connect_ms
        try:
            with anyio.fail_after(limit_ms / 1000):
                return await self.reach()
        except TimeoutError as exc:
            raise TimeLimitError("Too slow.", limit="connect", phase=Phase.CONNECT) from exc
        except OSError as exc:
            raise ConnectError(f"Nobody is at {self.connection.origin}.") from exc

    async def reach(self) -> SocketStream:
        url = urlsplit(self.connection.base_url)
        return await anyio.connect_tcp(url.hostname or "", url.port or 0)


class LineDriver(Driver[NoKeys]):
    """Lines of JSON. Sound."""

    name: ClassVar[str] = "lines"
    api_version: ClassVar[int] = API_VERSION
    schemes: ClassVar[tuple[str, ...]] = ("tcp",)
    options: ClassVar[type[Any]] = NoKeys
    session: ClassVar[type[LineSession]] = LineSession

    def default_body(self, options: NoKeys) -> object:
        return {"message": "{{message}}"}

    @asynccontextmanager
    async def connect(self, connection: Connection, options: NoKeys) -> AsyncIterator[Session]:
        session = self.session(connection)
        try:
            yield session
        finally:
            await session.close()


def plugin_of(driver: type[LineDriver]) -> object:
    """A plugin for a driver."""
    return type("Plugin", (), {"turnwire_driver": staticmethod(hookimpl(lambda: driver()))})()


def plugin_with(
    session: type[LineSession] = LineSession, frames: type[Lines] | None = None, **more: Any
) -> object:
    """A plugin for a driver that is sound but for the given parts."""
    own = type(session.__name__, (session,), {"frames": frames or session.frames})
    documented = {"__doc__": "Has a fault.", "session": own}
    return plugin_of(type("FaultyDriver", (LineDriver,), documented | more))


# -- the kit's side ------------------------------------------------------------------------------


class LinePeer(Peer):
    def frame(self, text: str) -> bytes:
        return json.dumps({"text": text}, ensure_ascii=False).encode() + b"\n"

    def finish(self) -> bytes:
        return b'{"done": true}\n'

    def breach(self, text: str) -> bytes:
        return text.encode() + b"\n"


class LineContract(DriverContract):
    protocol = "lines"
    url = "tcp://127.0.0.1:{port}"
    section = {"contentPath": "text", "finishPath": "done"}
    can_reject = False
    patience = 0.5

    async def answer(self, stream: SocketStream, play: Play) -> None:
        lines = BufferedByteReceiveStream(stream)
        while True:
            line = await lines.receive_until(b"\n", 10_000_000)
            await play(LinePeer(stream, json.loads(line)["message"]))


class TestSound(LineContract):
    plugin = plugin_of(LineDriver)
    patience = 10


# -- faults of sessions --------------------------------------------------------------------------


class LeakySession(LineSession):
    kept: ClassVar[list[object]] = []

    async def close(self) -> None:
        self.kept.append(self.socket)
        self.socket = None


class TestLeavesSocketsOpen(LineContract):
    plugin = plugin_with(LeakySession)


class ThreadedSession(LineSession):
    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        threading.Thread(target=threading.Event().wait, name="leaked", daemon=True).start()


class TestLeavesThreads(LineContract):
    plugin = plugin_with(ThreadedSession)


class RawSession(LineSession):
    async def dial(self) -> SocketStream:
        return await self.reach()


class TestRaisesOSErrorAndNeverGivesUpConnecting(LineContract):
    plugin = plugin_with(RawSession)


class GroupedSession(LineSession):
    @asynccontextmanager
    async def exchange(self, turn: Turn) -> AsyncIterator[FrameStream]:
        async with anyio.create_task_group(), super().exchange(turn) as lines:
            yield lines


class TestRaisesExceptionGroups(LineContract):
    plugin = plugin_with(GroupedSession)


class MixingSession(LineSession):
    async def broken_off(self) -> None:
        pass


class TestMixesTurns(LineContract):
    plugin = plugin_with(MixingSession)


class ClingingSession(LineSession):
    async def close(self) -> None:
        if self.socket is not None:
            try:
                await self.socket.send_eof()
                while True:
                    await self.socket.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                pass
        await super().close()


class TestHangsOnClose(LineContract):
    plugin = plugin_with(ClingingSession)


class MuteSession(LineSession):
    async def dial(self) -> SocketStream:
        try:
            return await super().dial()
        except ConnectError as exc:
            raise ConnectError("") from exc


class TestSaysNothing(LineContract):
    plugin = plugin_with(MuteSession)


class MisplacingSession(LineSession):
    async def dial(self) -> SocketStream:
        try:
            return await super().dial()
        except ConnectError as exc:
            raise ConnectError(str(exc), phase=Phase.STREAM) from exc


class TestNamesTheWrongPhase(LineContract):
    plugin = plugin_with(MisplacingSession)


class SharedSession(LineSession):
    """Its socket belongs to everybody."""

    everybody: ClassVar[SimpleNamespace] = SimpleNamespace(socket=None)

    @property
    def socket(self) -> SocketStream | None:  # type: ignore[override] # that is the fault
        return self.everybody.socket  # type: ignore[no-any-return] # see above

    @socket.setter
    def socket(self, value: SocketStream | None) -> None:
        if value is not None or self.everybody.socket is None:
            self.everybody.socket = value

    async def close(self) -> None:
        socket, self.everybody.socket = self.everybody.socket, None
        if socket is not None:
            await anyio.aclose_forcefully(socket)


class TestSharesStateBetweenConversations(LineContract):
    plugin = plugin_with(SharedSession)


# -- faults of streams ---------------------------------------------------------------------------


class UncancellableLines(Lines):
    async def read(self) -> bytes:
        try:
            return await super().read()
        except anyio.get_cancelled_exc_class():
            raise EndOfStream from None


class TestSwallowsCancellation(LineContract):
    plugin = plugin_with(frames=UncancellableLines)


class ObstinateLines(Lines):
    async def read(self) -> bytes:
        while True:
            try:
                return await super().read()
            except anyio.get_cancelled_exc_class():
                continue


class TestReadsOnWhenCancelled(LineContract):
    plugin = plugin_with(frames=ObstinateLines)


class BatchingLines(Lines):
    async def receive(self) -> Sequence[Frame]:
        frames: list[Frame] = []
        while not any('"done"' in str(frame.data) for frame in frames):
            frames += await super().receive()
        return frames


class TestBatchesFramesToTheEnd(LineContract):
    plugin = plugin_with(frames=BatchingLines)


class ImpatientLines(Lines):
    async def receive(self) -> Sequence[Frame]:
        while not (frames := await super().receive()):
            pass
        return frames


class TestHidesSignsOfLife(LineContract):
    plugin = plugin_with(frames=ImpatientLines)


class LateLines(Lines):
    def decode(self, data: bytes, received_ns: int) -> list[Frame]:
        frames = super().decode(data, received_ns)
        return [attrs.evolve(frame, received_ns=perf_counter_ns()) for frame in frames]


class TestStampsWhatItHasParsed(LineContract):
    plugin = plugin_with(frames=LateLines)


class TestStampsWhenItIsAsked(LineContract):
    plugin = plugin_of(LineDriver)
    reads_ahead = True


class GreedyLines(Lines):
    def decode(self, data: bytes, received_ns: int) -> list[Frame]:
        *lines, self.rest = (self.rest + data).split(b"\n")
        return [Frame(received_ns, line.decode("utf-8", "replace")) for line in lines]


class TestTakesFramesOfAnySize(LineContract):
    plugin = plugin_with(frames=GreedyLines)


class TellingLines(Lines):
    def decode(self, data: bytes, received_ns: int) -> list[Frame]:
        try:
            return super().decode(data, received_ns)
        except InvalidFrame as exc:
            raise InvalidFrame(f"No JSON: {data.decode('utf-8', 'replace')}") from exc


class TestTellsSecrets(LineContract):
    plugin = plugin_with(frames=TellingLines)


class ForgetfulLines(Lines):
    async def receive(self) -> Sequence[Frame]:
        if self.end is not None:
            return ()
        return await super().receive()


class TestEndsOnce(LineContract):
    plugin = plugin_with(frames=ForgetfulLines)


class OptimisticLines(Lines):
    async def read(self) -> bytes:
        try:
            return await super().read()
        except StreamBrokenError:
            raise EndOfStream from None


class TestTakesADropForAnEnd(LineContract):
    plugin = plugin_with(frames=OptimisticLines)


class TurningLines(Lines):
    def decode(self, data: bytes, received_ns: int) -> list[Frame]:
        *frames, last = super().decode(data, received_ns) or [None]
        return [*reversed(frames), last] if last is not None else []


class TestReordersFrames(LineContract):
    plugin = plugin_with(frames=TurningLines)


class HastyLines(Lines):
    def decode(self, data: bytes, received_ns: int) -> list[Frame]:
        return super().decode(data.decode("utf-8", "replace").encode(), received_ns)


class TestDecodesEachReadByItself(LineContract):
    plugin = plugin_with(frames=HastyLines)


class StubbornLines(Lines):
    def encode(self, turn: Turn) -> bytes:
        return json.dumps({"message": turn.message}).encode() + b"\n"


class TestSendsABodyOfItsOwn(LineContract):
    plugin = plugin_with(frames=StubbornLines)


class HiddenLines(Lines):
    def show(self, what: str, data: bytes) -> None:
        pass


class TestHidesTheWire(LineContract):
    plugin = plugin_with(frames=HiddenLines)


# -- faults of drivers ---------------------------------------------------------------------------


@attrs.define
class LooseKeys:
    """Neither frozen nor documented."""

    depth: int = 1


class TestHasLooseOptions(LineContract):
    plugin = plugin_with(options=LooseKeys)


class TestHasAnotherName(LineContract):
    plugin = plugin_with(name="rows")


class RememberingDriver(LineDriver):
    """Keeps the last connection."""

    def connect(self, connection: Connection, options: NoKeys) -> Any:
        self.last = connection
        return super().connect(connection, options)


class TestRemembersAConnection(LineContract):
    plugin = plugin_of(RememberingDriver)
