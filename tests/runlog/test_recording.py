"""What a conversation's hooks say stands in the run log: the documented fields first, masked."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from turnwire.runlog import RunLog, RunLogObserver, log_path, read_log
from turnwire_core.contracts.connection import Connection
from turnwire_core.errors import Phase
from turnwire_core.events import Attempt, Chunk, Message, Metrics, Reply, Turn, Verdict
from turnwire_core.hookspecs import PROJECT, ObserverHooks
from turnwire_core.secrets import Secrets

SECRET = "sk-very-secret-1"


def connection() -> Connection:
    return Connection(
        base_url="https://api.example.org/chat?key=1",
        protocol="sse",
        name="bot",
        secrets=Secrets([SECRET]),
    )


def turn(message: str = "Hi") -> Turn:
    return Turn(
        index=0, message=message, transcript=(Message("user", message),), bodies=({"m": message},)
    )


def reply(**changes: Any) -> Reply:
    metrics = Metrics(
        duration_ms=20.5,
        stream_chunks=2,
        events=3,
        network_reads=2,
        characters=5,
        first_token_ms=1.23456,
        latency_ms=20.0,
        chunk_offsets_ms=(1.23456, 2.0),
    )
    values: dict[str, Any] = {
        "content": "Hello",
        "verdict": Verdict.FINISHED,
        "metrics": metrics,
        "ok": True,
    }
    return Reply(**(values | changes))


def hold_conversation(observer: RunLogObserver, end: Reply, text: str = "Hello") -> None:
    start = time.perf_counter_ns()
    one, bot = turn(), connection()
    observer.turnwire_connection_opened(connection=bot, at_ns=start)
    observer.turnwire_turn_started(connection=bot, turn=one, at_ns=start)
    chunk = Chunk(index=0, text=text, received_ns=start + 1_500_000)
    observer.turnwire_chunk(turn=one, chunk=chunk)
    observer.turnwire_turn_finished(connection=bot, turn=one, reply=end)
    observer.turnwire_connection_closed(at_ns=start + 3_000_000)


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_a_conversation_is_told_in_order(tmp_path: Path) -> None:
    with RunLog(tmp_path / "log.jsonl", command="chat", config="turnwire.json") as log:
        hold_conversation(log.observer(), reply())
    lines = lines_of(log.path)
    assert [line["type"] for line in lines] == [
        "run_started",
        "connection_opened",
        "user_message",
        "stream_chunk",
        "assistant_reply",
        "connection_closed",
        "run_finished",
    ]
    assert list(lines[0])[:2] == ["type", "schemaVersion"]
    assert lines[0]["command"] == "chat"
    assert lines[0]["config"] == "turnwire.json"
    assert datetime.fromisoformat(lines[0]["started"]).tzinfo is not None
    assert lines[0]["drivers"]["sse"]["distribution"] == "turnwire-sse"
    assert lines[1]["origin"] == "https://api.example.org"
    assert lines[3]["text"] == "Hello"
    assert lines[3]["offsetMs"] == 1.5
    assert lines[-1]["outcome"] == "completed"
    assert (lines[-1]["turns"], lines[-1]["failed"]) == (1, 0)
    assert {line["run"] for line in lines} == {log.run}
    assert all(line["conversation"] == "c1" for line in lines[1:-1])
    times = [line["t"] for line in lines[:4]]
    assert times == sorted(times)


def test_a_reply_has_the_documented_fields_first(tmp_path: Path) -> None:
    with RunLog(tmp_path / "log.jsonl", command="chat") as log:
        hold_conversation(log.observer(), reply(usage={"total": 7}, captured={"id": "x"}))
    (line,) = [line for line in lines_of(log.path) if line["type"] == "assistant_reply"]
    assert list(line)[:6] == [
        "type",
        "content",
        "latencyMs",
        "protocol",
        "streamChunks",
        "firstTokenMs",
    ]
    assert (line["content"], line["latencyMs"], line["protocol"]) == ("Hello", 20.0, "sse")
    assert (line["streamChunks"], line["firstTokenMs"]) == (2, 1.235)
    assert (line["verdict"], line["ok"], line["error"]) == ("finished", True, None)
    assert line["metrics"]["chunkOffsetsMs"] == [1.235, 2.0]
    assert line["metrics"]["networkReads"] == 2
    assert line["usage"] == {"total": 7}
    assert line["captured"] == {"id": "x"}


def test_a_failed_turn_says_why_and_how_far_it_came(tmp_path: Path) -> None:
    failed = reply(
        ok=False,
        verdict=Verdict.STALLED,
        error="Nothing for 30 s.",
        phase=Phase.STREAM,
        hints=("Raise idleMs.",),
        attempts=(Attempt(offset_ms=0.12345, error="reset", waited_ms=500.0), Attempt(700.0)),
    )
    with RunLog(tmp_path / "log.jsonl", command="chat") as log:
        observer = log.observer()
        hold_conversation(observer, failed)
        observer.turnwire_attempt_failed(
            connection=connection(), turn=turn(), attempt=failed.attempts[0]
        )
    lines = lines_of(log.path)
    (line,) = [line for line in lines if line["type"] == "assistant_reply"]
    assert (line["verdict"], line["phase"], line["ok"]) == ("stalled", "stream", False)
    assert line["attempts"][0] == {"offsetMs": 0.123, "error": "reset", "waitedMs": 500.0}
    assert line["hints"] == ["Raise idleMs."]
    (attempt,) = [line for line in lines if line["type"] == "attempt_failed"]
    assert (attempt["offsetMs"], attempt["error"], attempt["waitedMs"]) == (0.123, "reset", 500.0)
    assert lines[-1]["failed"] == 1


def test_no_secret_is_in_any_entry(tmp_path: Path) -> None:
    end = reply(
        content=f"You sent {SECRET}",
        error=f"bad key {SECRET}",
        usage={"echo": [SECRET]},
        captured={"key": SECRET},
        hints=(SECRET,),
        attempts=(Attempt(0.0, SECRET),),
    )
    with RunLog(tmp_path / "log.jsonl", command="chat") as log:
        observer = log.observer()
        hold_conversation(observer, end, text=f"You sent {SECRET}")
        start = time.perf_counter_ns()
        observer.turnwire_turn_started(connection=connection(), turn=turn(SECRET), at_ns=start)
        observer.turnwire_attempt_failed(
            connection=connection(), turn=turn(), attempt=end.attempts[0]
        )
    text = log.path.read_text()
    assert SECRET not in text
    assert text.count("***") == 9


def test_a_secret_in_pieces_is_masked_and_every_chunk_keeps_its_own_time(tmp_path: Path) -> None:
    pieces = ["Key: ", SECRET[:7], SECRET[7:] + ". ", SECRET[:9]]
    with RunLog(tmp_path / "log.jsonl", command="chat") as log:
        observer, one, bot = log.observer(), turn(), connection()
        start = time.perf_counter_ns()
        observer.turnwire_turn_started(connection=bot, turn=one, at_ns=start)
        for index, piece in enumerate(pieces):
            chunk = Chunk(index, piece, received_ns=start + index * 1_000_000)
            observer.turnwire_chunk(turn=one, chunk=chunk)
        observer.turnwire_turn_finished(connection=bot, turn=one, reply=reply())
    chunks = [line for line in lines_of(log.path) if line["type"] == "stream_chunk"]
    assert [line["text"] for line in chunks] == ["Key: ", "***", ". ", SECRET[:9]]
    assert [line["offsetMs"] for line in chunks] == [0.0, 1.0, 2.0, 3.0]
    assert [line["index"] for line in chunks] == [0, 1, 2, 3]


def test_every_conversation_has_an_id_of_its_own(tmp_path: Path) -> None:
    with RunLog(tmp_path / "log.jsonl", command="demo") as log:
        hold_conversation(log.observer(), reply())
        hold_conversation(log.observer(), reply())
    ids = [line.get("conversation") for line in lines_of(log.path)]
    assert ids == [None, *["c1"] * 5, *["c2"] * 5, None]


@pytest.mark.parametrize(
    ("error", "outcome"), [(KeyboardInterrupt, "interrupted"), (ZeroDivisionError, "failed")]
)
def test_a_run_that_broke_off_says_how(
    tmp_path: Path, error: type[BaseException], outcome: str
) -> None:
    log = RunLog(tmp_path / "log.jsonl", command="chat")
    with pytest.raises(error), log:
        raise error
    assert lines_of(log.path)[-1]["outcome"] == outcome


@pytest.mark.anyio
async def test_what_was_drained_can_be_read_while_the_run_goes_on(tmp_path: Path) -> None:
    with RunLog(tmp_path / "log.jsonl", command="chat") as log:
        hold_conversation(log.observer(), reply())
        await log.drain()
        assert "assistant_reply" in [entry.type for entry in read_log(log.path)]


def test_every_hook_of_the_observer_is_one_that_exists() -> None:
    import pluggy

    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(ObserverHooks)
    manager.register(RunLogObserver.__new__(RunLogObserver))
    manager.check_pending()


def test_a_folder_gets_a_new_file_named_after_time_and_command(tmp_path: Path) -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    path = log_path(str(tmp_path), "demo", now)
    assert path.parent == tmp_path
    assert path.name.startswith("20260102T030405Z-demo-")
    assert path.suffix == ".jsonl"
    assert log_path(str(tmp_path / "new") + "/", "demo", now).parent == tmp_path / "new"
    assert log_path(None, "demo", now).parent == Path("runs")
    assert log_path("a/b.jsonl", "demo") == Path("a/b.jsonl")
