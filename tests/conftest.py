"""Every test of I/O runs on asyncio and on trio: `pytest.mark.anyio` and this fixture."""

from __future__ import annotations

import os

import pytest

# What a machine or its CI says about itself, and what would then be printed otherwise: pytest shows
# whole summary lines where CI is set, rich takes FORCE_COLOR at its word. Also for child processes.
_OF_THE_MACHINE = (
    "BUILD_NUMBER",
    "CI",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
    "FORCE_COLOR",
    "GITHUB_ACTIONS",
    "GITHUB_STEP_SUMMARY",
    "NO_COLOR",
    "PYTEST_ADDOPTS",
    "PY_COLORS",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
)


def pytest_configure() -> None:
    for name in _OF_THE_MACHINE:
        os.environ.pop(name, None)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy variable of the machine must not come between a test and its server."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
