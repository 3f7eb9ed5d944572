"""How late the event loop runs, how long the garbage collector stops it, how busy the process is.

A task sleeps for ten milliseconds again and again. What it oversleeps is time in which the loop
looked after nothing, whoever was to blame: code that did not wait, or a machine that had no time
for us. That costs about one percent of one core.
"""

from __future__ import annotations

import gc
import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal, NamedTuple, TypeVar

import anyio
from anyio.lowlevel import checkpoint

from turnwire.watching.collector import calm_collector
from turnwire.watching.effect import ClientEffect, Pause
from turnwire_core import Metrics, Reply, hookimpl

T = TypeVar("T")

_NS_PER_MS: Final = 1_000_000
_PERIOD_NS: Final = 10 * _NS_PER_MS
_CPU_EVERY_NS: Final = 100 * _NS_PER_MS
_CPU_AT_MOST_EVERY_NS: Final = 10 * _NS_PER_MS
_LEAST_LAG_NS: Final = 2 * _NS_PER_MS
"""Timers round up by as much: less is no lag."""
_LEAST_GC_NS: Final = 1 * _NS_PER_MS
_KEPT: Final = 50_000
"""Pauses and samples of the CPU: with a pause at every waking, those of the last ten minutes."""


class _Recorded(NamedTuple):
    """A pause in nanoseconds; kept in the order in which they ended."""

    end_ns: int
    start_ns: int
    kind: Literal["loop", "gc"]


class LoopWatch:
    """Watches while :meth:`run` runs. The clock is that of the stamps of replies."""

    def __init__(
        self,
        clock: Callable[[], int] = time.perf_counter_ns,
        cpu: Callable[[], int] = time.process_time_ns,
    ) -> None:
        self._clock = clock
        self._cpu = cpu
        # Where the clock of timers ticks more slowly (on Windows, 64 times a second), a sleep ends
        # with the tick after.
        tick_ns = int(time.get_clock_info("monotonic").resolution * 1e9)
        self._least_lag_ns = _LEAST_LAG_NS + tick_ns
        self._pauses: list[_Recorded] = []
        self._cpu_samples: list[tuple[int, int]] = [(clock(), cpu())]
        self._due_ns: int | None = None
        self._gc_start_ns: int | None = None
        self._told: tuple[int, Metrics, ClientEffect] | None = None

    async def run(self) -> None:
        """Watch until cancelled."""
        gc.callbacks.append(self._on_gc)
        try:
            while True:
                self.sleeps()
                await anyio.sleep(_PERIOD_NS / 1e9)
                if self._lag(self._clock()) is not None:
                    # Whoever was due with us takes their stamps first: they belong to this pause.
                    await checkpoint()
                self.wakes()
        finally:
            self._due_ns = None
            gc.callbacks.remove(self._on_gc)

    def sleeps(self) -> None:
        """The task goes to sleep."""
        self._due_ns = self._clock() + _PERIOD_NS

    def wakes(self) -> None:
        """The task was woken, in time or not."""
        now = self._clock()
        if (lag := self._lag(now)) is not None:
            self._pauses.append(lag)
        self._due_ns = None
        if now - self._cpu_samples[-1][0] >= _CPU_EVERY_NS:
            self._cpu_samples.append((now, self._cpu()))
        for kept in (self._pauses, self._cpu_samples):
            if len(kept) > _KEPT:
                del kept[: _KEPT // 2]

    def _lag(self, now: int) -> _Recorded | None:
        """How long the task has been waiting to be woken, if it has."""
        if self._due_ns is None or now - self._due_ns < self._least_lag_ns:
            return None
        return _Recorded(now, self._due_ns, "loop")

    def _on_gc(self, phase: str, info: dict[str, Any]) -> None:  # noqa: ARG002 — gc's signature
        # In whatever thread: a tuple is appended, and nothing else is touched.
        now = self._clock()
        if phase == "start":
            self._gc_start_ns = now
        elif (start := self._gc_start_ns) is not None:
            self._gc_start_ns = None
            if now - start >= _LEAST_GC_NS:
                self._pauses.append(_Recorded(now, start, "gc"))

    def effect(self, start_ns: int, metrics: Metrics) -> ClientEffect:
        """What the client did to a turn that began at ``start_ns`` and is over now."""
        # The checks of a turn and the run log ask one after the other.
        if self._told is not None and self._told[0] == start_ns and self._told[1] is metrics:
            return self._told[2]
        effect = self._effect(start_ns, metrics)
        self._told = start_ns, metrics, effect
        return effect

    def _effect(self, start_ns: int, metrics: Metrics) -> ClientEffect:
        now = self._clock()
        # A pause that has just ended may not be known yet: the turn was woken before the watch.
        running = self._lag(now)
        first = bisect_left(self._pauses, start_ns, key=lambda one: one.end_ns)
        recorded = [*self._pauses[first:], *([running] if running is not None else ())]
        end_ns = start_ns + int(metrics.duration_ms * _NS_PER_MS)
        during = [one for one in recorded if one.start_ns <= end_ns]
        longest_ns = {"loop": 0, "gc": 0}
        for end_ns, begin_ns, kind in during:
            # Of a pause that began before the turn, what was left of it.
            longest_ns[kind] = max(longest_ns[kind], end_ns - max(begin_ns, start_ns))
        return ClientEffect.of(
            metrics,
            [
                Pause((one.start_ns - start_ns) / _NS_PER_MS, (one.end_ns - start_ns) / _NS_PER_MS)
                for one in during
            ],
            loop_lag_ms=round(longest_ns["loop"] / _NS_PER_MS, 3),
            gc_ms=round(longest_ns["gc"] / _NS_PER_MS, 3),
            cpu=self._cpu_since(start_ns, now),
        )

    def _cpu_since(self, start_ns: int, now: int) -> float | None:
        """The share of one core since the last sample before ``start_ns``; None of no time."""
        samples = self._cpu_samples
        # Asking the system may cost more than all the rest of this, and many turns end together.
        if now - samples[-1][0] >= _CPU_AT_MOST_EVERY_NS:
            samples.append((now, self._cpu()))
        index = max(bisect_left(samples, start_ns, key=lambda one: one[0]) - 1, 0)
        (at_ns, used_ns), (until_ns, until_used_ns) = samples[index], samples[-1]
        if until_ns <= at_ns:
            return None
        return round((until_used_ns - used_ns) / (until_ns - at_ns), 3)


class EffectObserver:
    """Knows what the client did to the last turn of one conversation; an observer."""

    def __init__(self, watch: LoopWatch) -> None:
        self._watch = watch
        self._start_ns = 0
        self.last: ClientEffect | None = None

    @hookimpl
    def turnwire_turn_started(self, at_ns: int) -> None:
        self._start_ns, self.last = at_ns, None

    @hookimpl
    def turnwire_turn_finished(self, reply: Reply) -> None:
        self.last = self._watch.effect(self._start_ns, reply.metrics)


async def run_watched(function: Callable[[], Awaitable[T]], watch: LoopWatch) -> T:
    """Run ``function`` beside the watch, and return what it returns.

    Raises:
        Exception: whatever ``function`` raised, never a group with one thing in it.
    """
    result: list[T] = []
    failure: BaseException | None = None
    with calm_collector():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch.run)
            try:
                result.append(await function())
            except (Exception, KeyboardInterrupt) as exc:  # noqa: BLE001 # raised below
                failure = exc
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return result[0]
