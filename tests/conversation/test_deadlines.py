"""The three limits that the core holds: first content, idle and total.

On trio with a clock that jumps ahead whenever everybody waits, so limits of minutes are met to the
millisecond and cost nothing; on asyncio with small ones and generous bounds.
"""

from __future__ import annotations

import time
from typing import Any

import anyio
import pytest
import trio.testing

from support.scripted import HEL, HELLO, LAST, Act, Step, scripted
from turnwire_core.errors import TimeLimitError
from turnwire_core.events import Reply

pytestmark = pytest.mark.anyio

SLACK = 0.25
"""Seconds by which the idle limit may be late."""


async def timed(*acts: Any, **settings: Any) -> tuple[Reply, float]:
    """The reply, and how many seconds the turn took by the loop's clock."""
    async with scripted(*acts, **settings) as (conversation, _):
        began = anyio.current_time()
        return await conversation.send("hi"), anyio.current_time() - began


jumping = pytest.mark.parametrize(
    "anyio_backend",
    [("trio", {"clock": trio.testing.MockClock(autojump_threshold=0)})],
    ids=["trio"],
)
"""A clock that jumps to the next deadline whenever nobody has anything to do."""

CASES: list[Any] = [
    pytest.param(
        Act(wait_s=9999), {"timeoutMs": 60_000, "limits": {"firstContentMs": 20_000}},
        "first_content", 20.0, "headers", "", id="no head",
    ),
    pytest.param(
        [...], {"timeoutMs": 60_000, "limits": {"firstContentMs": 20_000}},
        "first_content", 20.0, "stream", "", id="a head and nothing more",
    ),
    pytest.param(
        [step for _ in range(99) for step in (9.0, ())],
        {"timeoutMs": 600_000, "limits": {"firstContentMs": 20_000, "idleMs": 10_000}},
        "first_content", 20.0, "stream", "", id="heartbeats without text",
    ),
    pytest.param(
        [9.0, '{"role":"assistant"}', ...],
        {"timeoutMs": 600_000, "limits": {"firstContentMs": 200_000, "idleMs": 10_000}},
        "idle", 19.0, "stream", "", id="an event without text, and silence",
    ),
    pytest.param(
        [HEL, ...], {"timeoutMs": 600_000, "limits": {"idleMs": 10_000}},
        "idle", 10.0, "stream", "Hel", id="silence in the middle",
    ),
    pytest.param(
        [HEL, 9.0, (), 9.0, (), 9.0, (), ...],
        {"timeoutMs": 600_000, "limits": {"idleMs": 10_000, "firstContentMs": 5_000}},
        "idle", 37.0, "stream", "Hel", id="heartbeats keep it alive, and silence",
    ),
    pytest.param(
        [HEL] + [step for _ in range(99) for step in (9.0, ())],
        {"timeoutMs": 60_000, "limits": {"idleMs": 10_000}},
        "total", 60.0, "stream", "Hel", id="heartbeats for ever",
    ),
    pytest.param(
        [HEL, 1.0, *[step for _ in range(99) for step in (9.0, HEL)]],
        {"timeoutMs": 25_000, "limits": {"idleMs": 10_000}},
        "total", 25.0, "stream", "HelHelHel", id="text that does not end",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("act", "settings", "limit", "after_s", "phase", "content"), CASES)
@jumping
async def test_each_limit_ends_the_turn_when_it_says_and_not_before(
    act: Any, settings: dict[str, Any], limit: str, after_s: float, phase: str, content: str
) -> None:
    reply, took_s = await timed(act, **settings)
    error = reply.exception
    assert isinstance(error, TimeLimitError)
    assert (error.limit, error.phase, reply.content) == (limit, phase, content)
    late_s = SLACK if limit == "idle" else 0.0
    assert after_s - 0.000_001 <= took_s <= after_s + late_s + 0.001
    assert reply.verdict == ("timed_out" if limit == "total" else "stalled")
    key = {"total": "timeoutMs", "idle": "limits.idleMs", "first_content": "limits.firstContentMs"}
    assert key[limit] in str(error)
    assert error.partial is reply


@jumping
@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([19.9, HEL, LAST], id="text just before the first-content limit"),
        pytest.param([HEL, 9.99, HEL, 9.99, LAST], id="pauses just below the idle limit"),
        pytest.param([19.0, HEL, *[s for _ in range(3) for s in (9.9, ())], LAST], id="both"),
    ],
)
async def test_what_is_within_the_limits_is_left_alone(steps: list[Step]) -> None:
    limits = {"firstContentMs": 20_000, "idleMs": 10_000}
    reply, _ = await timed(steps, timeoutMs=60_000, limits=limits)
    assert reply.verdict == "finished"


@jumping
async def test_the_idle_limit_begins_with_the_first_bytes() -> None:
    """Before them, it is the first-content limit that waits."""
    reply, _ = await timed([15.0, HEL, LAST], limits={"firstContentMs": 20_000, "idleMs": 10_000})
    assert reply.ok


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        ({"limits": {"firstContentMs": 80}}, "first_content"),
        ({"timeoutMs": 80}, "total"),
    ],
)
async def test_a_limit_before_the_text(settings: dict[str, Any], limit: str) -> None:
    began = time.perf_counter()
    reply, _ = await timed([...], **settings)
    assert isinstance(reply.exception, TimeLimitError)
    assert reply.exception.limit == limit
    assert 0.08 <= time.perf_counter() - began < 1
    assert 80 <= reply.metrics.duration_ms < 1000


async def test_a_limit_in_the_middle_of_the_text() -> None:
    reply, _ = await timed([HEL, ...], limits={"idleMs": 80})
    assert (reply.verdict, reply.content) == ("stalled", "Hel")
    assert reply.metrics.last_content_ms is not None
    waited_ms = reply.metrics.duration_ms - reply.metrics.last_content_ms
    assert 80 <= waited_ms < 1000


async def test_the_finish_is_not_subject_to_the_limits_any_more() -> None:
    """The turn is over; what is still read has a bound of its own."""
    limits = {"idleMs": 30, "firstContentMs": 150, "lingerMs": 150}
    steps = [0.1, *HELLO, 0.12, '{"t":"late"}']
    reply, took_s = await timed(steps, timeoutMs=150, limits=limits)
    assert (reply.verdict, reply.content) == ("finished", "Hello")
    assert took_s >= 0.22


async def test_whoever_cancels_from_outside_is_not_taken_for_a_limit() -> None:
    async with scripted([HEL, ...]) as (conversation, driver):
        with anyio.move_on_after(0.05) as scope:
            await conversation.send("hi")
        assert scope.cancelled_caught
        assert len(driver.left) == 1
        assert driver.left[0] is not None
