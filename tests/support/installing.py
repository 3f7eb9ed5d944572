"""Installing a package of drivers for one test, beside what is installed already."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import attrs

_SECONDS = 300


@attrs.frozen
class Installed:
    """A package in a folder of its own. Who runs with that folder on its path has it installed."""

    source: Path
    folder: Path

    def run(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run ``python`` with the package installed, in its source folder or in ``cwd``."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=cwd or self.source,
            env={**kept, "PYTHONPATH": str(self.folder), "NO_COLOR": "1", "COLUMNS": "100"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )

    def run_its_tests(self) -> subprocess.CompletedProcess[str]:
        """Run the tests that the package brings, as its author would."""
        return self.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "pyproject.toml")


def install(source: Path, folder: Path) -> Installed:
    """Build the package at ``source`` and unpack it, with its metadata, into ``folder``."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--no-build-isolation", "--no-index", "--target", folder, source),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Installed(source, folder)
