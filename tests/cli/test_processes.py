"""The command as a process: pipes, Ctrl-C, and being killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.command_line import without_blame
from turnwire.runlog import read_log
from turnwire.runlog.entries import AssistantReply, RunFinished, StreamChunk

Config = Callable[..., None]

COMMAND = [sys.executable, "-m", "turnwire"]


def start(*args: str, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )


def run(*args: str, text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *args], input=text, capture_output=True, text=True, check=False, timeout=60
    )


def test_each_line_of_a_pipe_is_a_turn_of_one_conversation(config: Config) -> None:
    config()
    result = run("chat", "bot", text="My name is Zoë\r\n\nWho am I?")
    assert result.returncode == 0, result.stderr
    assert result.stdout == ("Nice to meet you, Zoë. What can I do for you?\nYour name is Zoë.\n")
    assert result.stderr.count("finished") == 2
    assert "> " not in result.stderr


def test_a_piped_conversation_stops_at_the_first_turn_that_fails(config: Config) -> None:
    config()
    result = run("chat", "bot", text="Thanks\n[fault=error] Hello\nThanks\n")
    assert result.returncode == 3
    assert result.stdout.count("You are welcome!") == 1
    assert without_blame(result.stderr).count("firstTokenMs") == 2


def test_a_conversation_can_come_from_a_file(config: Config, folder: Path) -> None:
    config()
    (folder / "lines.txt").write_text("Thanks\nBye\n")
    with (folder / "lines.txt").open() as lines, start("chat", "bot", stdin=lines) as process:
        out, _ = process.communicate(timeout=60)
    assert out.decode().splitlines() == [
        "You are welcome!",
        "Goodbye, and thank you for calling in.",
    ]
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("backend", "ending"),
    [("asyncio", signal.SIGINT), ("trio", signal.SIGINT), ("asyncio", signal.SIGTERM)],
)
def test_an_interrupt_during_a_reply_keeps_what_had_come_and_closes_the_log(
    config: Config, folder: Path, backend: str, ending: signal.Signals
) -> None:
    config("?gap_ms=20000")
    with start("chat", "bot", "hello", "--log", "run.jsonl", "--backend", backend) as process:
        assert process.stdout is not None
        assert process.stdout.read(6) == b"Hello!"
        process.send_signal(ending)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.decode().strip() == "Interrupted."
    entries = list(read_log(folder / "run.jsonl"))
    (reply,) = [entry for entry in entries if isinstance(entry, AssistantReply)]
    assert (reply.verdict, reply.ok, reply.content) == ("cancelled", False, "Hello! ")
    assert isinstance(entries[-1], RunFinished)
    assert entries[-1].outcome == "interrupted"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_ctrl_c_while_nothing_is_typed_ends_the_conversation(config: Config, backend: str) -> None:
    config()
    with start("chat", "bot", "--backend", backend, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"Thanks\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"You are welcome!\n"
        process.send_signal(signal.SIGINT)
        process.wait(60)
    assert process.returncode == 130


def test_a_killed_process_leaves_every_turn_that_it_had_reported(
    config: Config, folder: Path
) -> None:
    config()
    with start("chat", "bot", "--log", "run.jsonl", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b"Thanks\n[gap_ms=20000] hello\n")
        process.stdin.flush()
        assert b"finished" in process.stderr.readline()
        assert process.stdout is not None
        assert process.stdout.read(len("You are welcome!\nHello!")).endswith(b"Hello!")
        process.kill()
        process.wait(60)
    entries = list(read_log(folder / "run.jsonl"))
    (reply,) = [entry for entry in entries if isinstance(entry, AssistantReply)]
    assert (reply.turn, reply.content) == (0, "You are welcome!")
    chunks = [entry.text for entry in entries if isinstance(entry, StreamChunk) and entry.turn == 1]
    assert chunks in ([], ["Hello! "])


def test_a_reader_that_goes_away_is_no_crash(config: Config) -> None:
    config("?gap_ms=50")
    with start("chat", "bot", "hello") as process:
        assert process.stdout is not None
        process.stdout.read(1)
        process.stdout.close()
        process.wait(60)
        assert process.stderr is not None
        err = process.stderr.read().decode()
    assert process.returncode == 141
    assert "Traceback" not in err
    assert "Error" not in err


def test_output_that_nobody_reads_is_no_failed_check() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(
        [*COMMAND, "schema"], stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60
    )
    os.close(writing)
    assert process.returncode == 141
    assert process.stderr == b""


def test_a_person_is_prompted_and_ends_with_ctrl_d(config: Config) -> None:
    config()
    ours, theirs = os.openpty()
    process = start("chat", "bot", stdin=theirs)
    os.close(theirs)
    try:
        os.write(ours, b"Thanks\n")
        assert process.stdout is not None
        assert process.stdout.readline() == b"You are welcome!\n"
        os.write(ours, b"\x04")
        _, err = process.communicate(timeout=60)
    finally:
        os.close(ours)
        process.kill()
    assert process.returncode == 0
    assert "Talking to bot (sse, http://127.0.0.1:" in err.decode()
    assert err.decode().count("> ") == 2
