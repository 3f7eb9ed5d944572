"""A run log that was cut or overwritten anywhere: every reader reads it, or says what is wrong."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from support.fuzzing import any_json, damaged, fuzz, soup
from support.run_logs import HandWrittenLog
from turnwire.reports.reading import read_report
from turnwire.runlog import RunLogError, read_log, read_progress
from turnwire.runlog.entries import Entry


def _valid() -> bytes:
    log = HandWrittenLog()
    log.begin("shop::refund[bot]")
    log.turn("shop::refund[bot]", "Hi", "Hello")
    return "".join(f"{line}\n" for line in log.lines).encode()


VALID = _valid()
LINES = [json.loads(line) for line in VALID.splitlines()]
WORDS = [b'{"type": "run_started", "schemaVersion": 1, "t": 0, "run": "a"}\n', b"\n", b'"type"',
         b": ", b"{", b"}", b'"test_finished"', b'"assistant_reply"', b"null", b"[", b"]",
         b"\x00", b"\xff", b"1e999", b"NaN"]  # fmt: skip
KEYS = sorted({key for line in LINES for key in line})


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """A valid log in which fields hold what they should not, or are not there."""
    lines = [dict(line) for line in LINES]
    for _ in range(draw(st.integers(1, 3))):
        line = draw(st.sampled_from(lines))
        key = draw(st.sampled_from(KEYS))
        if draw(st.booleans()):
            line[key] = draw(any_json)
        else:
            line.pop(key, None)
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def read(file: Path) -> list[Entry] | None:
    """The entries, if the file is a run log. Every reader must take it or refuse it."""
    for reader in (read_progress, read_report):
        with contextlib.suppress(RunLogError):
            reader(file)
    with contextlib.suppress(RunLogError):
        return list(read_log(file))
    return None


@fuzz
@given(data=soup(WORDS) | damaged(st.just(VALID)) | changed())
@example(data=b"[" * 100_000 + b"\n")
@example(data=b'{"type": "run_started", "schemaVersion": ' + b"9" * 5000 + b"}\n")
@example(data=b'{"type": "run_started", "schemaVersion": true, "t": 0, "run": "a"}\n')
def test_any_bytes(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_bytes(data)
    read(file)


@fuzz
@given(st.integers(0, len(VALID)))
def test_what_a_killed_process_left_is_read_up_to_its_last_whole_line(
    tmp_path: Path, cut: int
) -> None:
    file = tmp_path / "log.jsonl"
    file.write_bytes(VALID[:cut])
    entries = read(file)
    assert entries is not None
    assert len(entries) == VALID[:cut].count(b"\n")


@fuzz
@given(
    st.lists(st.dictionaries(st.sampled_from([*KEYS, "extra"]), any_json, max_size=5), max_size=4)
)
def test_what_a_later_version_adds_is_kept(tmp_path: Path, added: list[dict[str, Any]]) -> None:
    file = tmp_path / "log.jsonl"
    unknown = [{**line, "type": "from_the_future", "t": 1.0, "run": "a"} for line in added]
    lines = [LINES[0], *unknown]
    file.write_bytes("".join(f"{json.dumps(line)}\n" for line in lines).encode())
    entries = read(file)
    assert entries is not None
    assert len(entries) == len(lines)
