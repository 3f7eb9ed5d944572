"""A TCP connection on asyncio (and uvloop) that stamps each read as it comes out of the system.

anyio's stream stops the transport after each read and starts it again for the next: two system
calls, and the stamp can be taken only when the reading task runs, behind all others that are
ready. Here the loop itself takes it, and reading goes on; that halves the cost of a read.

asyncio reads for a plain protocol into a new object of 256 KiB each time, of which a hundred bytes
are used: to have that memory and to give it back costs more than the system call. So where the loop
reads at once into the buffer that it asks for, all streams of a thread share one.

The twin for other backends is :class:`turnwire_core.http._sockets.PlainStream`.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from time import perf_counter_ns
from typing import Any, Final, cast

import anyio
from anyio.abc import ByteStream, SocketAttribute

_HELD_BYTES: Final = 256 * 1024
"""How much may wait here for the reading task before the system must hold it."""

_EYEBALLS_S: Final = 0.25
"""How long one address may take before the next is tried beside it (RFC 8305 §8)."""


_BUFFER_BYTES: Final = 256 * 1024

if sys.platform == "win32":
    # The proactor hands the buffer to the system and comes back later: it cannot be shared.
    _Protocol = asyncio.Protocol
else:
    _Protocol = asyncio.BufferedProtocol


class _OfThread(threading.local):
    """The buffer of the streams of one thread, which is that of one loop at a time."""

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(_BUFFER_BYTES))


_of_thread = _OfThread()


class AsyncioStream(_Protocol, ByteStream):
    """The protocol of a transport, and a stream for one task that receives and one that sends.

    A network read is handed out whole, with its own stamp in ``read_ns``.
    """

    def __init__(self) -> None:
        self.read_ns = 0
        """When the bytes arrived that were received last."""
        # A queue in two halves. A deque takes 760 bytes, and as a rule one read would be in it.
        self._reads: list[tuple[bytes, int]] = []
        self._next: list[tuple[bytes, int]] = []
        self._held = 0
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._unsent: asyncio.Future[None] | None = None
        self._ended = False
        self._closed = False
        self._loss: Exception | None = None
        self._buffer = _of_thread.buffer

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        # Sent means that the system has it.
        self._transport.set_write_buffer_limits(0)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio gives -1
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(self._buffer[:nbytes]))

    def data_received(self, data: bytes) -> None:
        self._reads.append((data, perf_counter_ns()))
        self._held += len(data)
        if self._held > _HELD_BYTES and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        if self._waiter is not None:
            _wake(self._waiter)

    def eof_received(self) -> bool:
        self._ended = True
        if self._waiter is not None:
            _wake(self._waiter)
        return True  # closing is for whoever holds the stream

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._loss = self._loss or exc
        for waiting in (self._waiter, self._unsent):
            if waiting is not None:
                _wake(waiting)

    def pause_writing(self) -> None:
        self._unsent = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._unsent is not None:
            _wake(self._unsent)
            self._unsent = None

    # What the owner calls.

    async def receive(self, max_bytes: int = 65536) -> bytes:
        following, reads = self._next, self._reads
        if not following:
            if not reads and not self._ended and not self._closed:
                self._waiter = asyncio.get_running_loop().create_future()
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
        if self._paused and not self._held and not self._ended:
            self._paused = False
            self._transport.resume_reading()
        return data

    async def send(self, item: bytes) -> None:
        self._check_open()
        self._transport.write(item)
        if self._unsent is not None:
            await self._unsent
            self._check_open()

    async def send_eof(self) -> None:
        if not self._transport.is_closing():
            self._transport.write_eof()

    async def aclose(self) -> None:
        """Close, without waiting for what is not sent yet, or for the peer."""
        self._closed = True
        self._reads.clear()
        self._next.clear()
        self._transport.abort()
        await asyncio.sleep(0)  # the loop closes the socket in its next turn

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        return {SocketAttribute.raw_socket: lambda: self._transport.get_extra_info("socket")}

    @property
    def quiet(self) -> bool:
        """Whether, as far as the loop has seen, nothing came and the peer has not hung up."""
        return not (self._held or self._ended or self._closed)

    def _check_open(self) -> None:
        if self._closed or self._loss is not None or self._transport.is_closing():
            raise self._broken()

    def _broken(self) -> Exception:
        if self._closed:
            return anyio.ClosedResourceError()
        error = anyio.BrokenResourceError()
        error.__cause__ = self._loss
        return error


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


async def connect(host: str, port: int) -> AsyncioStream:
    """Open TCP to the first address of ``host`` that answers, as :func:`anyio.connect_tcp` does.

    Raises:
        OSError: the name is not known, or no address could be reached.
        UnicodeError: the name cannot be looked up.
    """
    first, *others = await _addresses(host, port)
    if not others:
        return await _open(first, port)
    return await _race([first, *others], port)


async def _open(address: str, port: int) -> AsyncioStream:
    loop = asyncio.get_running_loop()
    _, stream = await loop.create_connection(AsyncioStream, address, port)
    return stream


async def _addresses(host: str, port: int) -> list[str]:
    """An IPv6 address first, then an IPv4 one, then the others."""
    try:
        return [ip_address(host).compressed]
    except ValueError:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    firsts = [next((one for one in addresses if (":" in one) is v6), None) for v6 in (True, False)]
    return list(dict.fromkeys(one for one in (*firsts, *addresses) if one is not None))


async def _race(addresses: list[str], port: int) -> AsyncioStream:
    """Happy Eyeballs: a slow address does not hold up the next one (RFC 8305 §5)."""
    winner: AsyncioStream | None = None
    failures: list[OSError] = []

    async def attempt(address: str, over: anyio.Event) -> None:
        nonlocal winner
        try:
            stream = await _open(address, port)
        except OSError as exc:
            failures.append(exc)
        else:
            if winner is None:
                winner = stream
                tasks.cancel_scope.cancel()
            else:
                await stream.aclose()
        finally:
            over.set()

    try:
        async with anyio.create_task_group() as tasks:
            for address in addresses:
                over = anyio.Event()
                tasks.start_soon(attempt, address, over)
                with anyio.move_on_after(_EYEBALLS_S):
                    await over.wait()
    except BaseException:  # cancelled from outside
        if winner is not None:
            await winner.aclose()
        raise
    if winner is None:
        raise failures[0]
    return winner
