"""Suites as pytest sees them: a file, its cases as items, its suite-wide checks as the last one."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from turnwire.pytesting.concealing import hide
from turnwire.pytesting.failures import (
    CaseFailed,
    Failure,
    SuiteChecksFailed,
    describe_error,
)
from turnwire.pytesting.runtime import runtime_of
from turnwire.pytesting.settings import settings_of
from turnwire.pytesting.showing import properties
from turnwire.pytesting.suite_run import SuiteRun
from turnwire.suites.expansion import expand
from turnwire.suites.loading import load_suite
from turnwire.suites.model import Case, Suite
from turnwire.suites.selection import Selection
from turnwire_core import ConfigError, Problem, TurnwireError

SUITE_CHECKS: Final = "suite-checks"
"""The name of the item; no case is named so, for theirs have brackets."""

_RESERVED: Final = frozenset(
    {"filterwarnings", "parametrize", "skip", "skipif", "turnwire", "usefixtures", "xfail"}
)
"""Markers by which pytest, or we, mean something else than a tag."""

_suites = pytest.StashKey[dict[str, Path]]()


class SuiteFile(pytest.Module):
    """The file of a suite.

    It is a module to pytest, as a text file of doctests is, so that autouse fixtures of a
    ``conftest.py`` are set up for its tests too: say, the server that is tested.
    """

    def _getobj(self) -> types.ModuleType:
        return types.ModuleType(self.path.name)

    def collect(self) -> Iterator[pytest.Item]:
        """The cases in the order of the file, then the suite-wide checks.

        Raises:
            ConfigError: the suite cannot be loaded, with every problem.
            PluginError: a plugin with a kind of step or check in it is broken.
        """
        settings = settings_of(self.config)
        suite = load_suite(self.path)
        self._refuse_double(suite)
        cases = expand(
            suite,
            connections=settings.connections or None,
            seed=settings.seed,
            now=settings.started,
        )
        runtime = runtime_of(self.config)
        runtime.suites.append(str(self.path))
        self.run = SuiteRun(suite, runtime)
        for case in cases:
            yield CaseItem.from_parent(self, name=_name(case), case=case)
        if suite.checks:
            yield SuiteChecksItem.from_parent(self, name=SUITE_CHECKS, suite=suite)

    def teardown(self) -> None:
        self.run.close()
        super().teardown()

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: Any = None,  # noqa: ARG002 - of Node
    ) -> Any:
        """What is wrong with the file, in words."""
        if isinstance(excinfo.value, TurnwireError):
            here = self.config.invocation_params.dir
            return Failure(describe_error(excinfo.value), (str(self.path), 1), here)
        return super().repr_failure(excinfo)

    def _refuse_double(self, suite: Suite) -> None:
        """In one run log the names of suites tell their tests apart; node ids have the file."""
        if settings_of(self.config).log is None:
            return
        names = self.config.stash.setdefault(_suites, {})
        other = names.setdefault(suite.name, self.path)
        if other != self.path:
            message = f"{other} is a suite named {suite.name!r} too."
            hint = "Give one of them another 'name': the run log tells their tests apart by it."
            raise ConfigError([Problem(message, "$.name", hint, str(self.path))])


class _SuiteItem(pytest.Function):
    """A test that is no function; pytest's own class, for the sake of its fixtures."""

    parent: SuiteFile

    def __init__(self, **arguments: Any) -> None:
        super().__init__(callobj=_nothing, **arguments)

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: Any = None,  # noqa: ARG002 - of Node
    ) -> Any:
        """What came of the test, in place of a traceback through Turnwire."""
        match excinfo.value:
            case CaseFailed() | SuiteChecksFailed() as failed:
                seed = settings_of(self.config).seed
                lines = failed.lines(f"pytest '{self._again}' --turnwire-seed {seed}")
            case TurnwireError() as exc:
                lines = describe_error(exc)
            case _:
                return super().repr_failure(excinfo)
        return Failure(lines, self._place, self.config.invocation_params.dir)

    @property
    def _again(self) -> str:
        """The node id that is to be run to repeat this; pytest-xdist may have added to ours."""
        return f"{self.parent.nodeid}::{self.name}"

    @property
    def _place(self) -> tuple[str, int]:
        """The file and the line, counted from 1, that a reader is to be led to."""
        return str(self.path), 1

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the test is written; pytest counts lines from 0."""
        return self.path, self._place[1] - 1, self.name


class CaseItem(_SuiteItem):
    """One case of a suite."""

    def __init__(self, *, case: Case, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.case = case
        self.add_marker(pytest.mark.turnwire(connection=case.connection))
        for tag in sorted(case.tags):
            self.add_marker(_marker(self.config, tag))
        if case.suite.checks:
            # pytest-xdist's --dist loadgroup: what is to be checked together must run together.
            self.add_marker(_group(self))

    def setup(self) -> None:
        """Set up the fixtures that pytest has for it; none for a case that is skipped."""
        if self.case.test.skip is None:
            super().setup()
        else:
            # It is in the run log all the same.
            result = self.parent.run.run(self.case)
            pytest.skip(result.reasons[0])

    def runtest(self) -> None:
        """Run the case.

        Raises:
            CaseFailed: it did not pass.
        """
        result = self.parent.run.run(self.case)
        hide(self, (result.connection or self.case.suite).secrets)
        replies = [turn.reply for turn in result.turns]
        self.user_properties += properties(replies, self.case.connection, result.connection)
        if not result.ok:
            raise CaseFailed(result)

    @property
    def _place(self) -> tuple[str, int]:
        return str(self.path), self.case.test.origin.line or 1


class SuiteChecksItem(_SuiteItem):
    """The checks over all tests of a suite."""

    def __init__(self, *, suite: Suite, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.suite = suite
        self.add_marker(pytest.mark.turnwire)
        self.add_marker(_group(self))

    def runtest(self) -> None:
        """Evaluate them over what the suite's tests have brought.

        Raises:
            SuiteChecksFailed: one does not hold, or the tests did not run in this process.
        """
        siblings = [item for item in self.session.items if item.parent is self.parent]
        cases = [item.case for item in siblings if isinstance(item, CaseItem)]
        checks = self.parent.run.check(cases)
        if any(check.counts for check in checks):
            raise SuiteChecksFailed(checks)

    @property
    def _again(self) -> str:
        return self.parent.nodeid

    @property
    def _place(self) -> tuple[str, int]:
        return str(self.path), self.suite.checks[0].origin.line or 1


def arrange(items: list[pytest.Item]) -> None:
    """Skip what is to be skipped, and let the checks over a suite come after its tests."""
    cases = [item for item in items if isinstance(item, CaseItem)]
    for item, case in zip(cases, Selection().apply([one.case for one in cases]), strict=True):
        item.case = case
    last = {item.parent: n for n, item in enumerate(items) if isinstance(item, CaseItem)}

    def position(numbered: tuple[int, pytest.Item]) -> tuple[int, int]:
        number, item = numbered
        if isinstance(item, SuiteChecksItem):
            return max(number, last.get(item.parent, number)), 1
        return number, 0

    items[:] = [item for _, item in sorted(enumerate(items), key=position)]


def place(item: pytest.Item, report: pytest.TestReport) -> None:
    """A case that was skipped was skipped where it is written, not in the file you read."""
    if report.skipped and isinstance(item, CaseItem) and isinstance(report.longrepr, tuple):
        path, line, _ = item.reportinfo()
        report.longrepr = (str(path), line + 1, report.longrepr[2])


def summary(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    """Below the number of tests: the seed, if there are any that may draw values."""
    if not any(isinstance(item, CaseItem) for item in items):
        return []
    return [f"turnwire: seed {settings_of(config).seed}"]


def _nothing() -> None:
    """What pytest takes for the function of an item that has none."""


def _name(case: Case) -> str:
    """The id of a case, as pytest has ids: in a file, and with a bracket at the end.

    What followed the bracket, as the number of a repetition does, would be garbled in JUnit files.
    """
    name = case.id.removeprefix(f"{case.suite.name}::")
    return re.sub(r"\](#\d+)$", r"\1]", name)


def _marker(config: pytest.Config, tag: str) -> pytest.MarkDecorator:
    """A tag as a marker, registered so that --strict-markers knows it."""
    name = re.sub(r"[^\w.-]", "_", tag).lstrip("_") or "tag"
    name = f"tag-{name}" if name in _RESERVED else name
    line = f"{name}: a tag of a suite"
    if line not in config.getini("markers"):
        config.addinivalue_line("markers", line)
    marker: pytest.MarkDecorator = getattr(pytest.mark, name)
    return marker


def _group(item: pytest.Item) -> pytest.MarkDecorator:
    if not item.config.pluginmanager.has_plugin("xdist"):
        return pytest.mark.turnwire
    return pytest.mark.xdist_group(f"turnwire-{item.path.name}")
