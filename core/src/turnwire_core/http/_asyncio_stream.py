"""A TCP connection on asyncio (and uvloop) that is read as soon as the loop hears of bytes.

anyio's stream stops the transport after each read and starts it again for the next, which are two
system calls, and a transport of asyncio does not hand out what the system notes beside the bytes.
Here the loop is asked for no more than to say when the socket is ready (``loop.add_reader``).

The twin for other backends is :class:`turnwire_core.http._sockets.PolledStream`.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

import anyio
from anyio.abc import SocketAttribute

from turnwire_core.http._arrival import ANCILLARY_BYTES, ArrivalClock
from turnwire_core.http._sockets import StampedStream

_HELD_BYTES: Final = 256 * 1024
"""How much may wait here for the reading task before the system must hold it."""

_BUFFER_BYTES: Final = 256 * 1024


class _OfThread(threading.local):
    """One buffer for the streams of one thread, which is that of one loop at a time.

    Memory of that size comes from the system for each read, and goes back to it.
    """

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(_BUFFER_BYTES))


_of_thread = _OfThread()


class AsyncioStream(StampedStream):
    """A stream for one task that receives and one that sends.

    A network read is handed out whole, with its own stamp in ``read_ns``.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.read_ns = 0
        """When the bytes arrived that were received last."""
        self._sock = sock
        self._clock = ArrivalClock(sock)
        self._loop = asyncio.get_running_loop()
        self._into = (_of_thread.buffer,)
        # A queue in two halves. A deque takes 760 bytes, and as a rule one read would be in it.
        self._reads: list[tuple[bytes, int]] = []
        self._next: list[tuple[bytes, int]] = []
        self._held = 0
        # A task that is woken in every round of the loop is never seen waiting, and anyio cancels
        # only one that is. So it stands still for a round after some bytes.
        self._stretch = 0
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._unsent: asyncio.Future[None] | None = None
        self._ended = False
        self._closed = False
        self._loss: OSError | None = None
        self._loop.add_reader(sock, self._readable)

    # What the loop calls.

    def _readable(self) -> None:
        try:
            size, ancillary, _, _ = self._sock.recvmsg_into(self._into, ANCILLARY_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as exc:
            self._lose(exc)
            return
        if size:
            self._reads.append((bytes(self._into[0][:size]), self._clock.stamp(ancillary)))
            self._held += size
            if self._held > _HELD_BYTES:
                self._paused = True
                self._loop.remove_reader(self._sock)
        else:
            self._ended = True
            self._loop.remove_reader(self._sock)
        _wake(self._waiter)

    def _lose(self, exc: OSError) -> None:
        self._loss = self._loss or exc
        self._ended = True
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        _wake(self._waiter)
        _wake(self._unsent)

    # What the owner calls.

    async def receive(self, max_bytes: int = 65536) -> bytes:
        if self._stretch > _HELD_BYTES:
            self._stretch = 0
            await asyncio.sleep(0)
        following, reads = self._next, self._reads
        if not following:
            if not reads and not self._ended and not self._closed:
                self._waiter = self._loop.create_future()
                try:
                    await self._waiter
                finally:
                    self._waiter = None
            if not reads:
                if self._closed or self._loss is not None:
                    raise self._broken()
                raise anyio.EndOfStream
            following += reversed(reads)
            reads.clear()
        data, self.read_ns = following.pop()
        if len(data) > max_bytes:
            following.append((data[max_bytes:], self.read_ns))
            data = data[:max_bytes]
        self._held -= len(data)
        self._stretch += len(data)
        if self._paused and not self._held and not self._ended:
            self._paused = False
            self._loop.add_reader(self._sock, self._readable)
        return data

    async def send(self, item: bytes) -> None:
        unsent = memoryview(item)
        while True:
            if self._closed or self._loss is not None:
                raise self._broken()
            try:
                unsent = unsent[self._sock.send(unsent) :]
            except (BlockingIOError, InterruptedError):
                pass
            except OSError as exc:
                # What the target said before it hung up can still be read.
                raise anyio.BrokenResourceError from exc
            if not unsent:
                return
            await self._writable()

    async def _writable(self) -> None:
        self._unsent = self._loop.create_future()
        self._loop.add_writer(self._sock, _wake, self._unsent)
        try:
            await self._unsent
        finally:
            self._unsent = None
            if not self._closed:
                self._loop.remove_writer(self._sock)

    async def send_eof(self) -> None:
        if not self._closed and self._loss is None:
            self._sock.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        """Close, without waiting for what is not sent yet, or for the peer."""
        if not self._closed:
            self._closed = True
            self._reads.clear()
            self._next.clear()
            self._loop.remove_reader(self._sock)
            self._loop.remove_writer(self._sock)
            self._sock.close()
            _wake(self._waiter)
            _wake(self._unsent)
        await asyncio.sleep(0)

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        return {SocketAttribute.raw_socket: lambda: self._sock}

    @property
    def quiet(self) -> bool:
        """Whether, as far as the loop has seen, nothing came and the peer has not hung up."""
        return not (self._held or self._ended or self._closed)

    def _broken(self) -> Exception:
        if self._closed:
            return anyio.ClosedResourceError()
        error = anyio.BrokenResourceError()
        error.__cause__ = self._loss
        return error


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
