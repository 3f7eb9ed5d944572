"""`turnwire compare` tells what changed between two logs, with an exit code for a CI job."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from support.command_line import invoke
from support.run_logs import HandWrittenLog


def run_of(path: Path, *, passed: bool = True, first: float = 100.0) -> Path:
    """A log of a dozen tests, of which the last one passed or not."""
    log = HandWrittenLog()
    for number in range(12):
        offset = first + number % 3
        log.passed(f"shop::{number}[bot]", offsets=(offset, offset + 10), latency=offset + 20)
    (log.passed if passed else log.failed)("shop::last[bot]")
    log.finish()
    return log.write(path)


@pytest.fixture
def logs(folder: Path) -> None:
    """Three runs: as it was, broken, and slower."""
    run_of(folder / "good.jsonl")
    run_of(folder / "broken.jsonl", passed=False)
    run_of(folder / "slow.jsonl", first=180.0)


@pytest.mark.usefixtures("logs")
class TestExitCode:
    @pytest.mark.parametrize(
        ("after", "fail_on", "code"),
        [
            ("good", "any", 0),
            ("broken", "any", 1),
            ("broken", "broke", 1),
            ("broken", "slower", 0),
            ("broken", "never", 0),
            ("slow", "any", 1),
            ("slow", "slower", 1),
            ("slow", "broke", 0),
        ],
    )
    def test_it_says_whether_what_was_asked_for_happened(
        self, after: str, fail_on: str, code: int
    ) -> None:
        result = invoke("compare", "good.jsonl", f"{after}.jsonl", "--fail-on", fail_on)
        assert result.exit_code == code

    def test_what_is_no_log_is_refused(self, folder: Path) -> None:
        (folder / "no-log").write_text("hello\n")
        result = invoke("compare", "good.jsonl", "no-log")
        assert result.exit_code == 2
        assert "not a line of a run log" in result.stderr
        assert invoke("compare", "nowhere", "good.jsonl").exit_code == 2

    def test_runs_that_share_no_test_are_no_success(self, folder: Path) -> None:
        other = HandWrittenLog()
        other.passed("other::a[bot]")
        other.finish()
        other.write(folder / "other.jsonl")
        result = invoke("compare", "good.jsonl", "other.jsonl")
        assert result.exit_code == 5
        assert "No test is in both runs" in result.stdout


@pytest.mark.usefixtures("logs")
class TestOutput:
    def test_a_person_sees_what_broke_and_the_times(self) -> None:
        result = invoke("compare", "good.jsonl", "broken.jsonl")
        assert "BROKE shop::last[bot]" in result.stdout
        assert "1 broke, 12 as before" in result.stdout
        assert "No time changed beyond noise." in result.stdout
        slower = invoke("compare", "good.jsonl", "slow.jsonl").stdout
        assert "Slower beyond noise: bot: firstTokenMs" in slower

    def test_json_is_a_document_and_nothing_else(self) -> None:
        result = invoke("compare", "good.jsonl", "slow.jsonl", "--format", "json")
        document = json.loads(result.stdout)
        assert document["after"]["name"] == "slow.jsonl"
        assert document["slower"] is True

    def test_markdown_is_a_page(self) -> None:
        text = invoke("compare", "good.jsonl", "slow.jsonl", "--format", "markdown").stdout
        assert text.startswith("## ❌ Turnwire: 0 broke, 13 as before")
        assert "| **slower** |" in text

    def test_a_folder_stands_for_the_newest_log_in_it(self, folder: Path) -> None:
        (folder / "runs").mkdir()
        for number, name in enumerate(("good", "broken")):
            path = run_of(folder / "runs" / f"{name}-run-1.jsonl", passed=name == "good")
            os.utime(path, (1_000_000 + number, 1_000_000 + number))
        assert "BROKE shop::last[bot]" in invoke("compare", "good.jsonl", "runs").stdout

    def test_the_bounds_can_be_chosen(self) -> None:
        args = ("compare", "good.jsonl", "slow.jsonl", "--min-ms", "500")
        assert invoke(*args).exit_code == 0
        few = invoke("compare", "good.jsonl", "slow.jsonl", "--min-conversations", "50")
        assert few.exit_code == 0
        assert "Too few conversations" in few.stdout
