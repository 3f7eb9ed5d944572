"""What pauses of the client do to the times of one turn. Arithmetic: no clock, no event loop.

While the loop is held up, by code that does not wait, by the garbage collector or by a machine that
gives it no time, bytes lie in the socket. What came meanwhile is one read with one stamp: when the
last of it came, where the system tells that, else when the loop heard of it. So a stamp is late by
at most the time since the pause began. Before the request is written, every pause delays the turn
as such, and all of them add up. In between, while the target thinks, a pause does nothing at all.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import attrs

from turnwire_core import Metrics

LEAST_MS: Final = 5.0
LEAST_SHARE: Final = 0.05
"""A time is called spoilt where it may be off by this, and by this share of itself."""

_AFTER_MS: Final = 1.0
"""What is stamped so shortly after a pause had waited for its end, like all else that was due."""


class Pause(NamedTuple):
    """A time in which the client did nothing else, from the start of the turn."""

    start_ms: float
    end_ms: float


@attrs.frozen
class Range:
    """Where the true value of a time is."""

    low: float
    high: float

    def off(self, value: float) -> float:
        """How far a measured value may be from it."""
        return max(value - self.low, self.high - value, 0.0)


@attrs.frozen
class ClientEffect:
    """What the client did to one turn. Times are in milliseconds."""

    loop_lag_ms: float = 0.0
    """How late, at worst, the event loop came back to something that was due."""
    gc_ms: float = 0.0
    """The longest pause for garbage collection."""
    cpu: float | None = None
    """How much of one core the process used meanwhile; near 1, there was no more to be had."""
    pauses: Sequence[Pause] = ()
    """All of them in order; none overlaps another."""
    sent_ms: float | None = None
    """When the request was written."""
    spoilt: Mapping[str, float] = attrs.field(factory=dict)
    """By how much the times may be off that are off by too much, under their names in a log."""

    @classmethod
    def of(
        cls,
        metrics: Metrics,
        pauses: Iterable[Pause],
        *,
        loop_lag_ms: float = 0.0,
        gc_ms: float = 0.0,
        cpu: float | None = None,
    ) -> ClientEffect:
        """The effect of these pauses, which may overlap, on a turn with these metrics."""
        effect = cls(
            loop_lag_ms=loop_lag_ms,
            gc_ms=gc_ms,
            cpu=cpu,
            pauses=merged(pauses),
            sent_ms=metrics.sent_ms,
        )
        if not effect.pauses:
            return effect
        found = {
            "firstTokenMs": (metrics.first_token_ms, effect.arrival),
            "gapMaxMs": (metrics.gap_max_ms, lambda _: effect.longest_gap(metrics)),
            "latencyMs": (metrics.latency_ms, effect.arrival),
        }
        off = {
            name: round(true(value).off(value), 3)
            for name, (value, true) in found.items()
            if value is not None
        }
        spoilt = {
            name: by
            for name, by in off.items()
            if by >= LEAST_MS and by >= LEAST_SHARE * (found[name][0] or 0.0)
        }
        return attrs.evolve(effect, spoilt=spoilt) if spoilt else effect

    @property
    def worst_ms(self) -> float:
        """The most that one of its times is spoilt by; 0 for none."""
        return max(self.spoilt.values(), default=0.0)

    def arrival(self, offset_ms: float) -> Range:
        """Where an arrival may truly have been that was stamped at ``offset_ms``."""
        sent = self._sent(offset_ms)
        before = 0.0
        for pause in self.pauses:
            if pause.start_ms >= sent:
                break
            before += max(min(pause.end_ms, sent) - max(pause.start_ms, 0.0), 0.0)
        return Range(max(offset_ms - before - self._late(offset_ms), 0.0), offset_ms)

    def longest_gap(self, metrics: Metrics) -> Range:
        """Where the longest gap between chunks truly is.

        A stamp that is late makes the gap before it too long, and the one after it too short.
        """
        offsets = metrics.chunk_offsets_ms
        late = [self._late(offset) for offset in offsets]
        gaps = [after - before for before, after in pairwise(offsets)]
        if not gaps:
            return Range(0.0, 0.0)
        low = max(gap - after for gap, after in zip(gaps, late[1:], strict=True))
        high = max(gap + before for gap, before in zip(gaps, late, strict=False))
        return Range(max(low, 0.0), high)

    def gap(self, value_ms: float, metrics: Metrics) -> Range:
        """Where any other number made of gaps truly is."""
        late = max((self._late(offset) for offset in metrics.chunk_offsets_ms), default=0.0)
        return Range(max(value_ms - late, 0.0), value_ms + late)

    def generation(self, metrics: Metrics) -> Range:
        """Where the time from the first chunk to the last truly is."""
        offsets = metrics.chunk_offsets_ms
        span = offsets[-1] - offsets[0]
        low = span - self._late(offsets[-1])
        return Range(max(low, 0.0), span + self._late(offsets[0]))

    def _sent(self, offset_ms: float) -> float:
        # A turn that does not know when it was sent might have been held up at any time.
        return offset_ms if self.sent_ms is None else min(self.sent_ms, offset_ms)

    def _late(self, offset_ms: float) -> float:
        """How late a stamp may be, after the request was written."""
        index = bisect_right(self.pauses, offset_ms, key=lambda pause: pause.start_ms) - 1
        if index < 0 or offset_ms > self.pauses[index].end_ms + _AFTER_MS:
            return 0.0
        return max(offset_ms - max(self.pauses[index].start_ms, self._sent(offset_ms)), 0.0)


def merged(pauses: Iterable[Pause]) -> Sequence[Pause]:
    """The pauses in order, those that overlap as one."""
    found: list[Pause] = []
    for pause in sorted(pauses, key=lambda one: one.start_ms):
        if found and pause.start_ms <= found[-1].end_ms:
            found[-1] = Pause(found[-1].start_ms, max(found[-1].end_ms, pause.end_ms))
        else:
            found.append(pause)
    return tuple(found)
