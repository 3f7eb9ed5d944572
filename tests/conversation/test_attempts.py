"""Trying again: when, after how long, and what is told of it."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from support.scripted import HEL, HELLO, Act, scripted
from turnwire_core.errors import (
    ConnectError,
    InvalidFrame,
    Phase,
    ProxyError,
    RejectedError,
    StreamBrokenError,
    TimeLimitError,
    TlsError,
)
from turnwire_core.events import Attempt, Reply
from turnwire_core.hookspecs import hookimpl

pytestmark = pytest.mark.anyio

RETRY = {"attempts": 2, "backoffMs": 1}


def rejected(status: int, retry_after: float | None = None) -> Act:
    return Act(refusal=RejectedError("no", status=status, retry_after=retry_after))


async def turn(*acts: Any, retry: dict[str, Any] = RETRY, **settings: Any) -> tuple[Reply, int]:
    """The reply, and how often it was tried."""
    with anyio.fail_after(5):
        async with scripted(*acts, retry=retry, **settings) as (conversation, driver):
            return await conversation.send("hi"), len(driver.turns)


async def test_without_being_told_nothing_is_tried_again() -> None:
    reply, tries = await turn(Act(refusal=ConnectError("no way")), retry={})
    assert (reply.verdict, tries) == ("refused", 1)
    assert [attempt.error for attempt in reply.attempts] == ["no way"]


async def test_every_attempt_is_told_and_the_reply_is_the_last_ones() -> None:
    refused = Act(refusal=ConnectError("no way"))
    reply, tries = await turn(refused, rejected(503), HELLO)
    assert (reply.ok, reply.content, tries) == (True, "Hello", 3)
    assert [attempt.error for attempt in reply.attempts] == ["no way", "no", None]
    assert [attempt.waited_ms for attempt in reply.attempts] == [1, 2, 0]
    offsets = [attempt.offset_ms for attempt in reply.attempts]
    assert offsets == sorted(offsets)


async def test_a_retry_does_not_improve_a_time() -> None:
    retry = {"attempts": 1, "backoffMs": 60}
    reply, _ = await turn(Act(refusal=ConnectError("no way")), HELLO, retry=retry)
    assert reply.metrics.first_token_ms is not None
    assert reply.metrics.first_token_ms >= 60
    assert reply.metrics.duration_ms >= reply.metrics.first_token_ms


async def test_it_ends_with_the_last_failure_when_the_attempts_are_used_up() -> None:
    acts = [Act(refusal=ConnectError(f"no way {n}")) for n in range(9)]
    reply, tries = await turn(*acts)
    assert (reply.error, tries) == ("no way 2", 3)


@pytest.mark.parametrize(
    ("act", "tries"),
    [
        (rejected(429), 3),
        (rejected(502), 3),
        (rejected(500), 1),
        (rejected(401), 1),
        (Act(refusal=ConnectError("x")), 3),
        (Act(refusal=StreamBrokenError("x", phase=Phase.CONNECT)), 3),
        (Act(refusal=StreamBrokenError("x", phase=Phase.HEADERS)), 1),
        (Act(refusal=TimeLimitError("x", limit="connect", phase=Phase.CONNECT)), 3),
        (Act(refusal=TlsError("x")), 1),
        (Act(refusal=ProxyError("x")), 1),
        (Act(refusal=InvalidFrame("x")), 1),
    ],
)
async def test_only_what_may_go_better_is_tried_again(act: Act, tries: int) -> None:
    assert (await turn(act))[1] == tries


async def test_the_statuses_are_the_connections() -> None:
    assert (await turn(rejected(500), retry={**RETRY, "statuses": [500]}))[1] == 3
    assert (await turn(rejected(429), retry={**RETRY, "statuses": [500]}))[1] == 1


@pytest.mark.parametrize("first", [HEL, '{"no":"text"}'])
async def test_nothing_is_tried_again_once_anything_of_a_reply_was_there(first: str) -> None:
    broken = ConnectError("lost")  # retryable by itself
    reply, tries = await turn((first, broken), HELLO)
    assert (reply.error, tries) == ("lost", 1)


async def test_the_target_says_how_long_to_wait() -> None:
    reply, _ = await turn(rejected(429, retry_after=0.03), HELLO)
    assert reply.ok
    assert reply.attempts[0].waited_ms == 30


async def test_a_target_that_asks_for_too_long_ends_the_turn() -> None:
    retry = {**RETRY, "maxWaitMs": 20}
    reply, tries = await turn(rejected(429, retry_after=0.03), HELLO, retry=retry)
    assert (reply.verdict, tries) == ("rejected", 1)


async def test_no_wait_goes_beyond_the_total_limit() -> None:
    reply, tries = await turn(rejected(429, retry_after=2), HELLO, timeoutMs=500)
    assert (reply.verdict, tries) == ("rejected", 1)
    assert reply.metrics.duration_ms < 400


async def test_the_limits_run_over_all_attempts() -> None:
    slow = Act(wait_s=0.1, refusal=ConnectError("no way"))
    retry = {"attempts": 50, "backoffMs": 1, "maxWaitMs": 1}
    reply, tries = await turn(slow, retry=retry, timeoutMs=250)
    assert reply.verdict in ("timed_out", "refused")
    assert tries <= 3
    assert reply.metrics.duration_ms < 1000


async def test_observers_hear_of_an_attempt_before_the_next_one() -> None:
    class Listener:
        def __init__(self) -> None:
            self.heard: list[tuple[Attempt, int]] = []

        @hookimpl
        def turnwire_attempt_failed(self, attempt: Attempt) -> None:
            self.heard.append((attempt, len(driver.turns)))

    listener = Listener()
    acts = [Act(refusal=ConnectError("no way")), HELLO]
    async with scripted(*acts, retry=RETRY, observers=[listener]) as (conversation, driver):
        reply = await conversation.send("hi")
    assert listener.heard == [(reply.attempts[0], 1)]


async def test_a_wait_can_be_cancelled() -> None:
    retry = {"attempts": 1, "backoffMs": 20_000}
    refused = Act(refusal=ConnectError("no way"))
    async with scripted(refused, retry=retry) as (conversation, _):
        with anyio.move_on_after(0.05) as scope:
            await conversation.send("hi")
        assert scope.cancelled_caught


async def test_an_error_of_an_earlier_attempt_is_not_the_replys() -> None:
    reply, _ = await turn(Act(refusal=ConnectError("no way")), HELLO)
    assert (reply.error, reply.phase, reply.exception) == (None, None, None)
