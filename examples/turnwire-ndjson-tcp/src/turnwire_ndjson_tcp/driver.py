"""The driver: a line for each turn, and the lines that come back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from time import perf_counter_ns
from typing import ClassVar
from urllib.parse import urlsplit

import anyio
import attrs
from anyio.abc import SocketStream

from turnwire_core import (
    API_VERSION,
    ConnectError,
    Connection,
    Driver,
    EndOfStream,
    Frame,
    FrameStream,
    Phase,
    Session,
    StreamBrokenError,
    TimeLimitError,
    Turn,
    WireTimes,
    option,
)
from turnwire_core.contracts.tap import Ending
from turnwire_ndjson_tcp.lines import LineDecoder


@attrs.frozen
class NdjsonTcpOptions:
    """The keys of the section ``ndjson_tcp`` that are not the core's."""

    socket_per_turn: bool = option(
        "Open a socket for each turn, not one for the whole conversation.", False
    )


class NdjsonTcpDriver(Driver[NdjsonTcpOptions]):
    """JSON objects over a TCP socket, one a line, in both directions."""

    name: ClassVar[str] = "ndjson_tcp"
    api_version: ClassVar[int] = API_VERSION
    schemes: ClassVar[tuple[str, ...]] = ("tcp",)
    options: ClassVar[type[NdjsonTcpOptions]] = NdjsonTcpOptions

    def default_body(self, options: NdjsonTcpOptions) -> object:  # noqa: ARG002 - the contract's signature
        return {"message": "{{message}}"}

    def check(self, connection: Connection, options: NdjsonTcpOptions) -> Sequence[str]:  # noqa: ARG002
        problems = []
        if _address(connection) is None:
            problems.append("'base_url' must be tcp://HOST:PORT.")
        problems += [
            f"{key!r} has no use: nothing but lines goes over this socket. Leave it out."
            for key in ("auth", "headers", "proxy")
            if getattr(connection, key)
        ]
        return problems

    @asynccontextmanager
    async def connect(
        self, connection: Connection, options: NdjsonTcpOptions
    ) -> AsyncIterator[Session]:
        session = NdjsonTcpSession(connection, options)
        try:
            yield session
        finally:
            await session.drop()


class NdjsonTcpSession(Session):
    """One conversation. Its socket is opened by the first turn that needs it."""

    def __init__(self, connection: Connection, options: NdjsonTcpOptions) -> None:
        self._connection = connection
        self._options = options
        self._socket: SocketStream | None = None

    @asynccontextmanager
    async def exchange(self, turn: Turn) -> AsyncIterator[FrameStream]:
        connected_ns = None
        if self._socket is None:
            self._socket = await self._dial()
            connected_ns = perf_counter_ns()
        frames = NdjsonTcpFrames(self._connection, self._socket)
        try:
            await frames.send(turn, connected_ns)
            yield frames
        except BaseException:
            # Broken off: what still comes must not be taken for the reply to the next turn.
            await self.drop()
            raise
        if self._options.socket_per_turn or frames.is_inside_line:
            await self.drop()

    async def drop(self) -> None:
        """Close the socket, if there is one. Never waits for the target."""
        socket, self._socket = self._socket, None
        if socket is not None:
            await anyio.aclose_forcefully(socket)

    async def _dial(self) -> SocketStream:
        connection = self._connection
        host, port = _address(connection) or ("", 0)
        limit_ms = connection.limits.connect_ms
        try:
            with anyio.fail_after(limit_ms / 1000):
                return await anyio.connect_tcp(host, port)
        except TimeoutError as exc:
            raise TimeLimitError(
                f"{connection.origin} did not answer within {limit_ms:g} ms (limits.connectMs).",
                limit="connect",
                phase=Phase.CONNECT,
            ) from exc
        except OSError as exc:
            raise ConnectError(
                f"Could not connect to {connection.origin}: {exc}. Is the server running?"
            ) from exc


class NdjsonTcpFrames(FrameStream):
    """What one turn brought."""

    ends: ClassVar[bool] = False  # the socket outlives the turn

    def __init__(self, connection: Connection, socket: SocketStream) -> None:
        self._connection = connection
        self._socket = socket
        self._decoder = LineDecoder(connection.limits.max_event_bytes, connection.secrets)
        self._times = WireTimes()
        self._end: Exception | None = None

    @property
    def times(self) -> WireTimes:
        return self._times

    @property
    def is_inside_line(self) -> bool:
        """Whether a line has begun that is not over yet."""
        return self._decoder.pending > 0

    async def send(self, turn: Turn, connected_ns: int | None) -> None:
        """Send the bodies of a turn, each on a line of its own."""
        # JSON writes a line end inside of a text as \n, so a message cannot break out of its line.
        data = b"".join(json.dumps(body).encode() + b"\n" for body in turn.bodies)
        with self._mapped(Phase.SEND):
            await self._socket.send(data)
        self._times = WireTimes(connected_ns, perf_counter_ns())
        if self._connection.tap is not None:
            self._connection.tap.sent(perf_counter_ns(), "lines", data)

    async def receive(self) -> Sequence[Frame]:
        if self._end is not None:
            raise self._end.with_traceback(None)  # the same one each time; it must not grow
        try:
            with self._mapped(Phase.STREAM):
                data = await self._socket.receive()
        except StreamBrokenError as exc:
            # Asked again, the system would say that a connection that was reset ended cleanly.
            self._end = exc
            self._tell_end(Ending.BROKEN)
            raise
        except anyio.EndOfStream:
            self._tell_end(Ending.CLOSED)
            self._end = self._clean_end()
            raise self._end from None
        received_ns = perf_counter_ns()  # before anything is parsed
        if self._connection.tap is not None:
            self._connection.tap.received(received_ns, "lines", data)
        frames = self._decoder.feed(data, received_ns)
        # A read may complete frames before one that fails: those are handed out first.
        self._end = self._decoder.failure
        if self._end is not None and not frames:
            raise self._end
        return frames

    def _tell_end(self, ending: Ending) -> None:
        if self._connection.tap is not None:
            self._connection.tap.ended(perf_counter_ns(), ending)

    def _clean_end(self) -> Exception:
        if self.is_inside_line:
            return StreamBrokenError(
                f"{self._connection.origin} ended the connection in the middle of a line."
            )
        return EndOfStream()

    @contextmanager
    def _mapped(self, phase: Phase) -> Iterator[None]:
        """The one place where what anyio and the system raise becomes an error of Turnwire."""
        try:
            yield
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError) as exc:
            raise StreamBrokenError(
                f"{self._connection.origin} dropped the connection.", phase=phase
            ) from exc


def _address(connection: Connection) -> tuple[str, int] | None:
    """Host and port, if the URL is one of ours."""
    url = urlsplit(connection.base_url)
    try:
        port = url.port
    except ValueError:
        return None
    good = url.scheme == "tcp" and url.hostname and port and url.path in ("", "/")
    return (url.hostname, port) if good and url.hostname and port else None
