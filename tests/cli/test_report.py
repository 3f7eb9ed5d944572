"""`turnwire report` tells again what a log holds, with the exit code of its run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.command_line import invoke
from support.run_logs import HandWrittenLog


@pytest.fixture
def log(folder: Path) -> Path:
    """A log with one test that passed and one that failed."""
    written = HandWrittenLog()
    written.passed("shop::hours[bot]", reply="We are open.")
    written.failed("shop::refund[bot]", reply="No refunds.")
    written.finish(1)
    return written.write(folder / "log.jsonl")


def test_without_a_format_it_tells_a_person_on_stdout(log: Path) -> None:
    result = invoke("report", "log.jsonl")
    assert result.exit_code == 1
    assert result.stderr == ""
    assert "FAILED shop::refund[bot]" in result.stdout
    assert "assistant: No refunds." in result.stdout
    assert "We are open." not in result.stdout
    assert "1 passed, 1 failed in" in result.stdout


def test_verbose_shows_what_passed_too(log: Path) -> None:
    assert "assistant: We are open." in invoke("report", "-v", "log.jsonl").stdout


def test_the_exit_code_can_be_left_out_of_it(log: Path) -> None:
    assert invoke("report", "--no-exit-code", "log.jsonl").exit_code == 0


def test_several_formats_at_once_with_default_names(log: Path, folder: Path) -> None:
    formats = ("json", "junit", "markdown", "csv", "github")
    result = invoke("report", "log.jsonl", *(f"--report={name}" for name in formats))
    assert result.exit_code == 1
    assert json.loads((folder / "turnwire-report.json").read_text())["exitCode"] == 1
    assert (folder / "turnwire-junit.xml").read_text().startswith("<?xml")
    assert (folder / "turnwire-report.md").read_text().startswith("## ❌ Turnwire")
    assert (folder / "turnwire-turns.csv").read_text().startswith("suite,test,")
    # GitHub reads its own from stdout.
    assert result.stdout.startswith("::error file=")


def test_stdout_has_the_report_and_nothing_else(log: Path) -> None:
    result = invoke("report", "log.jsonl", "--report", "json=-")
    assert json.loads(result.stdout)["counts"]["failed"] == 1


def test_a_file_can_be_named(log: Path, folder: Path) -> None:
    invoke("report", "log.jsonl", "--report", "junit=out/results.xml")
    assert (folder / "out" / "results.xml").is_file()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--report", "jnuit"], "Did you mean 'junit'?"),
        (["--report", "json="], "names no file"),
        (["--report", "json=-", "--report", "github"], "Two reports would go to stdout"),
        (["--report", "json=a", "--report", "csv=a"], "Two reports would go to a"),
    ],
)
def test_what_cannot_be_meant_is_said(log: Path, given: list[str], said: str) -> None:
    result = invoke("report", "log.jsonl", *given)
    assert result.exit_code == 2
    assert said in result.stderr


def test_without_a_name_it_is_the_newest_log_of_a_run(folder: Path) -> None:
    (folder / "runs").mkdir()
    for number, name in enumerate(("a-run-1", "b-run-2", "c-chat-3")):
        written = HandWrittenLog()
        written.passed(f"shop::{name}[bot]")
        written.finish()
        path = written.write(folder / "runs" / f"{name}.jsonl")
        os.utime(path, (1_000_000 + number, 1_000_000 + number))
    assert "shop::b-run-2[bot]" in invoke("report", "-v").stdout
    assert "shop::b-run-2[bot]" in invoke("report", "-v", "runs").stdout


def test_without_any_log_it_says_where_it_looked(folder: Path) -> None:
    result = invoke("report")
    assert result.exit_code == 2
    assert "There is no log of a run in runs" in result.stderr


def test_what_is_no_log_is_refused(folder: Path) -> None:
    (folder / "no-log").write_text("hello\n")
    result = invoke("report", "no-log")
    assert result.exit_code == 2
    assert "not a line of a run log" in result.stderr
    assert invoke("report", "nowhere").exit_code == 2


def test_a_log_that_still_grows_is_reported_as_far_as_it_came(folder: Path) -> None:
    written = HandWrittenLog()
    written.passed("shop::a[bot]")
    written.begin("shop::b[bot]")
    written.turn("shop::b[bot]", reply=None)
    written.write(folder / "log.jsonl", cut=7)
    result = invoke("report", "log.jsonl")
    assert result.exit_code == 130
    assert "1 passed, 1 unfinished" in result.stdout
    assert "assistant: piece0" in result.stdout


def test_a_report_that_cannot_be_written_is_an_error_of_ours(log: Path, folder: Path) -> None:
    (folder / "file").write_text("")
    result = invoke("report", "log.jsonl", "--report", "json=file/report.json")
    assert result.exit_code == 4
    assert "Cannot write the report file/report.json" in result.stderr


def test_a_reader_that_goes_away_is_no_failure_of_the_run(log: Path) -> None:
    written = HandWrittenLog()
    for number in range(300):
        written.failed(f"shop::{number}[bot]", reply="long " * 200)
    written.finish(1)
    written.write(log)
    command = [sys.executable, "-m", "turnwire", "report", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == b""
