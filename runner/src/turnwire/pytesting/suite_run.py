"""One suite in one process: its connections, what its tests have brought, the checks over all."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property

from turnwire.checks.contract import CheckError
from turnwire.engine import (
    CaseResult,
    CheckOutcome,
    ConnectionSource,
    Shared,
    check_suites,
    run_case,
)
from turnwire.kinds import Kinds
from turnwire.pytesting.config_files import nearest_config
from turnwire.pytesting.runtime import Runtime
from turnwire.suites.model import Case, Suite


class SuiteRun:
    """Runs the cases of a suite one by one, as pytest asks for them."""

    def __init__(self, suite: Suite, runtime: Runtime) -> None:
        self._suite = suite
        self._runtime = runtime
        self._shared = Shared()
        self._open = ExitStack()
        self._results: dict[str, CaseResult] = {}

    def run(self, case: Case) -> CaseResult:
        """Run a case, to its result.

        Raises:
            ConfigError: no connection can be looked for, because there are two config files.
        """
        result = self._runtime.call(self._run, case, self._sources)
        self._results[case.id] = result
        self._runtime.note(result)
        return result

    def check(self, cases: Sequence[Case]) -> Sequence[CheckOutcome]:
        """The suite-wide checks, once for each connection that ``cases`` ran over.

        Raises:
            CheckError: some of them ran in another process, or not yet: to judge by the rest would
                be to judge by chance.
        """
        missing = [case.id for case in cases if case.id not in self._results]
        if missing:
            raise CheckError(
                f"{len(missing)} of the {len(cases)} tests did not run before it in this process "
                f"({missing[0]}, for one), and it is to see all of them. With pytest-xdist, keep "
                "the tests of a file together: --dist loadfile."
            )
        results = [self._results[case.id] for case in cases]
        if all(result.status == "skipped" for result in results):
            raise CheckError(
                "None of the suite's tests ran: select them with it, or run the whole file."
            )
        return self._runtime.call(self._check, results, self._sources)

    def close(self) -> None:
        """Close its connections. They are opened again if there is more to run."""
        self._open.close()
        self.__dict__.pop("_sources", None)

    @cached_property
    def _sources(self) -> ConnectionSource:
        config = self._runtime.settings.config_file
        if config is None and self._suite.config is None:
            config = nearest_config(self._suite.directory, self._runtime.root)
        return self._open.enter_context(self._runtime.entered(ConnectionSource(config=config)))

    async def _run(self, case: Case, sources: ConnectionSource) -> CaseResult:
        return await run_case(
            case,
            sources=sources,
            kinds=Kinds.installed(),
            log=self._runtime.run_log,
            shared=self._shared,
            wiring=self._runtime.wiring,
        )

    async def _check(
        self, results: Sequence[CaseResult], sources: ConnectionSource
    ) -> Sequence[CheckOutcome]:
        return await check_suites(
            results,
            sources=sources,
            kinds=Kinds.installed(),
            log=self._runtime.run_log,
            wiring=self._runtime.wiring,
        )
