"""`turnwire validate` finds everything that is wrong, in all files, and says where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from turnwire.cli import cli

GOOD = {"base_url": "http://127.0.0.1/chat"}


def config(folder: Path, name: str, connections: object) -> str:
    path = folder / name
    path.write_text(json.dumps({"connections": connections}, indent=1))
    return str(path)


def validate(*files: str) -> Result:
    return CliRunner().invoke(cli, ["validate", *files])


def test_a_good_file_is_ok_with_its_number_of_connections(tmp_path: Path) -> None:
    one = config(tmp_path, "one.json", {"a": GOOD})
    two = config(tmp_path, "two.json", {"a": GOOD, "b": GOOD})
    result = validate(one, two)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [f"{one}: ok, 1 connection", f"{two}: ok, 2 connections"]


def test_all_problems_of_all_files_come_with_line_path_and_advice(tmp_path: Path) -> None:
    bad = config(tmp_path, "bad.json", {"a": GOOD | {"protocl": "sse"}, "b": {"timeoutMs": -1}})
    good = config(tmp_path, "good.json", {"a": GOOD})
    worse = tmp_path / "worse.json"
    worse.write_text("{\n,}")
    result = validate(bad, good, str(worse))
    assert result.exit_code == 2
    assert result.stdout == f"{good}: ok, 1 connection\n"
    lines = result.stderr.splitlines()
    assert lines[0] == (
        f"{bad}:5: $.connections.a.protocl: Unknown key 'protocl'. Did you mean 'protocol'?"
    )
    assert any("$.connections.b.timeoutMs" in line for line in lines)
    assert any("'base_url' is missing" in line for line in lines)
    assert lines[-1].startswith(f"{worse}:2: ")


def test_a_driver_that_is_not_there_is_a_problem_of_its_connection(tmp_path: Path) -> None:
    file = config(tmp_path, "c.json", {"a": GOOD, "b": GOOD | {"protocol": "grpc"}})
    result = validate(file)
    assert result.exit_code == 2
    assert f"{file}: $.connections.b.protocol: No driver for protocol 'grpc'" in result.stderr
    assert "ok" not in result.stdout


def test_a_hostile_file_cannot_command_the_terminal(tmp_path: Path) -> None:
    file = config(tmp_path, "c.json", {"a\x1b[2J": GOOD | {"x\x9b": 1}})
    result = validate(file)
    assert result.exit_code == 2
    assert "\x1b" not in result.stderr
    assert "\x9b" not in result.stderr


@pytest.mark.parametrize("name", ["none.json", "none.txt"])
def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path, name: str) -> None:
    result = validate(str(tmp_path / name))
    assert result.exit_code == 2
    assert name in result.stderr


def test_at_least_one_file_is_needed() -> None:
    assert validate().exit_code == 2
