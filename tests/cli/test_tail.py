"""`turnwire tail`: a run log as lines for people, also while it is being written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.command_line import invoke
from turnwire.runlog import RunLog, RunLogWriter, log_path, read_log
from turnwire.runlog.entries import (
    ENTRY_TYPES,
    ConnectionOpened,
    StreamChunk,
    TestFinished,
    TestStarted,
    entry_from_json,
)
from turnwire.runlog.following import FollowedLog

Config = Callable[..., None]

SUITE = """\
connections: [bot]
tests:
  - name: Thanks
    steps:
      - message: Thanks
        checks: [{contains: welcome}]
  - name: Wrong
    steps:
      - message: Thanks
        checks: [{contains: sorry}]
"""

TEST = "shop::a[bot]"


@pytest.fixture
def log(config: Config, folder: Path) -> Path:
    """The log of a run in which one test passed and one failed."""
    config()
    (folder / "shop.turnwire.yaml").write_text(SUITE)
    assert invoke("run", "--jobs", "1", "--log", "run.jsonl").exit_code == 1
    return folder / "run.jsonl"


def test_a_run_that_is_over_is_told_test_by_test(log: Path) -> None:
    result = invoke("tail", "run.jsonl")
    assert result.exit_code == 0, result.stderr
    lines = [line.split(" s  ", 1)[1] for line in result.stdout.splitlines()]
    assert lines[0].startswith("starts: turnwire run, shop.turnwire.yaml, 1 at once, seed ")
    assert lines[1] == "begins   shop::thanks[bot]"
    assert lines[2].startswith("shop::thanks[bot] turn 1  finished  firstTokenMs ")
    assert lines[3].startswith("passed   shop::thanks[bot]  ")
    assert lines[6].startswith("failed   shop::wrong[bot]  ")
    assert lines[7].startswith('    contains: expected a text with "sorry"')
    assert lines[8] == "completed: 1 passed, 1 failed, exit code 1"
    assert len(lines) == 9


def test_more_of_it_is_shown_with_v_and_all_of_it_with_vv(log: Path) -> None:
    shown = invoke("tail", "run.jsonl", "-v").stdout
    assert "shop::thanks[bot] turn 1  > Thanks\n" in shown
    assert ' ms  "You "\n' in shown
    assert "check    shop::thanks[bot]  contains: passed\n" in shown
    assert "connection_opened" not in shown
    assert '"type":"connection_opened"' in invoke("tail", "run.jsonl", "-vv").stdout
    # With -vv there is a line for each entry, at least.
    lines = invoke("tail", "run.jsonl", "-vv").stdout.splitlines()
    assert len(lines) >= len(list(read_log(log)))


def test_the_newest_log_of_a_folder_is_taken(log: Path, folder: Path) -> None:
    (folder / "runs").mkdir()
    os.utime(log, ns=(1, 1))
    log.rename(folder / "runs" / "old.jsonl")
    with RunLog(folder / "runs" / "new.jsonl", command="chat"):
        pass
    (folder / "runs" / "newer.recording.jsonl").write_text("no log\n")
    assert "starts: turnwire chat" in invoke("tail").stdout


def test_a_killed_run_is_said_to_be_one(log: Path, folder: Path) -> None:
    kept = log.read_bytes().splitlines(keepends=True)[:3]
    (folder / "cut.jsonl").write_bytes(b"".join(kept) + b'{"type": "assistant_re')
    result = invoke("tail", "cut.jsonl")
    assert result.exit_code == 0
    assert "begins   shop::thanks[bot]" in result.stdout
    assert result.stderr == ("cut.jsonl has no end, and nobody writes it: the run was killed.\n")


def test_what_is_not_there_or_no_log_is_said(folder: Path) -> None:
    assert "x.jsonl does not exist. --wait waits for one." in invoke("tail", "x.jsonl").stderr
    (folder / "runs").mkdir()
    assert "There is no run log in runs. --wait" in invoke("tail").stderr
    (folder / "y.jsonl").write_text("{}\n")
    result = invoke("tail", "y.jsonl")
    assert result.exit_code == 2
    assert "y.jsonl:1: not a run log" in result.stderr


def test_a_run_in_progress_is_followed_from_before_its_log_is_there(folder: Path) -> None:
    command = [sys.executable, "-m", "turnwire", "tail", "run.jsonl", "--wait", "-v"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        assert process.stdout is not None
        with RunLog(folder / "run.jsonl", command="run") as log:
            assert "starts: turnwire run" in process.stdout.readline()
            log.write(
                TestStarted(
                    t=log.now, run=log.run, test=TEST, suite="shop", name="a", connection="bot"
                )
            )
            assert process.stdout.readline().endswith(f"begins   {TEST}\n")
            log.write(chunk(log, "\x1b[31mred"))
            # It is made harmless on the way.
            assert process.stdout.readline().endswith('"\\u001b[31mred"\n')
        assert "completed: 0 turns, 0 failed" in process.stdout.readline()
        assert process.stdout.readline() == ""
        assert process.wait(20) == 0


def chunk(log: RunLog, text: str) -> StreamChunk:
    return StreamChunk(
        t=log.now,
        run=log.run,
        conversation="c1",
        test=TEST,
        turn=0,
        index=0,
        text=text,
        offset_ms=1.5,
    )


def test_a_line_is_read_when_it_is_whole_also_if_half_of_it_was_cut_off(tmp_path: Path) -> None:
    path = log_path(str(tmp_path / "run.jsonl"), "run")
    with RunLog(path, command="run") as log, FollowedLog(path) as followed:
        log.write(chunk(log, "a"))
        log_drained(log)
        assert [one.type for one in followed.read()] == ["run_started", "stream_chunk"]
        assert followed.read() == []
        assert followed.is_written()
        with path.open("ab") as file:
            file.write(b'{"type":"stream_')
        assert followed.read() == []
        os.truncate(path, path.stat().st_size - 16)
        log.write(chunk(log, "b"))
        log_drained(log)
        (entry,) = followed.read()
        assert isinstance(entry, StreamChunk)
        assert entry.text == "b"
    with FollowedLog(path) as followed:
        assert not followed.is_written()


def log_drained(log: RunLog) -> None:
    writer = log._writer
    assert isinstance(writer, RunLogWriter)
    assert writer.drain(10)


def test_every_entry_that_there_is_can_be_shown(tmp_path: Path, folder: Path) -> None:
    with RunLog(folder / "run.jsonl", command="run") as log:
        for kind in ENTRY_TYPES.values():
            if kind.type not in ("run_started", "run_finished"):
                log.write(entry_from_json({"type": kind.type, **kind.example}))
        log.write(entry_from_json({"type": "weather", "t": 1.0, "run": "r", "is": "fine"}))
    result = invoke("tail", "run.jsonl", "-vv")
    assert result.exit_code == 0, result.stderr
    assert '"type":"weather"' in result.stdout
    assert "weather" not in invoke("tail", "run.jsonl", "-v").stdout


def test_what_only_helps_is_told_apart_and_with_v_only(folder: Path) -> None:
    with RunLog(folder / "run.jsonl", command="run") as log:
        ids = {"t": log.now, "run": log.run, "conversation": "c1", "test": TEST}
        log.write(ConnectionOpened(**ids, connection="j", protocol="sse", origin="u", role="judge"))
        log.write(chunk(log, "yes"))
        log.write(
            TestFinished(
                t=log.now, run=log.run, test=TEST, status="passed", duration_ms=1.0, turns=1
            )
        )
    assert f"{TEST} (helper) turn 1" in invoke("tail", "run.jsonl", "-v").stdout
    assert "helper" not in invoke("tail", "run.jsonl").stdout
