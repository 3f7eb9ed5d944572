"""`turnwire replay` and `run --replay`: recordings in place of targets."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.request import Request, urlopen

import pytest

from support.background import assistant_in_background
from support.command_line import invoke
from turnwire.recordings import load_recordings
from turnwire.runlog import read_log
from turnwire.runlog.entries import RunStarted

Config = Callable[..., None]

SUITE = """\
connections: [bot]
tests:
  - name: Thanks
    steps:
      - message: Thanks
        checks: [{contains: welcome}]
"""

TIMED = """\
connections: [bot]
tests:
  - name: Thanks
    steps:
      - message: Thanks
        checks:
          - contains: welcome
          - first_token_ms: 60000
          - latency_ms: 60000
          - max_gap_ms: 60000
          - gap_ms: 60000
          - chars_per_s: 0.001
          - streams: {minArrivals: 2, minSpreadShare: 0, maxBurstShare: 1}
          - event_within: {name: message, ms: 60000}
checks:
  - percentiles: {metric: latencyMs, max: 60000, minSamples: 1}
"""

TIME_CHECKS = 8


@pytest.fixture
def gone(folder: Path) -> None:
    """A connection ``bot`` to an assistant that has gone; conversations with it in ./tapes."""
    with assistant_in_background() as assistant:
        settings = {
            "base_url": f"{assistant.url}/chat/stream",
            "protocol": "sse",
            "sse": {"contentPath": "content", "finishPath": "done"},
        }
        (folder / "turnwire.json").write_text(json.dumps({"connections": {"bot": settings}}))
        (folder / "shop.turnwire.yaml").write_text(SUITE)
        assert invoke("chat", "bot", "Thanks", "--record", "tapes").exit_code == 0
        assert invoke("run", "--record", "tapes").exit_code == 0
    (folder / "shop.turnwire.yaml").unlink()


@pytest.mark.usefixtures("gone")
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_recording_is_shown_as_chat_shows_a_turn(backend: str) -> None:
    tape = "tapes/bot.recording.jsonl"
    result = invoke("replay", tape, "--speed", "max", "--backend", backend)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "You are welcome!\n"
    assert result.stderr.startswith("sse  finished  firstTokenMs ")
    assert "When it was recorded" not in result.stderr


@pytest.mark.usefixtures("gone")
def test_a_folder_is_played_one_after_the_other_and_can_be_logged(folder: Path) -> None:
    result = invoke("replay", "tapes", "--speed", "max", "--cut", "every", "--log", "r.jsonl")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "You are welcome!\n" * 2
    assert "\nshop::thanks[bot] (shop-thanks-bot.recording.jsonl)\n" in result.stderr
    started = next(read_log(folder / "r.jsonl"))
    assert isinstance(started, RunStarted)
    assert started.command == "replay"
    assert started.replay == {"from": "tapes", "speed": "max", "cut": "1"}


@pytest.mark.usefixtures("gone")
def test_what_is_not_as_it_was_is_said(folder: Path) -> None:
    config = json.loads((folder / "turnwire.json").read_text())
    config["connections"]["bot"]["sse"]["contentPath"] = "sessionId"
    (folder / "turnwire.json").write_text(json.dumps(config))
    result = invoke("replay", "tapes/bot.recording.jsonl", "--speed", "max")
    assert result.exit_code == 0
    assert result.stdout == "session-1\n"
    assert "When it was recorded, its text was 'You are welcome!', it had" in result.stderr
    assert "It was recorded over" not in result.stderr

    config["connections"]["bot"] = {"base_url": "http://a.example/", "responseFieldPath": "reply"}
    (folder / "turnwire.json").write_text(json.dumps(config))
    result = invoke("replay", "tapes/bot.recording.jsonl", "--speed", "max")
    assert result.exit_code == 3
    assert "It was recorded over sse, and is read over http_chat" in result.stderr


@pytest.mark.usefixtures("gone")
def test_a_suite_runs_on_recordings_without_a_target(folder: Path) -> None:
    (folder / "shop.turnwire.yaml").write_text(SUITE)
    result = invoke("run", "--replay", "tapes", "--speed", "max", "--log", "r.jsonl")
    assert result.exit_code == 0, result.stderr
    started = next(read_log(folder / "r.jsonl"))
    assert isinstance(started, RunStarted)
    assert started.replay == {"from": "tapes", "speed": "max", "cut": "reads", "trustTimes": False}
    assert "These times are of a replay of tapes (speed max), not of a target." in result.stderr


@pytest.mark.usefixtures("gone")
def test_a_test_that_was_not_recorded_gets_what_its_connection_said_in_a_chat(
    folder: Path,
) -> None:
    (folder / "shop.turnwire.yaml").write_text(SUITE.replace("name: Thanks", "name: New"))
    result = invoke("run", "--replay", "tapes", "--speed", "max")
    assert result.exit_code == 0, result.stderr


@pytest.mark.usefixtures("gone")
def test_a_test_of_which_there_is_no_recording_is_an_error_that_says_so(folder: Path) -> None:
    (folder / "tapes" / "bot.recording.jsonl").unlink()
    (folder / "shop.turnwire.yaml").write_text(SUITE.replace("name: Thanks", "name: New"))
    result = invoke("run", "--replay", "tapes", "--speed", "max")
    assert result.exit_code == 2
    assert "There is no recording of test 'shop::new[bot]' in tapes." in result.stderr


@pytest.mark.usefixtures("gone")
def test_checks_on_times_refuse_a_replay_unless_it_is_trusted(folder: Path) -> None:
    (folder / "shop.turnwire.yaml").write_text(TIMED)
    result = invoke("run", "--replay", "tapes", "--speed", "max", "--log", "r.jsonl")
    assert result.exit_code == 2
    assert "say --trust-replayed-times" in result.stderr
    checks = [entry.to_json() for entry in read_log(folder / "r.jsonl")]
    refused = [one for one in checks if one["type"] == "check" and one["status"] == "error"]
    assert len(refused) == TIME_CHECKS
    assert {one["failure"] for one in refused} == {"config"}
    trusted = invoke("run", "--replay", "tapes", "--trust-replayed-times")
    assert trusted.exit_code == 0, trusted.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("run", "--speed", "2"), "--speed is for --replay."),
        (("run", "--cut", "every"), "--cut is for --replay."),
        (("run", "--trust-replayed-times"), "--trust-replayed-times is for --replay."),
        (("run", "--replay", ".", "--record", "x"), "--record and --replay do not go together"),
        (("run", "--replay", ".", "--speed", "soon"), "'soon': a speed is a number"),
        (("replay", ".", "--cut", "0"), "'0': it is reads, every, a number of bytes"),
        (("replay", ".", "--port", "9"), "--port is for --serve."),
        (("replay", "."), "There are no recordings in ."),
    ],
)
def test_what_makes_no_sense_is_said(
    folder: Path, arguments: tuple[str, ...], problem: str
) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert problem in result.stderr


@pytest.mark.usefixtures("gone")
def test_a_recording_can_be_a_server_for_other_tools() -> None:
    command = [sys.executable, "-m", "turnwire", "replay", "tapes/bot.recording.jsonl"]
    with subprocess.Popen(
        [*command, "--serve", "--speed", "max"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        try:
            assert url.startswith("http://127.0.0.1:")
            assert url.endswith("/chat/stream")
            for _ in range(3):  # more often than it was recorded
                asked = Request(url, data=b'{"message": "Thanks"}')
                with urlopen(asked, timeout=20) as answer:
                    assert answer.headers["Content-Type"] == "text/event-stream"
                    assert b'data: {"content":"You "}' in answer.read()
        finally:
            server.terminate()


class Counting(BaseHTTPRequestHandler):
    """A target, a judge and a page to call; how often they were asked is counted."""

    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.asked.append(self.path)
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        said = '{"pass": true, "score": 1}' if self.path == "/judge" else "You are welcome!"
        body = json.dumps({"reply": said}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nothing on stderr."""


def test_judges_and_calls_of_a_test_are_recorded_and_played_too(folder: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    url = f"http://127.0.0.1:{server.server_port}"
    suite = {
        "connections": {
            "bot": {"base_url": f"{url}/chat", "responseFieldPath": "reply"},
            "judge": {"base_url": f"{url}/judge", "responseFieldPath": "reply"},
        },
        "judge": "judge",
        "tests": [
            {
                "name": "Judged",
                "steps": [
                    {"request": {"method": "POST", "url": f"{url}/orders", "body": {}}},
                    {"message": "Thanks", "checks": [{"judge": "It is polite."}]},
                ],
            }
        ],
    }
    (folder / "shop.turnwire.json").write_text(json.dumps(suite))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        result = invoke("run", "--connection", "bot", "--record", "tapes")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert result.exit_code == 0, result.stderr
    assert sorted(Counting.asked) == ["/chat", "/judge", "/orders"]
    recordings = load_recordings(folder / "tapes")
    assert sorted(one.role for one in recordings) == ["judge", "request", "target"]
    result = invoke("run", "--connection", "bot", "--replay", "tapes", "--speed", "max")
    assert result.exit_code == 0, result.stderr
    assert len(Counting.asked) == 3
