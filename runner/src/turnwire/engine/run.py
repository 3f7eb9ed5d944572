"""Running many tests at once, and the checks over whole suites after them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext

import anyio
import attrs

from turnwire.checks.contract import CheckContext, TurnRecord
from turnwire.engine.case import Emitter, run_in
from turnwire.engine.checking import CaseJudge, evaluated, log_check
from turnwire.engine.events import CheckDone, Event
from turnwire.engine.misreads import Misreads
from turnwire.engine.results import CaseResult, CheckOutcome, RunOutcome, worst
from turnwire.engine.shared import Shared
from turnwire.engine.sources import ConnectionSource
from turnwire.engine.surroundings import Surroundings
from turnwire.kinds import Kinds
from turnwire.runlog import FinishedTest, Progress, RunLog
from turnwire.suites.model import Case, CheckSpec, Suite
from turnwire.watching import LoopWatch, run_watched
from turnwire.wiring import STRAIGHT, Wiring
from turnwire_core import Connection


async def run_cases(
    cases: Sequence[Case],
    *,
    sources: ConnectionSource,
    kinds: Kinds,
    log: RunLog | None,
    jobs: int,
    fail_fast: bool = False,
    stop_on_misread: bool = False,
    on_event: Callable[[Event], None] | None = None,
    earlier: Progress | None = None,
    wiring: Wiring = STRAIGHT,
) -> RunOutcome:
    """Run tests, ``jobs`` at once, in their order; then the checks over their suites.

    ``sources`` is entered; ``wiring`` records or replays the conversations. With ``fail_fast`` no
    test is begun after one has failed; those that run are let finish. With ``stop_on_misread`` none
    is begun after the first reply of a connection was not read as its config means, and the tests
    that get such replies end there. Cases that ``earlier`` has as finished are not run again: their
    results are taken from there. Cancelled, it ends its conversations in good order and logs no end
    of the tests that were running.

    Raises:
        Exception: whatever ``on_event`` raised; nothing that happens in a test.
    """
    finished = earlier.finished if earlier is not None else {}
    shared = Shared(stop_on_misread=stop_on_misread)
    run = _Run(cases, finished, fail_fast=fail_fast, misreads=shared.misreads)
    watch = LoopWatch()
    emitter = Emitter(on_event)
    around = Surroundings(
        sources,
        kinds,
        log,
        shared,
        emitter,
        wiring,
        watched=on_event is not None,
        watch=watch,
    )
    with log.watched_by(watch) if log is not None else nullcontext():
        outcome = await run_watched(lambda: _run_all(run, around, emitter, jobs), watch)
    if log is not None:
        log.conclude(outcome.counts, outcome.exit_code)
        await log.drain()
    return outcome


async def _run_all(run: _Run, around: Surroundings, emitter: Emitter, jobs: int) -> RunOutcome:
    """What came of all tests, and of the checks over their suites."""
    failure: BaseException | None = None
    async with anyio.create_task_group() as tasks:
        emitter.abort = tasks.cancel_scope.cancel

        async def work() -> None:
            nonlocal failure
            try:
                for case in run.next_cases():
                    run.note(await run_in(case, around))
            except (Exception, KeyboardInterrupt) as exc:  # noqa: BLE001 # raised below
                # A defect of ours, or a Ctrl-C that nobody watches for. Inside the task group it
                # would leave as an ExceptionGroup.
                failure = exc
                tasks.cancel_scope.cancel()

        for _ in range(min(max(1, jobs), run.pending)):
            tasks.start_soon(work)
    failure = failure or emitter.failure
    if failure is not None:
        raise failure
    outcome = run.outcome()
    checks = await _check_suites(outcome, around)
    if emitter.failure is not None:
        raise emitter.failure
    return attrs.evolve(outcome, suite_checks=checks)


async def check_suites(
    results: Sequence[CaseResult],
    *,
    sources: ConnectionSource,
    kinds: Kinds,
    log: RunLog | None = None,
    wiring: Wiring = STRAIGHT,
) -> Sequence[CheckOutcome]:
    """The checks over the suites of tests that were run one by one, as ``run_cases`` ends with.

    ``sources`` is entered. Each is made once for each connection that its suite's tests ran over.
    """
    around = Surroundings(sources, kinds, log, Shared(), Emitter(None), wiring)
    return await _check_suites(RunOutcome(results), around)


class _Run:
    """Which cases are still to be run, and what came of the others."""

    def __init__(
        self,
        cases: Sequence[Case],
        finished: Mapping[str, FinishedTest],
        *,
        fail_fast: bool,
        misreads: Misreads,
    ) -> None:
        self._misreads = misreads
        self._cases = cases
        self._results = {
            case.id: _from_log(case, finished[case.id]) for case in cases if case.id in finished
        }
        self._waiting = iter([case for case in cases if case.id not in finished])
        self._fail_fast = fail_fast
        self._failed = fail_fast and not all(one.ok for one in self._results.values())
        self.pending = len(cases) - len(self._results)

    def next_cases(self) -> Iterator[Case]:
        """Each of the workers takes its next from here."""
        while not (self._failed or self._misreads.stopped):
            case = next(self._waiting, None)
            if case is None:
                return
            yield case

    def note(self, result: CaseResult) -> None:
        """Take a result."""
        self._results[result.case.id] = result
        self._failed = self._failed or (self._fail_fast and not result.ok)

    def outcome(self) -> RunOutcome:
        """What came of it, without the checks over suites."""
        return RunOutcome(
            results=tuple(
                self._results[case.id] for case in self._cases if case.id in self._results
            ),
            not_run=tuple(case for case in self._cases if case.id not in self._results),
        )


def _from_log(case: Case, test: FinishedTest) -> CaseResult:
    """The result that an earlier run wrote."""
    entry = test.entry
    return CaseResult(
        case=case,
        status=entry.status,
        failure=entry.failure,
        error=entry.error,
        turns=tuple(TurnRecord(message, reply) for message, reply in test.turns),
        duration_ms=entry.duration_ms,
        reasons=tuple(entry.reasons),
        traceback=entry.traceback,
        earlier=True,
    )


async def _check_suites(outcome: RunOutcome, around: Surroundings) -> Sequence[CheckOutcome]:
    """The checks over each suite, once for each connection that its tests ran over.

    A suite of which ``fail_fast`` left tests out is not checked: its turns are not all there.
    """
    partial = {id(case.suite) for case in outcome.not_run}
    groups: dict[tuple[int, str], list[CaseResult]] = {}
    for result in outcome.results:
        if result.status != "skipped" and id(result.case.suite) not in partial:
            groups.setdefault((id(result.case.suite), result.case.connection), []).append(result)
    checks: list[CheckOutcome] = []
    for (_, name), results in groups.items():
        suite = results[0].case.suite
        for spec in suite.checks:
            check = await _check_suite(spec, suite, name, results, around)
            log_check(around.log, check, test=None)
            around.emit(CheckDone(None, check))
            checks.append(check)
    return tuple(checks)


async def _check_suite(
    spec: CheckSpec, suite: Suite, name: str, results: Sequence[CaseResult], around: Surroundings
) -> CheckOutcome:
    turns = [turn for result in results for turn in result.turns]
    ready = next((one.connection for one in results if one.connection is not None), None)
    # Of a connection that could not be made ready, or whose tests are all of an earlier run, the
    # name is all that is needed.
    connection = ready or Connection(base_url="", name=name, secrets=suite.secrets)
    context = CheckContext(
        turns=turns,
        transcript=(),
        variables=suite.variables,
        judge=CaseJudge(suite, around, None),
        directory=suite.directory,
        trusts_times=around.wiring.trusts_times,
    )
    values = {"connection": name}
    values |= {f"env.{key}": value for key, value in suite.environment.items()}
    check = await evaluated(spec, around.kinds, context, values, suite=suite, connection=connection)
    unjudged = [one.failure for one in results if one.status == "error" and one.failure]
    if check.status == "error" and check.failure == "config" and unjudged:
        # Too few turns because the target was down is the target's fault, not the suite's.
        return attrs.evolve(check, failure=worst(unjudged))
    return check
