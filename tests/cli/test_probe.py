"""``turnwire probe``: what stands where, in which form, and with which exit code."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from support.command_line import invoke

CONFIG = Callable[..., None]


def test_a_connection_that_works_is_ticked_off_step_by_step(config: CONFIG) -> None:
    config()
    result = invoke("probe", "bot", "Hello")
    assert result.exit_code == 0, result.output
    names = [line.split("  ")[0] for line in result.stdout.splitlines()]
    assert names == [
        *("config", "proxy", "name resolution", "tcp", "tls", "answer", "content type"),
        *("first event", "content", "finish", "second turn", "close"),
    ]
    assert result.stderr.startswith("It works")


def test_json_is_one_object_with_every_step(config: CONFIG) -> None:
    config()
    result = invoke("probe", "bot", "--json", "--once")
    data = json.loads(result.stdout)
    assert data["ok"] is True
    assert data["failedAt"] is None
    assert len(data["steps"]) == 12
    assert {step["name"] for step in data["steps"] if step["status"] == "skipped"} == {
        *("tls", "second_turn")
    }


def test_a_wrong_path_is_the_configs_fault(config: CONFIG) -> None:
    config(sse={"contentPath": "contnt", "finishPath": "done"})
    result = invoke("probe", "bot")
    assert result.exit_code == 2
    assert "contentPath `contnt` matched 0 of" in result.stdout
    assert "nearest: `content`" in result.stdout
    assert result.stderr == "It ends at: content.\n"


def test_a_target_that_is_not_there_is_the_targets_fault(config: CONFIG) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # nobody listens on it, and nobody else gets it
        config(base_url=f"http://127.0.0.1:{held.getsockname()[1]}/")
        result = invoke("probe", "bot", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["failedAt"] == "tcp"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nobody"], 2, "There is no connection 'nobody'"),
        (["bot", " "], 2, "The message is empty."),
        (["demo-nothing"], 2, "There is no built-in connection"),
    ],
)
def test_what_cannot_be_probed_is_said(
    config: CONFIG, arguments: list[str], code: int, said: str
) -> None:
    config()
    result = invoke("probe", *arguments)
    assert result.exit_code == code
    assert said in result.output


def test_a_missing_driver_is_a_plugins_fault(folder: Path) -> None:
    connection = {"base_url": "http://127.0.0.1/", "protocol": "nobodys"}
    (folder / "turnwire.json").write_text(json.dumps({"connections": {"bot": connection}}))
    result = invoke("probe", "bot")
    assert result.exit_code == 4
    assert "No driver for protocol 'nobodys'" in result.stdout


def test_the_bytes_can_be_watched(config: CONFIG) -> None:
    config(headers={"X-Key": "${TW_PROBE_KEY}"})
    result = invoke("probe", "bot", "--once", "-vv", env={"TW_PROBE_KEY": "a-very-secret-key"})
    assert result.exit_code == 0
    assert "→ request" in result.stderr
    assert "← response" in result.stderr
    assert "a-very-secret-key" not in result.output
