"""Every test of a folder over both ways that HTTP takes: import the fixture into its conftest."""

from __future__ import annotations

import pytest

from turnwire_core.http._transport import Transport


@pytest.fixture(autouse=True, params=["direct", "stock"])
def http_path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether requests go straight to the target, or all of them through httpcore."""
    monkeypatch.setattr(Transport, "direct", request.param == "direct")
    return str(request.param)
