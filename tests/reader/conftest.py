"""Every test of the reader is run with orjson and without: what comes out must be the same."""

from __future__ import annotations

import pytest

from turnwire_core.reader import parsing, rules


@pytest.fixture(autouse=True, params=["orjson", "json"])
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "orjson":
        pytest.importorskip("orjson")
        monkeypatch.setattr(rules, "parse_quickly", parsing.parse_quickly)
    else:
        monkeypatch.setattr(rules, "parse_quickly", parsing.parse_json)
