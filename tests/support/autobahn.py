"""The Autobahn test suite, which needs Python 2.7, in an environment of its own, and its server.

python tests/support/autobahn.py    makes the environment in .autobahn/, if it is not there yet
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path

HOME = Path(__file__).parents[2] / ".autobahn"
"""Where everything of this is kept. Not in git."""

REPORTS = HOME / "reports"

SUITE = "autobahntestsuite==25.10.1"
MAKER = "virtualenv<20.22"
"""The last that makes environments of Python 2.7."""

INSTALL_SECONDS = 600
START_SECONDS = 30
STOP_SECONDS = 10

_IS_IT = "import sys, zlib, ssl; sys.exit(sys.version_info[:2] != (2, 7))"
_NO_PYTHON = """\
The Autobahn test suite runs on Python 2.7 only, and none was found. Tried: {tried}.
Install one, for example with `pyenv install 2.7.18`, or name one: PYTHON27=/path/to/python2.7"""


def find_python27() -> Path:
    """A Python 2.7: the one that PYTHON27 names, the path's, or pyenv's.

    Raises:
        SystemExit: there is none. Its message says what was tried.
    """
    if named := os.environ.get("PYTHON27"):
        candidates = [named]
    else:
        pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
        found = sorted(pyenv.glob("versions/2.7.*/bin/python2.7"))
        candidates = ["python2.7", "python2", *map(str, found)]
    for candidate in candidates:
        path = shutil.which(candidate)
        if path and subprocess.run([path, "-c", _IS_IT], capture_output=True).returncode == 0:
            return Path(path)
    raise SystemExit(_NO_PYTHON.format(tried=", ".join(candidates)))


def make_environment() -> None:
    """Install the suite, unless it is installed.

    Raises:
        SystemExit: it cannot be.
    """
    installed = HOME / "installed"
    if installed.exists() and installed.read_text() == SUITE:
        return
    python27 = find_python27()
    print(f"Installing {SUITE} for {python27} into {HOME}", flush=True)  # noqa: T201 - for who waits
    shutil.rmtree(HOME, ignore_errors=True)
    venv.create(HOME / "maker", with_pip=True)
    _run([HOME / "maker/bin/python", "-m", "pip", "install", "--quiet", MAKER])
    _run([HOME / "maker/bin/python", "-m", "virtualenv", "--quiet", "--python", python27,
          HOME / "python27"])  # fmt: skip
    _run([HOME / "python27/bin/python", "-m", "pip", "install", "--quiet", SUITE])
    installed.write_text(SUITE)


def _run(command: Sequence[str | Path]) -> None:
    environ = {
        **os.environ,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_PYTHON_VERSION_WARNING": "1",
    }
    environ.pop("PYTHONPATH", None)
    done = subprocess.run(
        command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=INSTALL_SECONDS, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        shown = " ".join(map(str, command))
        raise SystemExit(f"{shown}\n{done.stdout}\n{done.stderr}")


@contextlib.contextmanager
def fuzzing_server() -> Iterator[str]:
    """A running fuzzing server with all cases; the value is its URL.

    Its reports come into :data:`REPORTS`.
    """
    shutil.rmtree(REPORTS, ignore_errors=True)
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    url = f"ws://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder, "spec.json")
        spec.write_text(
            json.dumps(
                {
                    "url": url,
                    "outdir": str(REPORTS),
                    "cases": ["*"],
                    "exclude-cases": [],
                    "exclude-agent-cases": {},
                }
            )
        )
        log = Path(folder, "log")
        command = [HOME / "python27/bin/wstest", "-m", "fuzzingserver", "-s", spec, "-u", "0"]
        with log.open("wb") as output:
            server = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        try:
            _wait_for(server, port, log)
            yield url
        finally:
            server.terminate()
            try:
                server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_for(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    raise RuntimeError(f"the fuzzing server did not start:\n{log.read_text()[-4000:]}")


if __name__ == "__main__":
    sys.exit(make_environment())
