"""What a session of pytest holds open for Turnwire: an event loop, the assistant, the run log.

The event loop lives in a thread of its own, from the first use to the end of the session. So
suites run whatever else drives an event loop in pytest's own thread (anyio's plugin keeps one
running for as long as its fixtures live), and the assistant serves sync tests and those of either
backend alike.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from turnwire.pytesting.settings import Settings, settings_of

if TYPE_CHECKING:
    from turnwire.assistant import Assistant
    from turnwire.runlog import RunLog

T = TypeVar("T")


class Runtime:
    """Everything is made on first use. ``close`` ends it, in the opposite order."""

    def __init__(self, settings: Settings, worker: str | None) -> None:
        self.settings = settings
        self._worker = worker
        self._stack = ExitStack()

    def call(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Run ``function`` in the event loop, and wait for what it returns.

        When the waiting is interrupted, by Ctrl-C or a plugin that bounds a test, the function is
        cancelled; :meth:`close` waits until it has cleaned up.
        """
        future = self._portal.start_task_soon(function, *args)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def enter(self, context: AbstractAsyncContextManager[T]) -> T:
        """Enter a context in the event loop; it is left at the end of the session."""
        return self._stack.enter_context(self._portal.wrap_async_context_manager(context))

    @cached_property
    def assistant(self) -> Assistant:
        """The built-in assistant."""
        from turnwire.assistant import serve_assistant

        return self.enter(serve_assistant())

    @cached_property
    def run_log(self) -> RunLog | None:
        """The run log, where one was asked for; each worker of pytest-xdist writes its own.

        Raises:
            pytest.UsageError: it cannot be created.
        """
        from turnwire.runlog import RunLog, RunLogError, log_path

        path = self.settings.log
        if path is None:
            return None
        if self.settings.log_in_folder:
            path = log_path(f"{path}/", "pytest")
        elif self._worker is not None:
            path = path.with_name(f"{path.stem}-{self._worker}{path.suffix}")
        try:
            return self._stack.enter_context(RunLog(path, command="pytest"))
        except RunLogError as exc:
            raise pytest.UsageError(str(exc)) from exc

    def close(self) -> None:
        """End all that was begun.

        Raises:
            RunLogIncomplete: the run log could not be written to its end.
        """
        self._stack.close()

    @cached_property
    def _portal(self) -> BlockingPortal:
        backend = self.settings.backend
        return self._stack.enter_context(start_blocking_portal(backend, name="turnwire-pytest"))


_runtime = pytest.StashKey[Runtime]()


def runtime_of(config: pytest.Config) -> Runtime:
    """The one of this session."""
    if _runtime not in config.stash:
        worker = getattr(config, "workerinput", {}).get("workerid")
        config.stash[_runtime] = Runtime(settings_of(config), worker)
    return config.stash[_runtime]


def close(session: pytest.Session) -> None:
    """End what this session began; a run log that is incomplete fails the run."""
    runtime = session.config.stash.get(_runtime, None)
    if runtime is None:
        return
    del session.config.stash[_runtime]
    from turnwire.runlog import RunLogIncomplete

    try:
        runtime.close()
    except RunLogIncomplete as exc:
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(str(exc), red=True)
