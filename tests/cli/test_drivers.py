"""`turnwire drivers` lists what is installed and never fails over a broken one."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from turnwire.cli import cli


def drivers(*options: str) -> Result:
    return CliRunner().invoke(cli, ["drivers", *options])


@pytest.fixture
def broken_driver(tmp_path: Path) -> Iterator[None]:
    """A distribution whose driver cannot be imported."""
    (tmp_path / "turnwire_broken.py").write_text("raise RuntimeError('no \\x1b[2J luck')\n")
    info = tmp_path / "turnwire_broken-3.2.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: turnwire-broken\nVersion: 3.2.1\n")
    (info / "entry_points.txt").write_text("[turnwire.drivers]\nodd = turnwire_broken\n")
    sys.path.insert(0, str(tmp_path))
    importlib.invalidate_caches()
    yield
    sys.path.remove(str(tmp_path))
    sys.modules.pop("turnwire_broken", None)


def test_our_own_are_listed_with_distribution_and_version() -> None:
    result = drivers("--check")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines() if "─" not in line]
    assert rows[0] == ["protocol", "distribution", "version", "status"]
    version = importlib.metadata.version("turnwire-sse")
    assert ["sse", "turnwire-sse", version, "ok"] in rows
    assert [row[0] for row in rows[1:]] == ["http_chat", "sse", "websocket"]


@pytest.mark.usefixtures("broken_driver")
def test_a_broken_one_is_shown_with_its_cause_and_fails_only_the_check() -> None:
    result = drivers()
    assert result.exit_code == 0
    (row,) = [line for line in result.stdout.splitlines() if line.startswith("odd ")]
    assert "turnwire-broken" in row
    assert "3.2.1" in row
    assert "RuntimeError: no ␛[2J luck" in row
    assert drivers("--check").exit_code == 4


@pytest.mark.usefixtures("broken_driver")
def test_json_is_one_driver_a_line() -> None:
    records = {
        record["protocol"]: record
        for record in map(json.loads, drivers("--json").stdout.splitlines())
    }
    assert records["sse"]["ok"] is True
    assert records["sse"]["error"] is None
    assert records["odd"]["ok"] is False
    assert "no \x1b[2J luck" in records["odd"]["error"]
    assert records["odd"]["distributions"] == [{"name": "turnwire-broken", "version": "3.2.1"}]


def test_an_installation_without_drivers_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("turnwire_core.plugins.announced", lambda group: ())
    result = drivers()
    assert result.exit_code == 0
    assert result.stdout == ""
    assert 'pip install "turnwire[all]"' in result.stderr
