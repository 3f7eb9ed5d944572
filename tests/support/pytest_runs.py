"""Runs of pytest, as somebody runs it who has Turnwire installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from xml.etree import ElementTree as ET

import attrs
import pytest

_OWN = re.compile("PYTEST_|COV_CORE")
"""What the run that the test is in has put into the environment."""

_OUTCOMES = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")

_ALONE = ("-p", "no:cacheprovider", "--junitxml", "junit.xml", "--rootdir", ".")


@attrs.frozen
class PytestRun:
    """How a run ended."""

    code: int
    output: str
    junit: ET.Element

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of the last line: ``{"passed": 2, "failed": 1}``."""
        last = self.output.strip().rpartition("\n")[2]
        found = {name.rstrip("s"): int(n) for n, name in re.findall(r"(\d+) ([a-z]+)", last)}
        return {name: n for name, n in found.items() if name in _OUTCOMES}

    @property
    def cases(self) -> dict[str, ET.Element]:
        """The cases of the JUnit file, by name."""
        return {str(case.get("name")): case for case in self.junit.iter("testcase")}

    def properties(self, case: str) -> list[tuple[str, str]]:
        """The properties of a case in the JUnit file, in their order."""
        found = self.cases[case].iter("property")
        return [(str(one.get("name")), str(one.get("value"))) for one in found]


class _Modules:
    """Keeps what a run imports: pytester forgets it all, and half of it imported anew is not the
    same as what the other half still knows."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._imported: dict[str, ModuleType] = {}

    def pytest_unconfigure(self) -> None:
        self._imported = {
            name: module
            for name, module in sys.modules.items()
            if not str(getattr(module, "__file__", None) or "").startswith(self._folder)
        }

    def keep(self) -> None:
        for name, module in self._imported.items():
            sys.modules.setdefault(name, module)


class Project:
    """A folder with tests, in which pytest is run; it is the current one."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = pytester.path
        self._pytester = pytester
        self._monkeypatch = monkeypatch
        for name in filter(_OWN.match, tuple(os.environ)):
            monkeypatch.delenv(name)
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.delenv("CI", raising=False)  # pytest shows more there

    def write(self, **files: str) -> None:
        """Write files, each named with ``__`` for a dot: ``write(test_a__py=...)``."""
        for name, text in files.items():
            self.folder.joinpath(name.replace("__", ".")).write_text(dedent(text))

    def run(self, *args: str, plugins: Sequence[str] = ("turnwire", "anyio")) -> PytestRun:
        """Run ``pytest ARGS`` in this process, with these of the installed plugins.

        Only these, and no process: both would take longer than most of the runs themselves.
        """
        modules = _Modules(self.folder)
        arguments = self.arguments(args, plugins)
        result = self._pytester.runpytest_inprocess(*arguments, plugins=[modules])
        modules.keep()
        return self._ended(int(result.ret), result.stdout.str() + "\n" + result.stderr.str())

    def run_process(self, *args: str, plugins: Sequence[str] | None = None) -> PytestRun:
        """Run ``pytest ARGS`` in a process of its own. Without ``plugins`` with all of them."""
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *self.arguments(args, plugins)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return self._ended(done.returncode, done.stdout)

    def arguments(self, args: Sequence[str], plugins: Sequence[str] | None) -> list[str]:
        """What to give to pytest; says in the environment that no other plugins are to load."""
        if plugins is None:
            return [*_ALONE, *args]
        self._monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        return [*_ALONE, *(f"-p{name}" for name in plugins), *args]

    def _ended(self, code: int, output: str) -> PytestRun:
        junit = Path(self.folder, "junit.xml")
        tree = ET.parse(junit).getroot() if junit.exists() else ET.Element("none")
        return PytestRun(code, output, tree)
