"""Lines of standard input, without blocking the event loop while a person thinks."""

from __future__ import annotations

import codecs
import os
from collections import deque

import anyio
from anyio import to_thread


class LineReader:
    """Reads the lines of a file descriptor: a terminal, a pipe or a file.

    A conversation stays alive between its turns (a WebSocket answers pings), so waiting for a
    line must not block. Reading waits for the descriptor itself, not in a thread: a thread that
    is blocked in a read outlives a Ctrl-C. Only what cannot be waited for is read in one, which
    is files, where a read returns at once.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._lines: deque[str] = deque()
        self._rest = ""
        self._ended = False
        self._can_wait = True

    async def receive(self) -> str | None:
        """The next line without its end, or None after the last one."""
        while not self._lines and not self._ended:
            data = await self._read()
            self._ended = not data
            *lines, self._rest = (self._rest + self._decode(data, self._ended)).split("\n")
            self._lines.extend(lines)
            if self._ended and self._rest:
                self._lines.append(self._rest)
        return self._lines.popleft().removesuffix("\r") if self._lines else None

    async def _read(self) -> bytes:
        if self._can_wait:
            try:
                await anyio.wait_readable(self._descriptor)
            except OSError:
                # epoll knows no files (EPERM); Windows waits for sockets only.
                self._can_wait = False
            else:
                return os.read(self._descriptor, 65536)
        return await to_thread.run_sync(os.read, self._descriptor, 65536, abandon_on_cancel=True)
