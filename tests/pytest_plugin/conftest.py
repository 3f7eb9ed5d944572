"""A project in which pytest is run inside of pytest."""

from __future__ import annotations

import pytest

from support.pytest_runs import Project


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(pytester, monkeypatch)
