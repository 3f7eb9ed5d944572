"""Cancelling at each await of a piece of work, one after another."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any, Generic, TypeVar

import anyio

T = TypeVar("T")

_STEPS_TO_LEAVE = 5_000
"""How often work that was cancelled may still wait: to say good-bye, not to go on."""

_NEVER_LEAVES = (
    "Cancelled at await {}, it goes on and on: something catches the cancellation, and does not "
    "raise it again."
)


class Stepped(Generic[T]):
    """Work that is cancelled when it waits for the ``at``-th time (1 is the first)."""

    def __init__(self, work: Coroutine[Any, Any, T], scope: anyio.CancelScope, at: int) -> None:
        self._work = work
        self._scope = scope
        self._at = at
        self.waits = 0
        self.goes_on = False
        """It was cancelled, waited far too often after that, and had to be ended."""

    def __await__(self) -> Generator[Any, Any, T]:
        # What is passed through here is between the work and its event loop, and whatever it is,
        # both loops speak to a task by its generator.
        work = self._work.__await__()
        resume: Callable[[], Any] = partial(work.send, None)
        while True:
            try:
                waiting_for = resume()
            except StopIteration as done:
                result: T = done.value
                return result
            self.waits += 1
            if self.waits == self._at:
                self._scope.cancel()
            try:
                value = yield waiting_for
            except BaseException as exc:  # noqa: BLE001 - all of it belongs to the work
                resume = partial(work.throw, exc)
            else:
                resume = partial(work.send, value)
            if self.waits == self._at + _STEPS_TO_LEAVE:
                # Thrown in where a cancellation would be, so that the work can still clean up. What
                # it waits for then is cancelled in turn, so this may never be seen outside.
                self.goes_on = True
                resume = partial(work.throw, AssertionError(_NEVER_LEAVES.format(self._at)))


async def cancelled_at(
    at: int, work: Callable[[], Coroutine[Any, Any, T]]
) -> tuple[bool, T | None]:
    """Run ``work`` and cancel it at its ``at``-th wait.

    The value is whether it waited so often, and its result if it came to one all the same.
    """
    result: T | None = None
    with anyio.CancelScope() as scope:
        stepped = Stepped(work(), scope, at)
        result = await stepped
    assert not stepped.goes_on, _NEVER_LEAVES.format(at)
    return stepped.waits >= at, result
