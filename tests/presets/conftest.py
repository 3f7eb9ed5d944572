"""What the tests of presets share."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.aimock import install_aimock, run_aimock


@pytest.fixture(scope="session")
def aimock_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A running aimock, installed from npm for this run.

    Only where it is asked for by marker: a plain run of the tests reaches no further than loopback.
    """
    if "aimock" not in request.config.option.markexpr:
        pytest.skip("asks npm for a package: run it with -m aimock")
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.skip("needs node and npm")
    folder = tmp_path_factory.mktemp("aimock")
    try:
        install_aimock(folder)
    except subprocess.CalledProcessError as exc:
        pytest.fail(f"npm could not install aimock: {exc.stderr}", pytrace=False)
    with run_aimock(Path(folder)) as url:
        yield url
