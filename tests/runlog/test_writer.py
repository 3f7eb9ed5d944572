"""The run log is written at once, never in the way, and never lies."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from turnwire.runlog import RunLogError, RunLogWriter, read_log
from turnwire.runlog.entries import RunStarted, StreamChunk


def chunk(index: int, text: str = "text") -> StreamChunk:
    return StreamChunk(
        t=0.5, run="r", conversation="c1", turn=0, index=index, text=text, offset_ms=1.5
    )


def started() -> RunStarted:
    return RunStarted(
        t=0.0,
        run="r",
        command="chat",
        started="2026-01-01T00:00:00+00:00",
        turnwire="1",
        core="1",
        python="3",
        platform="p",
        drivers={},
    )


def test_what_was_drained_is_in_the_file_before_it_is_closed(tmp_path: Path) -> None:
    with RunLogWriter(tmp_path / "log.jsonl") as writer:
        writer.write(started())
        writer.write(chunk(0))
        assert writer.drain(10)
        assert [entry.type for entry in read_log(writer.path)] == ["run_started", "stream_chunk"]


def test_entries_keep_their_order_whoever_writes_them(tmp_path: Path) -> None:
    with RunLogWriter(tmp_path / "log.jsonl") as writer:
        writer.write(started())
        for index in range(500):
            writer.write(chunk(index))
    indexes = [entry.index for entry in read_log(writer.path) if isinstance(entry, StreamChunk)]
    assert indexes == list(range(500))


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    with RunLogWriter(tmp_path / "log.jsonl") as writer:
        assert stat.S_IMODE(writer.path.stat().st_mode) == 0o600


def test_a_log_that_is_there_is_never_touched(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("precious")
    with pytest.raises(RunLogError, match="exists already"):
        RunLogWriter(path)
    assert path.read_text() == "precious"


def test_folders_are_made_and_what_stands_in_the_way_is_named(tmp_path: Path) -> None:
    with RunLogWriter(tmp_path / "a" / "b" / "log.jsonl") as writer:
        assert writer.path.exists()
    (tmp_path / "file").touch()
    with pytest.raises(RunLogError, match=r"Cannot create the run log .*file/log"):
        RunLogWriter(tmp_path / "file" / "log.jsonl")


def test_a_full_disk_stops_the_log_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = RunLogWriter(tmp_path / "log.jsonl")
    writer.write(started())
    assert writer.drain(10)
    real_write = os.write

    def full(descriptor: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", real_write)
        real_write(descriptor, data[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    writer.write(chunk(0))
    assert writer.drain(10)
    writer.write(chunk(1))
    assert writer.drain(10)
    with pytest.raises(RunLogError, match="is incomplete: No space left on device"):
        writer.close()
    # Nothing follows the broken line, so the log still reads.
    assert [entry.type for entry in read_log(writer.path)] == ["run_started"]


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real_write(descriptor, data[:7]))
    with RunLogWriter(tmp_path / "log.jsonl") as writer:
        writer.write(started())
        writer.write(chunk(0, "äöü" * 50))
    entries = list(read_log(writer.path))
    assert isinstance(entries[1], StreamChunk)
    assert entries[1].text == "äöü" * 50


def test_a_disk_that_hangs_does_not_hold_up_who_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    real_write = os.write

    def slow(descriptor: int, data: bytes) -> int:
        assert release.wait(30)
        return real_write(descriptor, data)

    monkeypatch.setattr(os, "write", slow)
    with RunLogWriter(tmp_path / "log.jsonl") as writer:
        writer.write(started())
        for index in range(100):
            writer.write(chunk(index))  # returns, though nothing was written yet
        assert not writer.drain(0.01)
        release.set()
    assert sum(1 for _ in read_log(writer.path)) == 101


def test_closing_twice_is_no_error(tmp_path: Path) -> None:
    writer = RunLogWriter(tmp_path / "log.jsonl")
    writer.close()
    writer.close()
    assert writer.drain()


def test_a_log_can_go_into_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    with RunLogWriter(pipe) as writer:
        writer.write(started())
    reader.join(30)
    assert received[0].startswith(b'{"type":"run_started","schemaVersion":1,')


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from test_writer import chunk, started
from turnwire.runlog import RunLogWriter
writer = RunLogWriter(Path(sys.argv[1]))
writer.write(started())
for index in range(200):
    writer.write(chunk(index))
assert writer.drain(30)
print("drained", flush=True)
index = 200
while True:
    writer.write(chunk(index))
    index += 1
    if index % 100 == 0:
        writer.drain(30)
"""


def test_a_killed_process_loses_nothing_that_was_drained(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    script = KILLED.format(folder=str(Path(__file__).parent))
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"drained\n"
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    indexes = [entry.index for entry in read_log(path) if isinstance(entry, StreamChunk)]
    assert len(indexes) >= 200
    assert indexes == list(range(len(indexes)))
