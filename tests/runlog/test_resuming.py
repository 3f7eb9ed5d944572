"""A run log that goes on: appended to under a check, and read as far as it came."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire.runlog import (
    RunLog,
    RunLogError,
    RunLogWriter,
    RunPlan,
    read_log,
    read_progress,
)
from turnwire.runlog.entries import (
    AssistantReply,
    ConnectionOpened,
    Entry,
    TestFinished,
    TestStarted,
    UserMessage,
)
from turnwire_core import Verdict


def finished(test: str, status: str = "passed", run: str = "r") -> TestFinished:
    return TestFinished(
        t=1.0, run=run, test=test, status=status, failure=None, error=None, duration_ms=5.0, turns=1  # type: ignore[arg-type] # one of those
    )  # fmt: skip


def started(test: str, run: str = "r") -> TestStarted:
    return TestStarted(t=0.5, run=run, test=test, suite="shop", name=test, connection="bot")


def turn(test: str, content: str, *, run: str = "r", role: str = "target") -> list[Entry]:
    ids = {"t": 0.6, "run": run, "conversation": f"{test}-{role}", "test": test}
    return [
        ConnectionOpened(**ids, connection="bot", protocol="sse", origin="http://h", role=role),
        UserMessage(**ids, turn=0, content="Hi"),
        AssistantReply(
            **ids,
            turn=0,
            content=content,
            latency_ms=12.5,
            protocol="sse",
            stream_chunks=2,
            first_token_ms=3.0,
            verdict="finished",
            ok=True,
            metrics={
                "durationMs": 13.0,
                "latencyMs": 12.5,
                "chunkOffsetsMs": [3.0, 12.0],
                "new": 1,
            },
        ),
    ]


def write(path: Path, *entries: Entry, plan: RunPlan | None = None, resume: bool = False) -> Path:
    with RunLog(path, command="run", plan=plan or RunPlan(), resume=resume) as log:
        for entry in entries:
            log.write(entry)
    return path


def test_a_resumed_log_holds_both_runs(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", finished("a"))
    write(path, finished("b"), resume=True)
    types = [entry.type for entry in read_log(path)]
    assert types == ["run_started", "test_finished", "run_finished"] * 2
    first, second = [entry for entry in read_log(path) if entry.type == "run_started"]
    assert (first.to_json()["resumed"], second.to_json()["resumed"]) == (False, True)
    assert first.run != second.run


@given(cut=st.integers(min_value=1, max_value=100_000), filling=st.integers(0, 70_000))
@settings(max_examples=30, deadline=None)
def test_half_a_line_is_cut_off_before_anything_is_appended(
    tmp_path_factory: pytest.TempPathFactory, cut: int, filling: int
) -> None:
    path = write(tmp_path_factory.mktemp("log") / "log.jsonl", finished("a" * (filling + 1)))
    whole = path.read_bytes()
    head = whole.index(b"\n") + 1
    keep = max(head, len(whole) - cut)
    path.write_bytes(whole[:keep])
    write(path, finished("b"), resume=True)
    after = path.read_bytes()
    kept = whole[: whole.rfind(b"\n", 0, keep) + 1]
    assert after.startswith(kept)
    rest = [json.loads(line)["type"] for line in after[len(kept) :].splitlines()]
    assert rest == ["run_started", "test_finished", "run_finished"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
@pytest.mark.parametrize("resume", [True, False])
def test_a_log_that_is_being_written_is_not_resumed(tmp_path: Path, resume: bool) -> None:
    path = write(tmp_path / "log.jsonl") if resume else tmp_path / "log.jsonl"
    with RunLogWriter(path, resume=resume) as writer:
        before = path.read_bytes()
        with pytest.raises(RunLogError, match="being written by another process"):
            RunLogWriter(path, resume=True)
        assert path.read_bytes() == before
        writer.write(finished("a"))
    RunLogWriter(path, resume=True).close()


def test_what_is_not_there_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(RunLogError, match="Cannot resume"):
        RunLogWriter(tmp_path / "gone.jsonl", resume=True)
    with pytest.raises(RunLogError, match="no file"):
        RunLogWriter(tmp_path, resume=True)


@pytest.mark.parametrize("content", [b"", b"half a line", b"my\nnotes", b'{"type": "x"}\n{"cut'])
def test_what_is_no_run_log_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(RunLogError):
        RunLog(path, command="run", resume=True)
    assert path.read_bytes() == content


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such device")
def test_two_may_write_to_a_device_at_once() -> None:
    with RunLogWriter(Path("/dev/null")), RunLogWriter(Path("/dev/null")):
        pass


def test_what_is_finished_and_what_was_said_is_known(tmp_path: Path) -> None:
    path = write(
        tmp_path / "log.jsonl",
        *(
            started("a"),
            *turn("a", "Hello"),
            *turn("a", "1", role="judge"),
            finished("a", "failed"),
        ),
        *(started("b"), *turn("b", "half")),
        plan=RunPlan(seed=7, jobs=3, suites=["s.yaml"], selection={"keyword": "a"}),
    )
    progress = read_progress(path)
    assert list(progress.finished) == ["a"]
    test = progress.finished["a"]
    assert test.entry.status == "failed"
    ((message, reply),) = test.turns
    assert (message, reply.content, reply.verdict) == ("Hi", "Hello", Verdict.FINISHED)
    assert reply.metrics.latency_ms == 12.5
    assert list(reply.metrics.chunk_offsets_ms) == [3.0, 12.0]
    assert reply.metrics.gap_max_ms is None
    begun = progress.started
    assert (begun.seed, begun.jobs, begun.suites) == (7, 3, ["s.yaml"])
    assert begun.selection == {"keyword": "a"}


def test_the_last_end_of_a_test_counts_with_the_turns_before_it(tmp_path: Path) -> None:
    path = write(
        tmp_path / "log.jsonl",
        *(started("a"), *turn("a", "cut off")),
        *(started("a", "s"), *turn("a", "whole", run="s"), finished("a", run="s")),
    )
    (test,) = read_progress(path).finished.values()
    assert [reply.content for _, reply in test.turns] == ["whole"]


def test_a_log_of_another_command_is_not_resumed(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    RunLog(path, command="chat").__exit__(None, None, None)
    with pytest.raises(RunLogError, match="turnwire chat"):
        read_progress(path)
    path.write_bytes(b'{"type": "run_sta')
    with pytest.raises(RunLogError, match="empty"):
        read_progress(path)
