"""Wheels, built once, and fresh environments to install them into."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from support.background import assistant_in_background
from turnwire.assistant import demo_connections

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "turnwire-core": "core",
    "turnwire-http-chat": "drivers/http_chat",
    "turnwire-sse": "drivers/sse",
    "turnwire-websocket": "drivers/websocket",
    "turnwire": "runner",
    "turnwire-ndjson-tcp": "examples/turnwire-ndjson-tcp",
}
INSTALL_SECONDS = 180
RUN_SECONDS = 60


@attrs.frozen
class Built:
    """What the build of one distribution left."""

    wheel: Path
    sdist: Path


@attrs.frozen
class Environment:
    """A virtual environment in which nothing is but what was installed from our wheels."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run(self, *arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, away from the repository; it must exit with ``code``.

        Its standard input is empty.
        """
        program, *rest = arguments
        done = subprocess.run(
            [self.folder / "bin" / program, *rest],
            cwd=self.folder,
            env=clean_environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def evaluate(self, source: str) -> str:
        """What a piece of Python prints there."""
        return self.run("python", "-I", "-c", source).stdout.strip()

    def installed(self) -> set[str]:
        """The names of the distributions in it, normalised."""
        listing = (
            "import importlib.metadata as m; print(*(d.name for d in m.distributions()), sep='\\n')"
        )
        names = {re.sub(r"[-_.]+", "-", name).lower() for name in self.evaluate(listing).split()}
        return names - {"pip", "setuptools", "wheel"}


def clean_environ() -> dict[str, str]:
    """Our environment without what would let one Python look into another's packages."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "COLUMNS", "FORCE_COLOR")
    kept = {k: v for k, v in os.environ.items() if k not in hidden and not k.startswith("COV")}
    return {**kept, "NO_COLOR": "1"}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Built]:
    """Each distribution's sdist, and the wheel that was built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    result = {}
    for name, source in FOLDERS.items():
        _succeed(
            [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT / source]
        )
        stem = name.replace("-", "_")
        (wheel,) = folder.glob(f"{stem}-[0-9]*.whl")
        (sdist,) = folder.glob(f"{stem}-[0-9]*.tar.gz")
        result[name] = Built(wheel, sdist)
    return result


@pytest.fixture(scope="session")
def ours_only(built: dict[str, Built], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Constraints that tie our own names to the wheels just built, and the rest to tested versions.

    An extra or a dependency that names one of ours is so never looked up in a registry.
    """
    lines = [f"{name} @ {built[name].wheel.as_uri()}" for name in built]
    file = tmp_path_factory.mktemp("constraints") / "ours.txt"
    file.write_text("\n".join([*lines, (ROOT / "constraints.txt").read_text()]))
    return file


Install = Callable[..., Environment]


@pytest.fixture(scope="session")
def fresh(
    built: dict[str, Built], ours_only: Path, tmp_path_factory: pytest.TempPathFactory
) -> Install:
    """A function that makes an environment: ``fresh("turnwire[sse]")``.

    The same wishes give the same environment, made once.
    """
    made: dict[tuple[str, ...], Environment] = {}

    def install(*wishes: str) -> Environment:
        if wishes not in made:
            environment = Environment(tmp_path_factory.mktemp("env"))
            _install(environment, [_from_wheel(wish, built) for wish in wishes], ours_only)
            made[wishes] = environment
        return made[wishes]

    return install


def _from_wheel(wish: str, built: dict[str, Built]) -> str:
    name, bracket, extra = wish.partition("[")
    return f"{name}{bracket}{extra} @ {built[name].wheel.as_uri()}"


def _install(environment: Environment, requirements: Sequence[str], constraints: Path) -> None:
    """With uv, where it is installed: it fills an environment from its cache in no time."""
    if importlib.util.find_spec("uv"):
        uv = [sys.executable, "-m", "uv", "--quiet"]
        _succeed([*uv, "venv", "--clear", "--python", sys.executable, environment.folder])
        into = [*uv, "pip", "install", "--python", environment.python]
    else:
        venv.create(environment.folder, clear=True, with_pip=True)
        into = [environment.python, "-m", "pip", "install", "--quiet"]
    _succeed([*into, "--constraint", constraints, *requirements])


def _succeed(command: Sequence[str | Path]) -> None:
    done = subprocess.run(
        command,
        env=clean_environ(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    shown = " ".join(map(str, command))
    assert done.returncode == 0, f"{shown}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="session")
def assistant() -> Iterator[dict[str, dict[str, Any]]]:
    """A running assistant: a connection to it for each protocol."""
    with assistant_in_background() as running:
        connections = demo_connections(running.url)
        named = ("demo-http", "demo-sse", "demo-websocket")
        yield {connections[name]["protocol"]: connections[name] for name in named}
