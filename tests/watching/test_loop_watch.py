"""The watch: what it records by a scripted clock, and that it sees a loop that is blocked."""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from support.background import assistant_in_background
from support.suites import make_suite, make_test, run_suite
from turnwire.engine import ChunkArrived, Event
from turnwire.watching import LoopWatch, run_watched
from turnwire_core import Metrics

MS = 1_000_000


class Clock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.now = 0
        self.used = 0

    def time(self) -> int:
        return self.now

    def cpu(self) -> int:
        return self.used

    def move(self, ms: float, *, busy: float = 0.0) -> None:
        self.now += int(ms * MS)
        self.used += int(ms * busy * MS)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock: Clock) -> LoopWatch:
    return LoopWatch(clock.time, clock.cpu)


def turn(duration_ms: float, **times: Any) -> Metrics:
    counts = {"stream_chunks": 1, "events": 1, "network_reads": 1, "characters": 1}
    return Metrics(duration_ms=duration_ms, sent_ms=0.0, **counts, **times)


class TestLag:
    def test_waking_in_time_is_no_pause(self, watch: LoopWatch, clock: Clock) -> None:
        for _ in range(20):
            watch.sleeps()
            clock.move(11)
            watch.wakes()
        assert watch.effect(0, turn(220)).pauses == ()

    def test_what_is_overslept_is_a_pause(self, watch: LoopWatch, clock: Clock) -> None:
        watch.sleeps()
        clock.move(60)
        watch.wakes()
        clock.move(40)
        effect = watch.effect(0, turn(100, first_token_ms=60.0))
        assert effect.loop_lag_ms == 50
        assert effect.spoilt == {"firstTokenMs": 50}

    def test_a_pause_that_the_watch_was_not_woken_from_yet_counts(
        self, watch: LoopWatch, clock: Clock
    ) -> None:
        watch.sleeps()
        clock.move(60)
        assert watch.effect(0, turn(60, first_token_ms=60.0)).spoilt == {"firstTokenMs": 50}

    def test_what_was_before_the_turn_does_not_count(self, watch: LoopWatch, clock: Clock) -> None:
        watch.sleeps()
        clock.move(60)
        watch.wakes()
        clock.move(5)
        effect = watch.effect(int(62 * MS), turn(3, first_token_ms=3.0))
        assert (effect.loop_lag_ms, effect.pauses) == (0, ())

    def test_memory_is_bounded(self, watch: LoopWatch, clock: Clock) -> None:
        for _ in range(60_000):
            watch.sleeps()
            clock.move(20)
            watch.wakes()
        assert len(watch._pauses) <= 50_000
        at = clock.now - 99 * MS
        assert len(watch.effect(at, turn(99)).pauses) == 5


class TestGarbageCollection:
    def test_a_pause_for_it_counts(self, watch: LoopWatch, clock: Clock) -> None:
        clock.move(50)
        watch._on_gc("start", {})
        clock.move(30)
        watch._on_gc("stop", {})
        effect = watch.effect(0, turn(80, first_token_ms=80.0))
        assert (effect.gc_ms, effect.loop_lag_ms) == (30, 0)
        assert effect.spoilt == {"firstTokenMs": 30}

    @pytest.mark.anyio
    async def test_it_is_listened_to_only_while_the_watch_runs(self) -> None:
        watch = LoopWatch()

        async def count() -> int:
            await anyio.wait_all_tasks_blocked()
            gc.collect()
            return len(gc.callbacks)

        before = len(gc.callbacks)
        assert await run_watched(count, watch) == before + 1
        assert len(gc.callbacks) == before


class TestCpu:
    def test_it_is_the_share_of_one_core_during_the_turn(
        self, watch: LoopWatch, clock: Clock
    ) -> None:
        for busy in (0.1, 0.1, 0.9, 0.9):
            watch.sleeps()
            clock.move(100, busy=busy)
            watch.wakes()
        assert watch.effect(200 * MS + 1, turn(200)).cpu == 0.9
        assert watch.effect(0, turn(400)).cpu == 0.5


@pytest.mark.anyio
class TestRunWatched:
    async def test_what_goes_wrong_leaves_as_it_is(self) -> None:
        async def fail() -> None:
            raise ValueError("mine")

        with pytest.raises(ValueError, match="mine"):
            await run_watched(fail, LoopWatch())

    async def test_a_cancelled_run_is_cancelled(self) -> None:
        with anyio.move_on_after(0.01) as scope:
            await run_watched(anyio.sleep_forever, LoopWatch())
        assert scope.cancelled_caught


@pytest.mark.anyio
class TestBlockedLoop:
    async def test_a_hook_that_blocks_marks_the_reply_and_names_the_machine(
        self, tmp_path: Path
    ) -> None:
        blocked = False

        def block(event: Event) -> None:
            nonlocal blocked
            if isinstance(event, ChunkArrived) and not blocked:
                blocked = True
                time.sleep(0.3)  # that is the point

        test = make_test("Hours", {"message": "When are you open?"}, checks=[{"max_gap_ms": 150}])
        # In a thread of its own: inside this loop the target would be held up as well. It goes on
        # for longer than the pause, and what comes meanwhile is one read, stamped with its end.
        with assistant_in_background() as assistant:
            bot = {
                "base_url": f"{assistant.url}/chat/stream?gap_ms=40",
                "protocol": "sse",
                "sse": {"contentPath": "content", "finishPath": "done"},
            }
            suite = make_suite(test, inline_connections={"bot": bot})
            ran = await run_suite(suite, "bot", folder=tmp_path, on_event=block)
        [reply] = ran.of_type("assistant_reply")
        assert reply.client["loopLagMs"] > 250
        assert reply.client["spoilt"]["gapMaxMs"] > 150
        [end] = ran.of_type("run_finished")
        assert (end.client["turns"], end.client["spoilt"]) == (1, 1)
        assert ran.result.status == "failed"
        assert "because of this machine: that decides it" in ran.result.reasons[0]
