"""Both ways that HTTP takes: tests that ask for ``http_path`` run over each of them.

Where all tests of a folder should, its conftest makes the fixture its own, and automatic.
"""

from __future__ import annotations

import pytest

from turnwire_core.http._transport import Transport


@pytest.fixture(params=["direct", "stock"])
def http_path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether requests go straight to the target, or all of them through httpcore."""
    monkeypatch.setattr(Transport, "direct", request.param == "direct")
    return str(request.param)
