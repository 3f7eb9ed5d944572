"""Whether the target is still there, asked by pings and told by whatever arrives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter_ns

import anyio


class Pulse:
    """The signs of life of one socket: its reader reports them, another task waits for them."""

    def __init__(self) -> None:
        self._arrived_ns = 0
        # None while nobody reads the socket: the silence is then our own doing.
        self._listening_ns: int | None = None
        # For the watcher, while it waits. To set one costs more than to note an arrival.
        self._arrival: anyio.Event | None = None

    def listening(self) -> None:
        """From now on the socket is being read."""
        self._listening_ns = perf_counter_ns()

    def arrived(self, at_ns: int) -> None:
        """Bytes arrived, and until the next :meth:`listening` the socket is not being read."""
        self._arrived_ns = at_ns
        self._listening_ns = None
        if self._arrival is not None:
            self._arrival.set()
            self._arrival = None

    async def watch(
        self, ping: Callable[[bytes], Awaitable[None]], *, interval: float, timeout: float
    ) -> str:
        """Ping every ``interval`` seconds; return once ``timeout`` has passed without an answer.

        Any byte is an answer: a target that streams is not silent, even if it answers its pings
        late. The value says how it was lost. Raises what ``ping`` raises.
        """
        number = 0
        while True:
            await anyio.sleep(interval)
            number += 1
            asked_ns = perf_counter_ns()
            with anyio.move_on_after(timeout) as asking:
                await ping(b"%d" % number)
            if asking.cancelled_caught:
                return "it takes no more from us"
            while self._arrived_ns < asked_ns:
                left = timeout - self._silent_since(asked_ns)
                if left <= 0:
                    return "it is silent and answers no ping"
                self._arrival = anyio.Event()
                with anyio.move_on_after(left):
                    await self._arrival.wait()

    def _silent_since(self, asked_ns: int) -> float:
        """For how many seconds we have been listening in vain since we asked."""
        if self._listening_ns is None:
            return 0.0
        return (perf_counter_ns() - max(asked_ns, self._listening_ns)) / 1e9
