"""Timing one turn: stamps in, :class:`~turnwire_core.Metrics` out.

The recorder takes no time itself but for one thing, the client's own delay. Every other stamp is
handed to it, taken by the driver when the bytes arrived. That is what makes the numbers of all
protocols agree, and what lets a test prove each definition with a scripted clock.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from itertools import pairwise

from turnwire_core.events import Metrics, WireTimes

_NS_PER_MS = 1_000_000


class Recorder:
    """Collects the stamps of one turn. All stamps are monotonic nanoseconds of one clock."""

    __slots__ = (
        "_chunks",
        "_delays",
        "_events",
        "_finished_ns",
        "_first_event_ns",
        "_last_read_ns",
        "_reads",
        "characters",
        "has_content",
        "start_ns",
    )

    def __init__(self, start_ns: int) -> None:
        self.start_ns = start_ns
        self.characters = 0
        self.has_content = False
        """Whether any text has arrived."""
        self._chunks = array("q")
        self._delays = array("q")
        self._events = 0
        self._finished_ns: int | None = None
        self._last_read_ns: int | None = None
        self._first_event_ns: int | None = None
        self._reads = 0

    @property
    def chunk_count(self) -> int:
        """Events with non-empty content so far."""
        return len(self._chunks)

    @property
    def event_count(self) -> int:
        """Events so far, with content or without."""
        return self._events

    def read(self, events: int, received_ns: int, seen_ns: int) -> None:
        """A read came in with ``events`` complete events, and we looked at ``seen_ns``.

        What a driver hands over in pieces with one stamp was one read of the network.
        """
        if received_ns != self._last_read_ns:
            self._reads += 1
            self._last_read_ns = received_ns
        if events:
            self._events += events
            if self._first_event_ns is None:
                self._first_event_ns = received_ns
            self._delays.append(seen_ns - received_ns)

    def chunk(self, received_ns: int, characters: int) -> None:
        """An event with non-empty content."""
        self.has_content = True
        self._chunks.append(received_ns)
        self.characters += characters

    def finish(self, at_ns: int) -> None:
        """The finish rule was fulfilled. Only the first call counts."""
        if self._finished_ns is None:
            self._finished_ns = at_ns

    def metrics(self, end_ns: int, times: WireTimes) -> Metrics:
        """The numbers, at the end of the turn."""
        start = self.start_ns
        chunks = self._chunks
        gaps = sorted(after - before for before, after in pairwise(chunks))
        delays = sorted(self._delays)

        def since_start(stamp_ns: int | None) -> float | None:
            return None if stamp_ns is None else (stamp_ns - start) / _NS_PER_MS

        first = chunks[0] if chunks else None
        last = chunks[-1] if chunks else None
        # On a reused connection there was nothing to connect: it was ready at the start.
        reused = times.connected_ns is None and times.sent_ns is not None
        return Metrics(
            duration_ms=(end_ns - start) / _NS_PER_MS,
            stream_chunks=len(chunks),
            events=self._events,
            network_reads=self._reads,
            characters=self.characters,
            connect_ms=0.0 if reused else since_start(times.connected_ns),
            sent_ms=since_start(times.sent_ns),
            headers_ms=since_start(times.headers_ns),
            first_event_ms=since_start(self._first_event_ns),
            first_token_ms=since_start(first),
            last_content_ms=since_start(last),
            latency_ms=since_start(self._finished_ns),
            generation_ms=None if first is None or last is None else (last - first) / _NS_PER_MS,
            gap_p50_ms=percentile_ms(gaps, 50),
            gap_p95_ms=percentile_ms(gaps, 95),
            gap_p99_ms=percentile_ms(gaps, 99),
            gap_max_ms=gaps[-1] / _NS_PER_MS if gaps else None,
            client_delay_ms=delays[-1] / _NS_PER_MS if delays else 0.0,
            client_delay_p99_ms=percentile_ms(delays, 99) or 0.0,
            chunk_offsets_ms=tuple((stamp - start) / _NS_PER_MS for stamp in chunks),
        )


def percentile_ms(sorted_ns: Sequence[int], percent: float) -> float | None:
    """The nearest-rank percentile of sorted nanoseconds, in milliseconds. None of nothing.

    Nearest rank is always a value that was measured; nothing is interpolated.
    """
    if not sorted_ns:
        return None
    rank = max(1, math.ceil(percent / 100 * len(sorted_ns)))
    return sorted_ns[rank - 1] / _NS_PER_MS
