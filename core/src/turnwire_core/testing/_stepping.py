"""Cancelling at each await of a piece of work, one after another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

import anyio

T = TypeVar("T")

_STEPS_TO_LEAVE = 20_000
"""How often work that was cancelled may still wait: to say good-bye, not to go on."""


class Stepped(Generic[T]):
    """Work that is cancelled when it waits for the ``at``-th time (1 is the first)."""

    def __init__(self, work: Coroutine[Any, Any, T], scope: anyio.CancelScope, at: int) -> None:
        self._work = work
        self._scope = scope
        self._at = at
        self.waits = 0

    def __await__(self) -> Generator[Any, Any, T]:
        # What is passed through here is between the work and its event loop, and whatever it is,
        # both loops speak to a task by its generator.
        work = self._work.__await__()
        resume: Callable[[], Any] = lambda: next(work)  # noqa: E731 - it is assigned anew below
        while True:
            try:
                waiting_for = resume()
            except StopIteration as done:
                result: T = done.value
                return result
            self.waits += 1
            if self.waits == self._at:
                self._scope.cancel()
            elif self.waits > self._at + _STEPS_TO_LEAVE:
                work.close()
                raise AssertionError(
                    f"Cancelled at await {self._at}, the work went on for {_STEPS_TO_LEAVE} more: "
                    "something catches the cancellation and does not raise it again."
                )
            try:
                value = yield waiting_for
            except BaseException as exc:  # noqa: BLE001 - all of it belongs to the work
                resume = _throw(work, exc)
            else:
                resume = _send(work, value)


def _send(work: Generator[Any, Any, Any], value: Any) -> Callable[[], Any]:
    return lambda: work.send(value)


def _throw(work: Generator[Any, Any, Any], exc: BaseException) -> Callable[[], Any]:
    return lambda: work.throw(exc)


async def cancelled_at(
    at: int, work: Callable[[], Coroutine[Any, Any, T]]
) -> tuple[bool, T | None]:
    """Run ``work`` and cancel it at its ``at``-th wait.

    The value is whether it waited so often, and its result if it came to one all the same.
    """
    result: T | None = None
    with anyio.CancelScope() as scope:
        stepped = Stepped(work(), scope, at)
        result = await _awaited(stepped)
    return stepped.waits >= at, result


async def _awaited(work: Awaitable[T]) -> T:
    return await work
