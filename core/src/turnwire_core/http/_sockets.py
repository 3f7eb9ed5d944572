"""TCP connections whose reads are stamped, on whichever backend runs."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.lowlevel import checkpoint

from turnwire_core.http._arrival import ANCILLARY_BYTES, Ancillary, ArrivalClock
from turnwire_core.http._reach import reach

_READ_BYTES: Final = 64 * 1024
"""Memory for more comes from the system, and goes back to it, with every single read."""


class Stamped(Protocol):
    """What both streams tell beside their bytes."""

    read_ns: int
    """When the bytes arrived that were received last (:func:`time.perf_counter_ns`)."""

    @property
    def quiet(self) -> bool:
        """Whether nothing is known to wait here; what the system holds is not looked at."""


class StampedStream(ByteStream, Stamped):
    """A stream of bytes with stamps."""


async def connect(host: str, port: int) -> StampedStream:
    """Open TCP to ``host``; several addresses are raced (Happy Eyeballs).

    Raises:
        OSError: the name is not known, or no address could be reached.
        UnicodeError: the name cannot be looked up.
    """
    sock = await reach(host, port)
    if on_asyncio() and sys.platform != "win32":  # whose loop has no readers
        from turnwire_core.http._asyncio_stream import AsyncioStream  # not where only trio is

        return AsyncioStream(sock)
    return PolledStream(sock)


def on_asyncio() -> bool:
    """Whether this task is asyncio's. Whoever runs on another loop need not import it."""
    asyncio = sys.modules.get("asyncio")
    try:
        # None in the guest mode of trio, whose tasks run inside of asyncio's callbacks.
        return asyncio is not None and asyncio.current_task() is not None
    except RuntimeError:
        return False


class PolledStream(StampedStream):
    """A socket that is read by the task that wants to read, once anyio says that it is ready."""

    quiet = True

    def __init__(self, sock: socket.socket) -> None:
        self.read_ns = 0
        self._sock = sock
        self._clock = ArrivalClock(sock)
        self._drained = False
        """Whether the last read got all there was: the next need not try before it waits."""

    async def receive(self, max_bytes: int = _READ_BYTES) -> bytes:
        size = min(max_bytes, _READ_BYTES)
        if not self._drained:
            await checkpoint()
        while True:
            self._check_open()
            if self._drained:
                await anyio.wait_readable(self._sock)
            try:
                data, ancillary = self._read(size)
            except (BlockingIOError, InterruptedError):
                self._drained = True
                continue
            except OSError as exc:
                raise anyio.BrokenResourceError from exc
            if not data:
                self._drained = False  # the end is there to be read again
                raise anyio.EndOfStream
            self._drained = len(data) < size
            self.read_ns = self._clock.stamp(ancillary)
            return data

    async def send(self, item: bytes) -> None:
        unsent = memoryview(item)
        await checkpoint()
        while unsent:
            self._check_open()
            try:
                unsent = unsent[self._sock.send(unsent) :]
            except (BlockingIOError, InterruptedError):
                await anyio.wait_writable(self._sock)
            except OSError as exc:
                raise anyio.BrokenResourceError from exc

    async def send_eof(self) -> None:
        self._check_open()
        self._sock.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        if self._sock.fileno() >= 0:
            anyio.notify_closing(self._sock)  # whoever waits for it
            self._sock.close()
        await checkpoint()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        return {SocketAttribute.raw_socket: lambda: self._sock}

    def _read(self, size: int) -> tuple[bytes, Ancillary]:
        if not ANCILLARY_BYTES:
            return self._sock.recv(size), []
        data, ancillary, _, _ = self._sock.recvmsg(size, ANCILLARY_BYTES)
        return data, ancillary

    def _check_open(self) -> None:
        if self._sock.fileno() < 0:
            raise anyio.ClosedResourceError
