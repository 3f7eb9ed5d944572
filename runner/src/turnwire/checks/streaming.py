"""Whether a reply really streams: its text arrives spread over time, not in one burst."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from turnwire.checks.contract import Check, CheckContext, CheckError, CheckResult, TurnRecord
from turnwire.checks.each import Outcome, each_turn
from turnwire.checks.showing import counted, number
from turnwire_core.contracts.connection import option


@attrs.frozen
class StreamsOptions:
    """How much of spreading is wanted. The defaults tell streaming from buffering."""

    min_arrivals: int = option(
        "Text arrives at so many distinct moments. Chunks of one network read are one arrival.", 3
    )
    min_spread_ms: float = option(
        "At least so many milliseconds from the first arrival of text to the last.", 0.0
    )
    min_spread_share: float = option(
        "At least this share of the time from the start of the turn to the last arrival.", 0.05
    )
    max_burst_share: float = option(
        "No quarter of the spread, wherever it begins, brings more than this share of the "
        "characters.",
        0.8,
    )

    def __attrs_post_init__(self) -> None:
        if self.min_arrivals < 2:
            raise ValueError("'minArrivals' is at least 2: one arrival is no stream.")
        if self.min_spread_ms < 0:
            raise ValueError("'minSpreadMs' is not negative.")
        if not 0 <= self.min_spread_share < 1:
            raise ValueError("'minSpreadShare' is at least 0 and below 1.")
        if not 0 < self.max_burst_share <= 1:
            raise ValueError("'maxBurstShare' is above 0 and at most 1.")


class Streams(Check):
    """The text of a reply arrives spread over time.

    An **arrival** is a moment at which text arrived: chunks that one network read brought have one
    stamp and are one arrival, so a proxy that holds events back and lets them go together does not
    make many of few. The **spread** is the time from the first arrival to the last. A reply
    streams if

    1. it has at least ``minArrivals`` arrivals (3);
    2. the spread is at least ``minSpreadMs`` (0) and at least ``minSpreadShare`` (0.05) of the time
       from the start of the turn to the last arrival: a reply that is made first and sent
       afterwards takes its time before the first chunk, not between the chunks;
    3. no quarter of the spread, wherever it begins, brings more than ``maxBurstShare`` (0.8) of
       the characters: a first word at once and the rest in one burst at the end is no stream, in
       however many reads the burst comes.

    All bounds but ``minSpreadMs`` are relative, so that they mean the same for a fast target and
    for a slow one. A very short reply has few chunks by nature: ask for a longer one.
    """

    kind = "streams"
    reads_events = False
    reads_times = True
    options = StreamsOptions
    doc = "The text arrives spread over time, not in one burst at the end."

    async def evaluate(self, options: StreamsOptions, context: CheckContext) -> CheckResult:
        """See :meth:`Check.evaluate`."""
        spread = f"over {options.min_spread_share:.0%} of the time to the last"
        if options.min_spread_ms:
            spread = f"over {number(options.min_spread_ms)} ms and {spread}"
        expected = (
            f"{options.min_arrivals} arrivals or more, spread {spread}, at most "
            f"{options.max_burst_share:.0%} of the text in a quarter of the spread"
        )
        return each_turn(context, expected, lambda turn: _test(turn, options))


def _test(turn: TurnRecord, options: StreamsOptions) -> Outcome:
    metrics = turn.reply.metrics
    if not metrics.stream_chunks:
        return False, f"no text came; the turn ended {turn.reply.verdict}"
    arrivals = arrivals_of(turn)
    last_ms = metrics.chunk_offsets_ms[-1]
    spread_ms = arrivals[-1][0] - arrivals[0][0]
    share = spread_ms / last_ms if last_ms else 0.0
    burst = burst_share(arrivals)
    came = f"{counted(len(arrivals), 'arrival')} of {counted(metrics.stream_chunks, 'chunk')}"
    over = f"{number(spread_ms)} ms ({share:.0%} of {number(last_ms)} ms)"
    actual = f"{came}, spread over {over}, {burst:.0%} of the text in a quarter of it"
    passed = (
        len(arrivals) >= options.min_arrivals
        and spread_ms >= options.min_spread_ms
        and share >= options.min_spread_share
        and burst <= options.max_burst_share
    )
    if not passed and turn.client is not None and turn.client.spoilt:
        # What arrives while nobody looks is read in one piece.
        actual += (
            f"; times may be off by up to {number(turn.client.worst_ms)} ms because of this machine"
        )
    return passed, actual


def arrivals_of(turn: TurnRecord) -> Sequence[tuple[float, int]]:
    """When text arrived, in milliseconds from the start, and how many characters each time.

    Raises:
        CheckError: the turn was recorded without its chunks.
    """
    offsets = turn.reply.metrics.chunk_offsets_ms
    if len(turn.chunks) != len(offsets):
        message = (
            f"The turn was recorded with {len(turn.chunks)} of its {len(offsets)} chunks: "
            "how its text was spread is not known."
        )
        raise CheckError(message, kind="plugin")
    arrivals: dict[float, int] = {}
    for offset, chunk in zip(offsets, turn.chunks, strict=True):
        arrivals[offset] = arrivals.get(offset, 0) + len(chunk.text)
    return tuple(arrivals.items())


def burst_share(arrivals: Sequence[tuple[float, int]]) -> float:
    """The largest share of the characters that arrived within a quarter of the spread."""
    total = sum(characters for _, characters in arrivals)
    window_ms = (arrivals[-1][0] - arrivals[0][0]) / 4
    most = within = start = 0
    for at_ms, characters in arrivals:
        within += characters
        while at_ms - arrivals[start][0] > window_ms:
            within -= arrivals[start][1]
            start += 1
        most = max(most, within)
    return most / total if total else 1.0
