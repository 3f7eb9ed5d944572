"""Runs of pytest in a process of their own: as somebody runs it who has Turnwire installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from xml.etree import ElementTree as ET

import attrs

_OWN = re.compile("PYTEST_|COV_CORE")
"""What the run that the test is in has put into the environment."""

_OUTCOMES = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")


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


def run_pytest(
    folder: Path, *args: str, plugins: tuple[str, ...] = ("turnwire", "anyio"), **environment: str
) -> PytestRun:
    """Run ``pytest ARGS`` in the folder, with these of the installed plugins.

    Only these, because the others take more time to load than most of these runs take.
    """
    junit = folder / "junit.xml"
    inherited = {name: value for name, value in os.environ.items() if not _OWN.match(name)}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--junitxml", str(junit)),
            *(f"-p{name}" for name in plugins),
            # The folder's own ini file, if it has one, and not that of a folder above it.
            *("--rootdir", str(folder), *args),
        ],
        cwd=folder,
        env={
            **inherited,
            "COLUMNS": "100",
            "NO_COLOR": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            **environment,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    tree = ET.parse(junit).getroot() if junit.exists() else ET.Element("none")
    return PytestRun(done.returncode, done.stdout, tree)


def write(folder: Path, **files: str) -> None:
    """Write files, each named with ``__`` for a dot: ``write(folder, test_a__py=...)``."""
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(dedent(text))
