"""A run log reads back, also when its writer was killed, and says where it is broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire.runlog import RunLogError, RunLogWriter, read_log
from turnwire.runlog.entries import AssistantReply, RunStarted, UnknownEntry, UserMessage

STARTED = {
    "type": "run_started",
    "schemaVersion": 1,
    "t": 0.0,
    "run": "r",
    "command": "chat",
    "started": "2026-01-01T00:00:00+00:00",
    "turnwire": "1",
    "core": "1",
    "python": "3",
    "platform": "p",
    "drivers": {},
    "config": None,
}
MESSAGE = {
    "type": "user_message",
    "t": 0.1,
    "run": "r",
    "conversation": "c1",
    "turn": 0,
    "content": "Hi",
}


def log_of(tmp_path: Path, *entries: object, end: str = "\n") -> Path:
    path = tmp_path / "log.jsonl"
    lines = [entry if isinstance(entry, str) else json.dumps(entry) for entry in entries]
    path.write_bytes(("\n".join(lines) + end).encode())
    return path


def test_entries_come_back_as_what_they_were(tmp_path: Path) -> None:
    first, second = read_log(log_of(tmp_path, STARTED, MESSAGE))
    assert isinstance(first, RunStarted)
    added = {"suites": [], "seed": None, "jobs": None, "selection": {}, "resumed": False}
    added |= {"replay": None}
    assert first.to_json() == {**STARTED, **added}  # what older logs do not have yet
    assert second == UserMessage(t=0.1, run="r", conversation="c1", turn=0, content="Hi")


def test_an_entry_shows_its_fields() -> None:
    message = UserMessage(t=0.1, run="r", conversation="c1", turn=0, content="Hi")
    assert repr(message).startswith("UserMessage(t=0.1, run='r', ")
    assert repr(message).endswith("content='Hi')")


@pytest.mark.parametrize("cut", range(1, len(json.dumps(MESSAGE)) + 1, 7))
def test_a_last_line_that_was_cut_is_left_out(tmp_path: Path, cut: int) -> None:
    path = log_of(tmp_path, STARTED, json.dumps(MESSAGE)[:cut], end="")
    assert [entry.type for entry in read_log(path)] == ["run_started"]


def test_a_log_that_was_cut_in_its_first_line_is_empty(tmp_path: Path) -> None:
    assert list(read_log(log_of(tmp_path, '{"type":"run_st', end=""))) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"type":"user_mess', r"log\.jsonl:2: not a line of a run log"),
        ("[1]", r"log\.jsonl:2: .*no JSON object"),
        ("\xff", r"log\.jsonl:2: not a line of a run log"),
        ('{"t":1}', r"log\.jsonl:2: an entry needs a 'type'"),
        (
            '{"type":"user_message","t":1,"run":"r","conversation":"c1"}',
            r"log\.jsonl:2: a 'user_message' entry needs 'turn', 'content'",
        ),
        ("[" * 100_000, r"log\.jsonl:2: not a line of a run log"),
    ],
)
def test_a_broken_line_inside_is_named_by_its_number(tmp_path: Path, line: str, said: str) -> None:
    path = log_of(tmp_path, STARTED, line, MESSAGE)
    with pytest.raises(RunLogError, match=said):
        list(read_log(path))


def test_what_this_version_does_not_know_is_kept(tmp_path: Path) -> None:
    newer = {"type": "check_passed", "t": 1.0, "run": "r", "check": {"name": "x"}}
    message = MESSAGE | {"mood": "curious"}
    _, known, unknown = read_log(log_of(tmp_path, STARTED, message, newer))
    assert isinstance(known, UserMessage)
    assert known.more == {"mood": "curious"}
    assert isinstance(unknown, UnknownEntry)
    assert unknown.more == {"type": "check_passed", "check": {"name": "x"}}
    assert unknown.to_json() == newer


def test_a_newer_schema_says_to_upgrade(tmp_path: Path) -> None:
    with pytest.raises(RunLogError, match=r"log\.jsonl:1: written by a newer Turnwire \(schema 2"):
        list(read_log(log_of(tmp_path, STARTED | {"schemaVersion": 2})))


@pytest.mark.parametrize("first", [MESSAGE, {"type": "run_started"}, {"a": 1}])
def test_another_kind_of_file_is_no_run_log(tmp_path: Path, first: object) -> None:
    with pytest.raises(RunLogError, match="not a run log"):
        list(read_log(log_of(tmp_path, first, MESSAGE)))


def test_a_file_that_is_not_there_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(RunLogError, match=r"Cannot read the run log .*: No such file"):
        list(read_log(tmp_path / "none.jsonl"))


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(codec=None, categories=None), max_size=40))
def test_any_text_survives_the_file(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    reply = AssistantReply(
        t=1.0,
        run="r",
        conversation="c1",
        turn=0,
        content=text,
        latency_ms=None,
        protocol="sse",
        stream_chunks=0,
        first_token_ms=None,
        verdict="stalled",
        ok=False,
    )
    first = RunStarted(
        **{key: STARTED[key] for key in ("t", "run", "command", "started")},  # type: ignore[arg-type] # the values of one mapping have many types
        **{key: STARTED[key] for key in ("turnwire", "core", "python", "platform", "drivers")},  # type: ignore[arg-type]
    )
    with RunLogWriter(path) as writer:
        writer.write(first)
        writer.write(reply)
    assert path.read_bytes().count(b"\n") == 2
    (_, read) = read_log(path)
    assert read == reply
