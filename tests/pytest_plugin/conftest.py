"""A project in which pytest is run inside of pytest."""

from __future__ import annotations

import importlib

import pytest

from support.pytest_runs import Project

_KEPT = (
    *("anyio._backends._asyncio", "anyio._backends._trio", "ruamel.yaml", "turnwire.assistant"),
    *("turnwire.pytesting.collecting", "turnwire.pytesting.connections"),
    *("turnwire.pytesting.watching", "turnwire_http_chat.plugin", "turnwire_sse.plugin"),
    *("turnwire_websocket.plugin", "xml.etree.ElementTree"),
)
"""What pytester would have imported anew for each test, because it puts ``sys.modules`` back."""


@pytest.fixture(scope="session")
def _imported() -> None:
    for name in _KEPT:
        importlib.import_module(name)


@pytest.fixture
def project(_imported: None, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(pytester, monkeypatch)
