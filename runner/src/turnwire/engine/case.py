"""Running one test, from its start to its result. Whatever goes wrong in it stays in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from copy import copy

import anyio

from turnwire.engine.events import CaseFinished, CaseStarted, Event
from turnwire.engine.failures import Failure, failure_of
from turnwire.engine.frames import FrameCollector
from turnwire.engine.results import CaseResult, CaseStatus, worst
from turnwire.engine.running import Running
from turnwire.engine.shared import Shared
from turnwire.engine.sources import ConnectionSource
from turnwire.engine.surroundings import Surroundings
from turnwire.kinds import Kinds
from turnwire.runlog import RunLog
from turnwire.runlog.entries import TestFinished, TestStarted
from turnwire.steps import BUILT_IN
from turnwire.suites.model import Case, CheckSpec
from turnwire.watching import EffectObserver, LoopWatch, run_watched
from turnwire.wiring import STRAIGHT, Wiring
from turnwire_core import Connection, PluginError


async def run_case(
    case: Case,
    *,
    sources: ConnectionSource,
    kinds: Kinds,
    log: RunLog | None = None,
    shared: Shared | None = None,
    on_event: Callable[[Event], None] | None = None,
    wiring: Wiring = STRAIGHT,
) -> CaseResult:
    """Run one test.

    Tests that are handed the same ``shared`` run the fixtures of their suite once. A cancelled test
    has no result: the log then tells of its start and of what it did, and not of its end.

    Raises:
        Exception: whatever ``on_event`` raised; nothing that happens in the test.
    """
    emitter = Emitter(on_event)
    watch = LoopWatch()
    around = Surroundings(
        sources,
        kinds,
        log,
        shared or Shared(),
        emitter,
        wiring,
        watched=on_event is not None,
        watch=watch,
    )
    with log.watched_by(watch) if log is not None else nullcontext():
        result = await run_watched(lambda: run_in(case, around), watch)
    if emitter.failure is not None:
        raise emitter.failure
    return result


class Emitter:
    """Hands events on. What that raises is no failure of a test: it is kept, and all is over."""

    def __init__(self, on_event: Callable[[Event], None] | None) -> None:
        self._on_event = on_event
        self.abort: Callable[[], None] = lambda: None
        """What ends the run."""
        self.failure: Exception | None = None

    def __call__(self, event: Event) -> None:
        if self._on_event is None or self.failure is not None:
            return
        try:
            self._on_event(event)
        except Exception as exc:  # noqa: BLE001 # raised again by whoever holds the run
            self.failure = exc
            self.abort()


async def run_in(case: Case, around: Surroundings) -> CaseResult:
    """Run one test in its surroundings, log it, and tell of it."""
    start_ns = time.perf_counter_ns()
    if case.test.skip is not None:
        reason = case.suite.secrets.mask(case.test.skip)
        result = CaseResult(case, "skipped", reasons=(reason,))
        _log_start(around.log, case, None, start_ns)
    else:
        result = await _Attempt(case, around, start_ns).run()
    await _log_end(around.log, result)
    around.emit(CaseFinished(case, result))
    return result


class _Attempt:
    """The one try that a test has."""

    def __init__(self, case: Case, around: Surroundings, start_ns: int) -> None:
        self._case = case
        self._around = around
        self._start_ns = start_ns
        self._running: Running | None = None
        self._connection: Connection | None = None

    async def run(self) -> CaseResult:
        case, around = self._case, self._around
        mask = case.suite.secrets.mask
        failure: Failure | None = None
        try:
            self._connection = await around.sources.connection(case.connection, case.suite)
        except (Exception, SystemExit) as exc:  # noqa: BLE001 # a driver's module may do anything
            failure = failure_of(exc, mask)
        _log_start(around.log, case, self._connection, self._start_ns)
        around.emit(CaseStarted(case, self._connection))
        if self._connection is not None:
            mask = self._connection.secrets.mask
            try:
                failure = await self._converse(self._connection)
            except (Exception, SystemExit) as exc:  # noqa: BLE001 # opening or closing went wrong
                failure = failure_of(exc, mask)
        return self._result(failure)

    async def _converse(self, connection: Connection) -> Failure | None:
        """Open the conversation, and take the steps. What ended them early, if anything did."""
        case, around = self._case, self._around
        collector = FrameCollector() if _wants_events(case, around.kinds) else None
        effects = EffectObserver(around.watch) if around.watch is not None else None
        limit_ms = case.test.limits.timeout_ms
        async with around.opened(
            connection,
            test=case.id,
            persona=case.suite.persona_text(case.test.persona),
            observers=[one for one in (collector, effects) if one is not None],
        ) as conversation:
            conversation.variables |= case.variables
            self._running = running = Running(
                case, conversation, around, collector, effects=effects, log_as=case.id
            )
            with anyio.move_on_after(limit_ms / 1000) as limit:
                try:
                    await running.run()
                except (Exception, SystemExit) as exc:  # noqa: BLE001 # steps of plugins
                    return failure_of(exc, connection.secrets.mask)
            if limit.cancelled_caught:
                message = f"The test took longer than {limit_ms:.0f} ms (limits.timeoutMs)."
                return Failure("transport", message)
        return None

    def _result(self, failure: Failure | None) -> CaseResult:
        running = self._running
        checks = tuple(running.checks) if running is not None else ()
        broken = [check for check in checks if check.counts]
        kinds = {check.failure or "check" for check in broken}
        reasons = [check.reason for check in broken]
        status: CaseStatus = "passed"
        if failure is not None:
            where = f"{running.place}: " if running is not None and running.place else ""
            # A step that recorded what it expects says no more by ending the test.
            if failure.kind != "check" or not broken:
                reasons.append(f"{where}{failure.message}")
            kinds.add(failure.kind)
        kind = worst(kinds)
        if kind is not None:
            prepared = running is None or not running.in_fixture
            status = "failed" if kind == "check" and prepared else "error"
        errors = [check.reason for check in broken if check.status == "error"]
        first_error = reasons[-1] if failure is not None and reasons else next(iter(errors), None)
        return CaseResult(
            case=self._case,
            status=status,
            failure=kind,
            error=first_error if status == "error" else None,
            checks=checks,
            turns=tuple(running.turns) if running is not None else (),
            duration_ms=round((time.perf_counter_ns() - self._start_ns) / 1e6, 3),
            reasons=tuple(reasons),
            traceback=failure.traceback if failure is not None else None,
            connection=self._connection,
        )


def _wants_events(case: Case, kinds: Kinds) -> bool:
    """Whether a step or a check of the case may look at the events of replies."""
    fixtures = [case.suite.fixtures[name] for name in case.test.uses if name in case.suite.fixtures]
    steps = [*case.test.steps, *(step for fixture in fixtures for step in fixture.steps)]
    specs = [*case.test.checks, *case.suite.checks]
    for step in steps:
        specs += step.checks
        if step.kind == "user_objective":
            specs += step.options.stop_when
    if any(step.kind not in BUILT_IN for step in steps):
        return True
    return any(_reads_events(spec, kinds) for spec in specs)


def _reads_events(spec: CheckSpec, kinds: Kinds) -> bool:
    try:
        return kinds.check(spec.kind).reads_events
    except (KeyError, PluginError):
        return False  # it cannot be evaluated, and says so when it is its turn


def _log_start(
    log: RunLog | None, case: Case, connection: Connection | None, start_ns: int
) -> None:
    if log is None:
        return
    secrets = copy(case.suite.secrets)
    if connection is not None:
        secrets.update(connection.secrets)
    log.write(
        TestStarted(
            t=log.seconds(start_ns),
            run=log.run,
            test=case.id,
            suite=case.suite.name,
            name=case.test.name,
            connection=case.connection,
            protocol=connection.protocol if connection is not None else None,
            tags=sorted(case.tags),
            variables=secrets.mask_json(dict(case.variables)),
            repetition=case.repetition,
            origin=str(case.test.origin),
        )
    )


async def _log_end(log: RunLog | None, result: CaseResult) -> None:
    """Write the end, and wait until it is with the system: then it may be told."""
    if log is None:
        return
    log.write(
        TestFinished(
            t=log.now,
            run=log.run,
            test=result.case.id,
            status=result.status,
            failure=result.failure,
            error=result.error,
            duration_ms=result.duration_ms,
            turns=len(result.turns),
            reasons=list(result.reasons),
            traceback=result.traceback,
        )
    )
    await log.drain()
