"""What the tests of a run share: the variables that suite fixtures made, each run once, and what
is known of how replies are read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any

import anyio

from turnwire.engine.failures import Failure, failure_of
from turnwire.engine.misreads import Misreads
from turnwire.steps.contract import StepError

Variables = Mapping[str, Any]


class _Once:
    """A fixture that runs or has run."""

    def __init__(self) -> None:
        self.over = anyio.Event()
        self.variables: Variables = {}
        self.failure: Failure | None = None


class Shared:
    """Hand the same one to every test of a run, so that a suite's fixtures run once, and a config
    that replies do not fit is told of once."""

    def __init__(self, *, stop_on_misread: bool = False) -> None:
        self.misreads = Misreads(stop=stop_on_misread)
        self._fixtures: dict[Hashable, _Once] = {}

    async def fixture(
        self, key: Hashable, make: Callable[[], Awaitable[Variables]], mask: Callable[[str], str]
    ) -> Variables:
        """What ``make`` returned when it was called for ``key`` first; others wait for it.

        One that fails has failed for all. One that is cancelled with its test is made again, by
        the next test that wants it.

        Raises:
            StepError: it failed; with the kind of that failure.
        """
        while (once := self._fixtures.get(key)) is not None:
            await once.over.wait()
            if self._fixtures.get(key) is once:
                break
        else:
            once = self._fixtures[key] = _Once()
            try:
                once.variables = await make()
            except Exception as exc:  # noqa: BLE001 # whatever it was, all its tests are told
                once.failure = failure_of(exc, mask)
            except BaseException:
                del self._fixtures[key]
                raise
            finally:
                once.over.set()
        if once.failure is not None:
            raise StepError(once.failure.message, kind=once.failure.kind)
        return once.variables
