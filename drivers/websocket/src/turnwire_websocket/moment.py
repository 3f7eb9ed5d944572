"""Something that happens once, and that tasks may wait for."""

from __future__ import annotations

import anyio


class Moment:
    """An event that is made when somebody waits for it: anyio's is a kilobyte from the start."""

    __slots__ = ("_event", "passed")

    def __init__(self) -> None:
        self.passed = False
        self._event: anyio.Event | None = None

    def pass_(self) -> None:
        self.passed = True
        if self._event is not None:
            self._event.set()

    async def wait(self) -> None:
        """Wait until it has passed."""
        if not self.passed:
            if self._event is None:
                self._event = anyio.Event()
            await self._event.wait()
