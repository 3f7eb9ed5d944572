"""What ``turnwire[speed]`` brings changes how long it takes, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.background import assistant_in_background
from turnwire.assistant import Assistant

WITHOUT = Path(__file__).parents[1] / "support" / "without_extras"

WELL = [{"verdict": "finished"}]

SUITE = {
    "name": "both ways",
    "connections": ["bot"],
    "tests": [
        {"name": "hello", "steps": [{"message": "Hello"}, {"message": "Thanks"}], "checks": WELL},
        {"name": "fails", "steps": [{"message": "Bye", "checks": [{"contains": "never"}]}]},
        {"name": "breaks", "steps": [{"message": "[fault=error] Hello"}], "checks": WELL},
    ],
}


@pytest.fixture(scope="module")
def assistant() -> Iterator[Assistant]:
    with assistant_in_background() as running:
        yield running


def run(folder: Path, *, extras: bool) -> tuple[int, list[dict[str, Any]]]:
    """The exit code and the run log of ``turnwire run`` in a process of its own."""
    environment = dict(os.environ)
    if not extras:
        environment["PYTHONPATH"] = str(WITHOUT)
    log = folder / f"extras-{extras}.jsonl"
    command = [sys.executable, "-m", "turnwire", "run", "--jobs=1", f"--log={log}"]
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, timeout=60, check=False
    )
    assert log.exists(), result.stderr
    return result.returncode, [json.loads(line) for line in log.read_text().splitlines()]


def told(entry: dict[str, Any]) -> Any:
    """An entry, without what is different each time: times, and what was drawn by lot."""
    kept = ("type", "content", "text", "index", "verdict", "error", "status", "events", "message")
    return {key: entry[key] for key in kept if key in entry}


@pytest.mark.parametrize("protocol", ["sse", "websocket"])
def test_a_run_comes_out_the_same_with_the_extras_and_without(
    tmp_path: Path, assistant: Assistant, protocol: str
) -> None:
    rules = {"contentPath": "content", "finishPath": "done", "finishValue": True}
    urls = {
        "sse": f"{assistant.url}/chat/stream",
        "websocket": f"{assistant.url.replace('http', 'ws', 1)}/ws",
    }
    connection = {"base_url": urls[protocol], "protocol": protocol, protocol: rules}
    (tmp_path / "turnwire.json").write_text(json.dumps({"connections": {"bot": connection}}))
    (tmp_path / "both.turnwire.json").write_text(json.dumps(SUITE))
    (code, entries), (plain_code, plain_entries) = (
        run(tmp_path, extras=True),
        run(tmp_path, extras=False),
    )
    assert code == plain_code
    assert [told(one) for one in entries] == [told(one) for one in plain_entries]
    assert sum(one["type"] == "stream_chunk" for one in entries) > 5


def test_the_extras_are_there_and_can_be_hidden() -> None:
    show = "from turnwire_core.reader import parsing; from turnwire.cli._running import _options; "
    show += "print(parsing.parse_quickly is parsing.parse_json, _options('asyncio'))"
    plain = subprocess.run(
        [sys.executable, "-c", show],
        env=os.environ | {"PYTHONPATH": str(WITHOUT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert plain.stdout == "True {'use_uvloop': False}\n"
    pytest.importorskip("orjson")
    pytest.importorskip("uvloop")
    quick = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    assert quick.stdout == "False {'use_uvloop': True}\n"
