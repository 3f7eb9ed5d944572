"""A timer that takes no task where the event loop has timers: a task is some three KiB."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from math import inf
from typing import Any

import anyio
from anyio.abc import TaskGroup

from turnwire_core.http._sockets import on_asyncio


class Alarm:
    """Runs ``ring`` in a task of ``tasks`` at a time that may be moved.

    On asyncio the loop's own timer starts the task; elsewhere the task sleeps until then. Whoever
    sets an alarm cancels it before ``tasks`` ends.
    """

    def __init__(self, tasks: TaskGroup, ring: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._tasks = tasks
        self._ring = ring
        self._loop: Any = None
        if on_asyncio():
            import asyncio  # not where only trio is

            self._loop = asyncio.get_running_loop()
        self._timer: Any = None
        self._at = inf
        self._sleep: anyio.CancelScope | None = None

    def set(self, at: float) -> None:
        """Ring at ``at``, in seconds of anyio's clock, and no more at another time. inf: never."""
        if self._loop is not None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if at < inf:
                self._timer = self._loop.call_at(at, self._tasks.start_soon, self._ring)
            return
        self._at = at
        if self._sleep is not None:
            self._sleep.deadline = at
            if at == inf:
                self._sleep.cancel()
        elif at < inf:
            self._sleep = anyio.CancelScope(deadline=at)
            self._tasks.start_soon(self._sleep_and_ring)

    def cancel(self) -> None:
        """Ring no more. What runs already runs on."""
        self.set(inf)

    async def _sleep_and_ring(self) -> None:
        while anyio.current_time() < self._at < inf:
            with anyio.CancelScope(deadline=self._at) as self._sleep:
                await anyio.sleep_forever()
        self._sleep = None
        if self._at < inf:
            self._tasks.start_soon(self._ring)
