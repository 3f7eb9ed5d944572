"""What a session of pytest holds open for Turnwire: an event loop, the assistant, the run log.

The event loop lives in a thread of its own, from the first use to the end of the session. So
suites run whatever else drives an event loop in pytest's own thread (anyio's plugin keeps one
running for as long as its fixtures live), and the assistant serves sync tests and those of either
backend alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, ExitStack, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from turnwire.pytesting.settings import Settings, failed, settings_of

if TYPE_CHECKING:
    from turnwire.assistant import Assistant
    from turnwire.engine import CaseResult
    from turnwire.runlog import RunLog
    from turnwire.wiring import Wiring

T = TypeVar("T")


class Runtime:
    """Everything is made on first use. ``close`` ends it, in the opposite order."""

    def __init__(self, settings: Settings, root: Path, worker: str | None = None) -> None:
        self.settings = settings
        self.root = root
        self.suites: list[str] = []
        """The files of the suites that were collected."""
        self._worker = worker
        self._stack = ExitStack()
        self._statuses: Counter[str] = Counter()

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

    def entered(self, context: AbstractAsyncContextManager[T]) -> AbstractContextManager[T]:
        """The context, to be entered and left from outside of the event loop."""
        return self._portal.wrap_async_context_manager(context)

    def note(self, result: CaseResult) -> None:
        """Count a test for the end of the run log."""
        self._statuses[result.status] += 1

    @cached_property
    def assistant(self) -> Assistant:
        """The built-in assistant."""
        from turnwire.assistant import serve_assistant

        return self._stack.enter_context(self.entered(serve_assistant()))

    @cached_property
    def run_log(self) -> RunLog | None:
        """The run log, where one was asked for; each worker of pytest-xdist writes its own.

        One that cannot be created fails every test that would stand in it.
        """
        from turnwire.runlog import RunLog, RunLogError, RunPlan, log_path

        settings = self.settings
        path = settings.log
        if path is None:
            return None
        if settings.log_in_folder:
            path = log_path(f"{path}/", "pytest")
        elif self._worker is not None:
            path = path.with_name(f"{path.stem}-{self._worker}{path.suffix}")
        config = str(settings.config_file) if settings.config_file else None
        plan = RunPlan(suites=self.suites, seed=settings.seed, jobs=1)
        try:
            return RunLog(path, command="pytest", config=config, plan=plan)
        except RunLogError as exc:
            raise failed(str(exc)) from None

    @cached_property
    def wiring(self) -> Wiring:
        """How conversations are wired up: recorded, where that was asked for."""
        from turnwire.recordings import Recorder, RecordingError
        from turnwire.wiring import STRAIGHT

        if self.settings.record is None:
            return STRAIGHT
        try:
            return self._stack.enter_context(Recorder(self.settings.record))
        except RecordingError as exc:
            raise failed(str(exc)) from None

    def close(self, exit_code: int) -> None:
        """End all that was begun.

        Raises:
            RunLogIncomplete, RecordingIncomplete: something could not be written to its end.
        """
        self._stack.close()
        # Not the property: it would make a log of a run in which there was nothing to log.
        log: RunLog | None = self.__dict__.get("run_log")
        if log is None:
            return
        from turnwire.engine import CASE_STATUSES

        with suppress(KeyboardInterrupt), log:
            log.conclude({name: self._statuses[name] for name in CASE_STATUSES}, exit_code)
            if exit_code == pytest.ExitCode.INTERRUPTED:
                raise KeyboardInterrupt  # what the log tells an interrupted run from others by

    @cached_property
    def _portal(self) -> BlockingPortal:
        backend = self.settings.backend
        return self._stack.enter_context(start_blocking_portal(backend, name="turnwire-pytest"))


_runtime = pytest.StashKey[Runtime]()


def runtime_of(config: pytest.Config) -> Runtime:
    """The one of this session."""
    if _runtime not in config.stash:
        worker = getattr(config, "workerinput", {}).get("workerid")
        config.stash[_runtime] = Runtime(settings_of(config), config.rootpath, worker)
    return config.stash[_runtime]


def close(session: pytest.Session) -> None:
    """End what this session began; a run log that is incomplete fails the run."""
    runtime = session.config.stash.get(_runtime, None)
    if runtime is None:
        return
    del session.config.stash[_runtime]
    from turnwire.recordings import RecordingIncomplete
    from turnwire.runlog import RunLogIncomplete

    try:
        runtime.close(int(session.exitstatus))
    except (RunLogIncomplete, RecordingIncomplete) as exc:
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(str(exc), red=True)
