"""Where frames wait between the task that reads the socket and whoever takes a turn's reply."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from turnwire_core.events import Frame

_FRAME_COST: Final = 256
"""What a frame takes beside its text: without it, many empty messages would be unbounded."""


class Inbox:
    """The frames of one turn, one batch for each read of the network. One task puts, one takes.

    It holds some ``bound`` bytes. Nothing is refused: who puts waits for :meth:`room` first.
    """

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._batches: deque[tuple[Sequence[Frame], int]] = deque()
        """Each with what it costs."""
        self._held = 0
        self._end: Exception | None = None
        self._closed = False
        # Events for who waits, made when somebody does: to set one costs as much as to read a
        # message, and most of the time nobody waits for room.
        self._arrival: anyio.Event | None = None
        self._departure: anyio.Event | None = None

    @property
    def full(self) -> bool:
        return self._held >= self._bound and not self._closed

    async def room(self) -> None:
        """Wait until the inbox is not full."""
        while self.full:
            self._departure = anyio.Event()
            await self._departure.wait()

    def put(self, batch: Sequence[Frame]) -> None:
        """Add the frames of one read. An empty batch is a sign of life, and two are no more."""
        if self._closed or (not batch and self._batches and not self._batches[-1][0]):
            return
        cost = 0
        for frame in batch:
            cost += frame.raw + _FRAME_COST
        self._batches.append((batch, cost))
        self._held += cost
        self._tell_arrival()

    def end(self, end: Exception) -> None:
        """After what is waiting, every :meth:`take` raises ``end``."""
        self._end = end
        self._tell_arrival()

    def close(self) -> None:
        """Nobody takes any more: drop everything, now and later."""
        self._closed = True
        self._batches.clear()
        self._held = 0
        self._tell_departure()

    async def take(self) -> Sequence[Frame]:
        """The next batch. Safe to cancel: nothing is lost.

        Raises:
            Exception: what :meth:`end` was told.
        """
        if self._batches or self._end is not None:
            await checkpoint_if_cancelled()
        while not self._batches:
            if self._end is not None:
                # The same one is raised again on every call; its traceback must not grow.
                raise self._end.with_traceback(None)
            self._arrival = anyio.Event()
            await self._arrival.wait()
        batch, cost = self._batches.popleft()
        self._held -= cost
        self._tell_departure()
        return batch

    def _tell_arrival(self) -> None:
        if self._arrival is not None:
            self._arrival.set()
            self._arrival = None

    def _tell_departure(self) -> None:
        if self._departure is not None:
            self._departure.set()
            self._departure = None
