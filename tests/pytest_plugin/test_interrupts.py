"""Ctrl-C in the middle of a suite."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

from support.pytest_runs import Project

HANGS = """
    connections: [demo-websocket]
    tests:
      - name: Never answers
        steps: [{message: "[fault=silent] Hello"}]
        checks: [{verdict: finished}]
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGINT for one process")
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_interrupted_run_ends_at_once_and_in_good_order(project: Project, backend: str) -> None:
    project.write(hangs__turnwire__yaml=HANGS)
    log = project.folder / "run.jsonl"
    options = ["--turnwire-log", log.name, "--turnwire-backend", backend, "-W", "error"]
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *project.arguments(options, ["turnwire"])],
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        deadline = time.monotonic() + 30
        while not (log.exists() and '"user_message"' in log.read_text()):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=15)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    assert "KeyboardInterrupt" in output
    assert "INTERNALERROR" not in output
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert [entry["type"] for entry in entries[-3:]] == [
        "assistant_reply",
        "connection_closed",
        "run_finished",
    ]
    assert entries[-3]["verdict"] == "cancelled"
    assert entries[-1]["outcome"] == "interrupted"
