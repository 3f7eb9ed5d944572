"""One open WebSocket, and who reads it.

During a turn that is the task of the turn, in :meth:`Channel.receive`: what the network brings is
in its hands without a switch of tasks. Where nobody receives, an *attendant* reads instead: between
two turns, and in a turn as soon as nobody has received for a moment, perhaps because the target
takes our message only when it has got rid of its own. So pings are answered, and what comes too
late for its turn is dropped. The two are never at it at once.

The keepalive has no task but an alarm, and the good-bye has one of its own, because the next turn
has no reason to wait for that. All tasks live in the session's task group.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import ClassVar, Final

import anyio
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint, checkpoint_if_cancelled

from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.driver import EndOfStream
from turnwire_core.errors import DriverError, InvalidFrame, Phase, ProtocolError, StreamBrokenError
from turnwire_core.events import Frame, Turn
from turnwire_core.http import Alarm, HttpClient, TokenStore, UpgradedStream, excerpt_of
from turnwire_websocket.framing import Framing
from turnwire_websocket.handshake import Offer
from turnwire_websocket.incoming import Incoming
from turnwire_websocket.keepalive import Keepalive, TargetLost
from turnwire_websocket.moment import Moment
from turnwire_websocket.options import WebSocketOptions
from turnwire_websocket.outlet import Outlet

_NORMAL: Final = 1000
_GOING_AWAY: Final = 1001

_ANSWERING_STEPS: Final = 5
"""How often the event loop comes round before our Close, so that whoever waits for a message that
came in the same read with the end can still answer it."""

_FRAME_COST: Final = 256
"""What a frame takes beside its text: without it, many empty messages would be unbounded."""

_MOST_WAITING_BYTES: Final = 256 * 1024
"""How much the attendant collects for a turn before it leaves the rest to the system."""

_ABSENCE_SECONDS: Final = 0.05
"""For how long nobody may receive in a turn before the attendant is called."""

_WHY_SECONDS: Final = 1.0
"""How long to wait, when a write fails, for the read that tells why."""


class Channel:
    """A WebSocket. Its tasks live in ``tasks``; :meth:`open` it before anything else."""

    incoming_class: ClassVar[type[Incoming]] = Incoming

    def __init__(self, connection: Connection, options: WebSocketOptions, tasks: TaskGroup) -> None:
        self._connection = connection
        self._options = options
        self._tasks = tasks
        self._opened = False
        self._client: HttpClient
        self._stream: UpgradedStream
        self._framing = Framing(
            max_message_bytes=connection.limits.max_event_bytes,
            max_fragments=options.max_fragments,
        )
        self._incoming = self.incoming_class(connection, options, self._framing, self._about)
        self._outlet: Outlet
        self._keepalive: Keepalive
        self._alarm: Alarm
        self._is_read = False
        self._taking_over = False
        self._attendant: _Attendant | None = None
        # What the attendant collected for the turn, one batch for each read, oldest first.
        self._batches: list[Sequence[Frame]] = []
        self._held_bytes = 0
        self._most_held = min(connection.limits.max_event_bytes, _MOST_WAITING_BYTES)
        self._fate: Exception | None = None
        self._parting = False
        self._over = Moment()
        self._closed = Moment()

    @property
    def over(self) -> bool:
        """Whether the socket can take no further turn."""
        return self._parting or self._outlet.sealed

    @property
    def closed(self) -> bool:
        """Whether there is no TCP connection, any more or at all."""
        return self._closed.passed or not self._opened

    async def open(self, turn: Turn, tokens: TokenStore | None = None) -> None:
        """Connect, and shake hands. ``turn`` is the first; its headers go with the upgrade.

        Raises:
            DriverError: there is no such socket to be had.
        """
        offer = Offer(self._options.protocols)
        # A client for each socket, because one may still be parting while the next opens.
        client = HttpClient(self._connection, tokens=tokens)
        try:
            stream = await client.open_upgraded(turn, headers=offer.headers())
        except BaseException:
            await client.aclose()
            raise
        if problem := offer.problem(stream.headers):
            await stream.aclose()
            await client.aclose()
            message = f"the WebSocket handshake failed: {problem}."
            raise ProtocolError(self._about(message), phase=Phase.CONNECT)
        self._client, self._stream = client, stream
        self._outlet = Outlet(stream, self._about)
        interval_ms = self._options.ping_interval_ms
        self._keepalive = Keepalive(
            None if interval_ms is None else interval_ms / 1000,
            self._options.ping_timeout_ms / 1000,
            now=anyio.current_time(),
        )
        self._alarm = Alarm(self._tasks, self._look_after)
        self._opened = True
        self._expect_a_reader()

    # -- turns ---------------------------------------------------------------------------------

    def listen(self) -> None:
        """What arrives from now on is for :meth:`receive`; what came before is dropped.

        A message that has begun by now belongs to the past; its end is dropped.
        """
        self._drop_batches()
        self._incoming.listen()
        self._expect_a_reader()

    async def clear(self) -> None:
        """Drop what has come by now, without waiting for more."""
        self._incoming.ignore()
        if self._attendant is not None:
            await self._take_over(self._attendant)
        with anyio.move_on_after(0):
            await self._collect()
        await self._flush()

    def ignore(self) -> None:
        """Drop what arrives from now on. The socket is still read, and pings are answered."""
        self._drop_batches()
        self._incoming.ignore()
        self._attend()

    async def receive(self) -> Sequence[Frame]:
        """The frames of one read of the network. Safe to cancel: nothing is lost.

        Raises:
            EndOfStream, DriverError: there is an end, and why. Raised again on every later call.
        """
        if self._attendant is not None:
            await self._take_over(self._attendant)
        if self._batches:
            await checkpoint_if_cancelled()
            frames = self._batches.pop(0)
            if not self._batches:
                self._held_bytes = 0
            return frames
        if self._fate is None and (read := await self._read()) is not None:
            return read
        assert self._fate is not None  # noqa: S101 - or something would have been read
        # The same one is raised again on every call; its traceback must not grow.
        raise self._fate.with_traceback(None)

    async def send(self, content: str | bytes) -> None:
        """Send a message: text, or binary if it is bytes.

        Raises:
            InvalidFrame: the text cannot be sent.
            DriverError: the socket is gone, for the reason that the target gave or that we found.
        """
        framing = self._framing
        try:
            data = framing.text(content) if isinstance(content, str) else framing.binary(content)
        except UnicodeEncodeError as exc:
            message = "the message holds half of a surrogate pair, which is no text to be sent."
            raise InvalidFrame(self._about(message), phase=Phase.SEND) from exc
        try:
            await self._outlet.send(data, "message", content)
        except StreamBrokenError as exc:
            # Reading on finds out more than a failed write can tell.
            self._attend()
            with anyio.move_on_after(_WHY_SECONDS):
                await self._over.wait()
            match self._fate:
                case DriverError() as fate:
                    raise fate from exc
                case EndOfStream():
                    message = "the target closed the WebSocket before the message was sent."
                    raise StreamBrokenError(self._about(message), phase=Phase.SEND) from exc
            raise

    def _drop_batches(self) -> None:
        self._batches.clear()
        self._held_bytes = 0

    # -- the end -------------------------------------------------------------------------------

    def close(self) -> None:
        """Begin the closing handshake (RFC 6455 §7.1.2). :meth:`wait_closed` waits for its end."""
        self._part(_NORMAL, patient=True)

    def drop(self) -> None:
        """Tell the target that we go, if that can be done at once, and go."""
        self._part(_GOING_AWAY, patient=False)

    async def wait_closed(self) -> None:
        """Wait until TCP is closed: ``limits.close_ms`` at most after ``close`` or ``drop``."""
        if not self.closed:
            await self._closed.wait()

    def _end(self, fate: Exception, farewell: int | None = None) -> None:
        """Nothing more will be read, and ``fate`` is why."""
        if self._fate is None:
            self._fate = fate
            self._over.pass_()
            self._part(farewell, patient=True)

    def _part(self, farewell: int | None, *, patient: bool) -> None:
        if self._opened and not self._parting:
            self._parting = True
            self._alarm.cancel()
            self._tasks.start_soon(self._say_goodbye, farewell, patient)

    async def _say_goodbye(self, farewell: int | None, patient: bool) -> None:
        """Close with the code ``farewell``, unless there is nobody left to tell, and hang up.

        With ``patient`` the target is to hang up first, within ``limits.close_ms``. Who hangs up
        first with something unread makes the system reset the connection, and the target may never
        see what it was told last. Its own Close comes before its end of TCP.
        """
        try:
            try:
                if farewell is not None:
                    with anyio.move_on_after(self._connection.limits.close_ms / 1000):
                        await self._close(farewell, patient=patient)
            except (EndOfStream, DriverError):
                pass
            finally:
                await self._stream.aclose()
                await self._client.aclose()
                if self._attendant is not None:
                    self._attendant.dismiss()
        except Exception as exc:  # noqa: BLE001 - the transport did not like to be closed
            self._end(exc)
        finally:
            self._closed.pass_()

    async def _close(self, code: int, *, patient: bool) -> None:
        if self._attendant is not None:
            await self._attendant.relieve()
        for _ in range(_ANSWERING_STEPS):
            await checkpoint()
        await self._outlet.send(self._framing.close(code), "close", str(code))
        while patient:
            await self._stream.receive()

    # -- who reads -----------------------------------------------------------------------------

    async def _read(self) -> Sequence[Frame] | None:
        """The frames of one read, or None at the end."""
        self._keepalive.listening()
        self._is_read = True
        try:
            data, received_ns = await self._stream.receive()
        except EndOfStream:
            message = "the target dropped the connection without closing the WebSocket (1006)."
            self._end(StreamBrokenError(self._about(message)))
            return None
        except DriverError as exc:
            self._end(exc)
            return None
        finally:
            self._is_read = False
        self._keepalive.arrived(received_ns)
        incoming = self._incoming
        frames = incoming.take(data, received_ns, self._stream.tap)
        if incoming.fate is not None:
            self._end(incoming.fate, incoming.farewell)
            return frames or None
        if incoming.pings:
            self._answer()
        return frames

    def _answer(self) -> None:
        """See to it that the pings are answered, and before what is sent because of this read.

        By a task of its own where nothing is sent: whoever reads may be cancelled at any moment,
        and half a frame would seal the socket.
        """
        pings, self._incoming.pings = self._incoming.pings, []
        pongs = b"".join(map(self._framing.pong, pings))
        self._outlet.owe(pongs, "pong", b" ".join(pings))
        self._tasks.start_soon(self._flush)

    async def _flush(self) -> None:
        with suppress(DriverError):  # Whoever reads finds out why.
            await self._outlet.flush()

    def _expect_a_reader(self) -> None:
        """Look in a moment whether somebody receives."""
        if not self._parting:
            soon = anyio.current_time() + _ABSENCE_SECONDS
            self._alarm.set(min(soon, self._keepalive.due))

    async def _take_over(self, attendant: _Attendant) -> None:
        """Relieve the attendant in order to read."""
        self._taking_over = True
        try:
            await attendant.relieve()
        finally:
            self._taking_over = False

    def _attend(self) -> None:
        """See to it that somebody reads until somebody receives."""
        if self._parting:
            return
        if self._attendant is not None:
            self._attendant.relieved = False  # by who was cancelled before it had gone
        else:
            self._attendant = _Attendant()
            self._tasks.start_soon(self._stand_in, self._attendant)

    async def _stand_in(self, attendant: _Attendant) -> None:
        """Read until relieved. What a turn wants is kept for it."""
        try:
            while self._fate is None and not attendant.relieved:
                with anyio.CancelScope() as attendant.reading:
                    await self._collect()
        except Exception as exc:  # noqa: BLE001 - broken, and for whoever takes the frames to know
            self._end(exc)
        finally:
            self._attendant = None
            attendant.gone.pass_()

    async def _collect(self) -> None:
        """Read until the end."""
        while self._fate is None:
            if self._held_bytes >= self._most_held:
                await anyio.sleep_forever()
            frames = await self._read()
            # An empty batch is a sign of life, and two are no more.
            if frames is not None and (frames or not self._batches or self._batches[-1]):
                self._batches.append(frames)
                for frame in frames:
                    self._held_bytes += frame.raw + _FRAME_COST

    async def _look_after(self) -> None:
        """The alarm has rung: for want of somebody who reads, or for the keepalive."""
        if self._parting:
            return
        if not (self._is_read or self._taking_over or self._attendant):
            self._keepalive.not_listening()
            self._attend()
        unsent = self._outlet.owes("ping")
        try:
            ping = self._keepalive.look(anyio.current_time(), unsent=unsent)
        except TargetLost as exc:
            waited = f"{self._options.ping_timeout_ms:g} ms ('websocket.pingTimeoutMs')"
            message = f"the target seems to be gone: for {waited} {exc}."
            self._end(StreamBrokenError(self._about(message)))
            return
        self._alarm.set(self._keepalive.due)
        if ping is not None:
            self._outlet.owe(self._framing.ping(ping), "ping", ping)
            await self._flush()

    def _about(self, text: str) -> str:
        """A message about this target: masked, and harmless whatever the target put into it."""
        return excerpt_of(f"{self._connection.origin}: {text}".encode(), self._connection.secrets)


class _Attendant:
    """Who reads while nobody receives."""

    def __init__(self) -> None:
        self.relieved = False
        self.reading: anyio.CancelScope | None = None
        """Around reading, which can be broken off at any moment without loss."""
        self.gone = Moment()

    def dismiss(self) -> None:
        """Have it stop."""
        self.relieved = True
        if self.reading is not None:
            self.reading.cancel()

    async def relieve(self) -> None:
        """Have it stop, and wait until it has."""
        self.dismiss()
        await self.gone.wait()
