"""TCP connections whose reads are stamped, on whichever backend runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from time import perf_counter_ns
from typing import Any, Final, Protocol

import anyio
from anyio.abc import ByteStream

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
    if on_asyncio():
        from turnwire_core.http import _asyncio_stream  # not where only trio is

        return await _asyncio_stream.connect(host, port)  # type: ignore[return-value]  # by shape
    return PlainStream(await anyio.connect_tcp(host, port))


def on_asyncio() -> bool:
    """Whether this task is asyncio's. Whoever runs on another loop need not import it."""
    asyncio = sys.modules.get("asyncio")
    try:
        # None in the guest mode of trio, whose tasks run inside of asyncio's callbacks.
        return asyncio is not None and asyncio.current_task() is not None
    except RuntimeError:
        return False


class PlainStream(StampedStream):
    """anyio's stream, stamped when a receive returns: the task that reads is the one that waits."""

    quiet = True

    def __init__(self, stream: ByteStream) -> None:
        self.read_ns = 0
        self._stream = stream

    async def receive(self, max_bytes: int = _READ_BYTES) -> bytes:
        data = await self._stream.receive(min(max_bytes, _READ_BYTES))
        self.read_ns = perf_counter_ns()
        return data

    async def send(self, item: bytes) -> None:
        await self._stream.send(item)

    async def send_eof(self) -> None:
        await self._stream.send_eof()

    async def aclose(self) -> None:
        await self._stream.aclose()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        return self._stream.extra_attributes
