"""One at a time, for little memory: a lock of anyio is a kilobyte, and as a rule nobody waits."""

from __future__ import annotations

import anyio


class Turnstile:
    """A lock whose event is made when somebody waits. ``async with`` it."""

    __slots__ = ("_free", "taken")

    def __init__(self) -> None:
        self.taken = False
        """Whether somebody is inside."""
        self._free: anyio.Event | None = None

    async def __aenter__(self) -> None:
        while self.taken:
            if self._free is None:
                self._free = anyio.Event()
            await self._free.wait()
        self.taken = True

    async def __aexit__(self, *_: object) -> None:
        self.taken = False
        if self._free is not None:
            self._free.set()
            self._free = None
