"""An alarm, on the loop's own timers and without them."""

from __future__ import annotations

from math import inf

import anyio
import pytest

from turnwire_core.http import Alarm

pytestmark = pytest.mark.anyio


async def test_an_alarm_rings_at_the_time_it_was_set_to_last() -> None:
    rung: list[float] = []
    done = anyio.Event()

    async def ring() -> None:
        rung.append(anyio.current_time())
        if len(rung) == 1:
            alarm.set(anyio.current_time() + 0.02)  # from within
        else:
            done.set()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            alarm = Alarm(tasks, ring)
            begun = anyio.current_time()
            alarm.set(begun + 60)
            alarm.set(begun + 0.02)
            await done.wait()
    assert rung[0] - begun > 0.015
    assert rung[1] - rung[0] > 0.015


async def test_an_alarm_that_is_cancelled_or_set_to_never_is_not_waited_for() -> None:
    async def ring() -> None:
        raise AssertionError("it rang")

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            alarm = Alarm(tasks, ring)
            alarm.set(anyio.current_time() + 60)
            alarm.cancel()
            alarm.set(anyio.current_time() + 60)
            alarm.set(inf)
