"""`turnwire run` as a tester and a CI job meet it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from support.command_line import invoke
from turnwire.checks.contract import FailureKind
from turnwire.cli.run import exit_code
from turnwire.engine import CaseResult, CheckOutcome, RunOutcome
from turnwire.reports.reading import read_report
from turnwire.runlog import read_log
from turnwire.runlog.entries import RunStarted, StreamChunk, TestStarted
from turnwire.suites.model import Case, Origin, Suite, Test

Config = Callable[..., None]
Write = Callable[..., None]

HOURS = {
    "name": "Hours",
    "tags": ["smoke"],
    "steps": [{"message": "When are you open?", "checks": [{"contains": "9:00"}]}],
}
UNICORN = {
    "name": "Unicorn",
    "steps": [{"message": "Thanks", "checks": [{"contains": "unicorn"}]}],
}


@pytest.fixture
def suite(folder: Path) -> Write:
    """Writes a suite over the connection ``bot``."""

    def write(*tests: dict[str, Any], name: str = "shop", **more: Any) -> None:
        text = json.dumps({"name": name, "connections": ["bot"], "tests": tests} | more)
        (folder / f"{name}.turnwire.json").write_text(text)

    return write


def the_log(folder: Path) -> Path:
    """The only log of the folder ``runs``."""
    [log] = (folder / "runs").iterdir()
    return log


def test_a_run_in_which_all_passes(config: Config, suite: Write, folder: Path) -> None:
    config()
    suite(HOURS)
    result = invoke("run")
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    first, *_ = result.stderr.splitlines()
    assert first.startswith("[1/1] passed shop::hours[bot] ")
    assert "1 passed in " in result.stderr
    assert f"Run log: {Path('runs')}/" in result.stderr
    report = read_report(the_log(folder))
    assert (report.exit_code, report.outcome) == (0, "completed")


def test_a_check_that_does_not_hold_is_shown_with_what_was_said(
    config: Config, suite: Write
) -> None:
    config()
    suite(HOURS, UNICORN)
    result = invoke("run", "--jobs", "1")
    assert result.exit_code == 1
    assert "[2/2] failed shop::unicorn[bot]" in result.stderr
    assert "  assistant: You are welcome!" in result.stderr
    assert "at shop.turnwire.json" in result.stderr
    assert "1 passed, 1 failed in" in result.stderr


BROKEN: dict[str, tuple[dict[str, Any], int]] = {
    "transport": ({"steps": [{"message": "[fault=error] Hi", "checks": [{"contains": "a"}]}]}, 3),
    "config": (
        {"connections": ["nobody"], "steps": [{"message": "Hi", "checks": [{"contains": "a"}]}]},
        2,
    ),
    "plugin": (
        {"steps": [{"message": "Hi", "checks": [{"python": "checks:explode"}]}]},
        4,
    ),
    "judge": (
        {"steps": [{"message": "Hi", "checks": [{"judge": {"rubric": "is kind"}}]}]},
        3,
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_each_kind_of_failure_has_its_code_and_is_told_apart(
    config: Config, suite: Write, folder: Path, kind: str
) -> None:
    test, code = BROKEN[kind]
    config()
    (folder / "checks.py").write_text("def explode(context):\n    raise RuntimeError('boom')\n")
    judge = {"judge": "down", "config": "judged.json"} if kind == "judge" else {}
    if judge:
        found = json.loads((folder / "turnwire.json").read_text())["connections"]
        found["down"] = {"base_url": "http://127.0.0.1:9/", "protocol": "sse", "sse": {}}
        (folder / "judged.json").write_text(json.dumps({"connections": found}))
    suite(HOURS, {"name": "Broken", **test}, **judge)
    result = invoke("run", "--report", "junit", "--report", "json=-")
    document = json.loads(result.stdout)
    cases = {case["name"]: case for case in document["suites"][0]["cases"]}
    assert (cases["Broken"]["status"], cases["Broken"]["failure"]) == ("error", kind), result.stderr
    assert cases["Hours"]["status"] == "passed"
    assert result.exit_code == document["exitCode"] == code
    assert f"ERROR ({kind})" in result.stderr
    assert f'<error type="{kind}"' in (folder / "turnwire-junit.xml").read_text()


def test_a_name_that_nobody_knows_is_said_before_anything_is_run(
    config: Config, suite: Write
) -> None:
    config()
    suite(HOURS, {"name": "Lost", **BROKEN["config"][0]})
    result = invoke("run")
    first, *rest = result.stderr.splitlines()
    assert first.startswith("warning: shop.turnwire.json:")
    assert "There is no connection 'nobody'. Did you mean" in first or "Known here:" in first
    assert any("passed shop::hours[bot]" in line for line in rest)


def test_a_dry_run_finds_what_leads_nowhere(config: Config, suite: Write) -> None:
    config()
    suite(HOURS, {"name": "Lost", **BROKEN["config"][0]})
    result = invoke("run", "--dry-run")
    assert result.exit_code == 2
    assert result.stdout.splitlines() == ["shop::hours[bot]", "shop::lost[nobody]"]
    assert "There is no connection 'nobody'." in result.stderr


def test_a_suite_that_cannot_be_loaded_stops_all_before_anything_is_run(
    config: Config, suite: Write, folder: Path
) -> None:
    config()
    suite(HOURS)
    suite({"name": "A", "steps": [{"mesage": "Hi"}]}, name="bad")
    suite({"name": "B", "steps": []}, name="worse")
    result = invoke("run")
    assert result.exit_code == 2
    assert "bad.turnwire.json" in result.stderr
    assert "worse.turnwire.json" in result.stderr
    assert not (folder / "runs").exists()


def test_a_config_that_cannot_be_read_stops_all_before_anything_is_run(
    suite: Write, folder: Path
) -> None:
    (folder / "turnwire.json").write_text("{")
    suite(HOURS)
    result = invoke("run")
    assert result.exit_code == 2
    assert "turnwire.json" in result.stderr
    assert not (folder / "runs").exists()


def test_built_in_connections_need_no_config(suite: Write) -> None:
    suite(HOURS, connections=["demo-http", "demo-sse", "demo-websocket"])
    result = invoke("run", "--backend", "trio")
    assert result.exit_code == 0, result.stderr
    assert "3 passed" in result.stderr


def test_another_connection_can_be_named(config: Config, suite: Write) -> None:
    config(name="other")
    suite(HOURS)
    assert invoke("run", "--dry-run", "--connection", "other").stdout == "shop::hours[other]\n"
    assert invoke("run", "--connection", "other").exit_code == 0


def test_a_config_that_is_named_goes_before_the_one_that_is_found(
    config: Config, suite: Write, folder: Path
) -> None:
    config("?fault=error")
    (folder / "turnwire.json").rename(folder / "bad.json")
    config()
    suite(HOURS)
    assert invoke("run").exit_code == 0
    assert invoke("run", "-c", "bad.json").exit_code == 3


class TestSelection:
    def test_a_dry_run_lists_ids_and_runs_none(
        self, config: Config, suite: Write, folder: Path
    ) -> None:
        config()
        suite(HOURS, UNICORN)
        result = invoke("run", "--dry-run", "--repeat", "2")
        assert result.exit_code == 0
        assert result.stdout.splitlines() == [
            "shop::hours[bot]",
            "shop::hours[bot]#2",
            "shop::unicorn[bot]",
            "shop::unicorn[bot]#2",
        ]
        assert not (folder / "runs").exists()

    @pytest.mark.parametrize(
        ("options", "ids"),
        [
            (["-k", "hours"], ["shop::hours[bot]"]),
            (["-k", "not hours"], ["shop::unicorn[bot]"]),
            (["--tag", "smoke"], ["shop::hours[bot]"]),
            (["--shard", "2/2"], ["shop::unicorn[bot]"]),
            (["shop.turnwire.json"], ["shop::hours[bot]", "shop::unicorn[bot]"]),
        ],
    )
    def test_tests_can_be_chosen(
        self, config: Config, suite: Write, options: list[str], ids: list[str]
    ) -> None:
        config()
        suite(HOURS, UNICORN)
        assert invoke("run", "--dry-run", *options).stdout.splitlines() == ids

    @pytest.mark.parametrize("more", [[], ["--dry-run"]])
    def test_when_nothing_is_chosen_it_says_so(
        self, config: Config, suite: Write, folder: Path, more: list[str]
    ) -> None:
        config()
        suite(HOURS)
        result = invoke("run", "--tag", "nightly", *more)
        assert result.exit_code == 5
        assert "none of the 1 tests was selected" in result.stderr
        assert not (folder / "runs").exists()

    def test_without_suites_it_says_how_they_are_called(self, folder: Path) -> None:
        result = invoke("run")
        assert result.exit_code == 2
        assert ".turnwire.yaml" in result.stderr

    @pytest.mark.parametrize("option", [["--shard", "3/2"], ["-k", "a and"], ["nowhere.yaml"]])
    def test_a_choice_that_makes_no_sense_is_an_error(
        self, config: Config, suite: Write, option: list[str]
    ) -> None:
        config()
        suite(HOURS)
        assert invoke("run", "--dry-run", *option).exit_code == 2

    def test_only_what_failed_is_run_again(
        self, config: Config, suite: Write, folder: Path
    ) -> None:
        config()
        suite(HOURS, UNICORN)
        assert invoke("run").exit_code == 1
        log = the_log(folder)
        for option in (["--only-failed"], ["--failed-in", str(log)]):
            assert invoke("run", "--dry-run", *option).stdout == "shop::unicorn[bot]\n"
        suite(HOURS, {**UNICORN, "steps": HOURS["steps"]})
        result = invoke("run", "--only-failed", "--log", "again.jsonl")
        assert (result.exit_code, "1 passed in" in result.stderr) == (0, True)
        result = invoke("run", "--failed-in", "again.jsonl")
        assert result.exit_code == 5
        assert "every test passed" in result.stderr

    def test_there_must_have_been_a_run_before(self, config: Config, suite: Write) -> None:
        config()
        suite(HOURS)
        result = invoke("run", "--only-failed")
        assert result.exit_code == 2
        assert "no log of a run" in result.stderr


class TestManner:
    def test_fail_fast_begins_nothing_more(self, config: Config, suite: Write) -> None:
        config()
        suite(UNICORN, HOURS)
        result = invoke("run", "--fail-fast", "--jobs", "1")
        assert result.exit_code == 1
        assert "1 not run" in result.stderr
        assert "hours" not in result.stderr

    def test_generated_values_can_be_repeated(
        self, config: Config, suite: Write, folder: Path
    ) -> None:
        config()
        number = {"n": {"$randomInt": {"min": 0, "max": 10**9}}}
        steps = [{"message": "echo {{variables.n}}", "checks": [{"contains": "{{variables.n}}"}]}]
        suite({"name": "Random", "variables": number, "steps": steps})
        drawn = []
        for log in ("one", "two"):
            assert invoke("run", "--seed", "7", "--log", log).exit_code == 0
            entries = list(read_log(folder / log))
            drawn += [one.variables["n"] for one in entries if isinstance(one, TestStarted)]
            assert [one.seed for one in entries if isinstance(one, RunStarted)] == [7]
        assert drawn[0] == drawn[1]

    def test_verbose_shows_the_conversation_of_what_passed(
        self, config: Config, suite: Write
    ) -> None:
        config()
        suite(HOURS)
        assert "assistant: We are open" not in invoke("run").stderr
        assert "  assistant: We are open from 9:00" in invoke("run", "-v").stderr

    def test_very_verbose_shows_the_bytes_of_one_test_at_a_time(
        self, config: Config, suite: Write
    ) -> None:
        config()
        suite(HOURS)
        result = invoke("run", "-vv")
        assert result.exit_code == 0, result.output
        assert "turn 1 > When are you open?" in result.stderr
        assert "POST /chat/stream HTTP/1.1" in result.stderr
        assert "← " in result.stderr
        refused = invoke("run", "-vv", "--jobs", "2")
        assert refused.exit_code == 2
        assert "one test at a time" in refused.stderr

    def test_the_log_must_be_one_that_can_be_read_again(self, config: Config, suite: Write) -> None:
        config()
        suite(HOURS)
        result = invoke("run", "--log", os.devnull)
        assert result.exit_code == 2
        assert "must be a file" in result.stderr

    def test_a_secret_is_shown_nowhere(
        self, config: Config, suite: Write, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SHOP_KEY", "sk-live-4711-0815")
        config(headers={"X-Key": "${SHOP_KEY}"})
        steps = [{"message": "echo {{env.SHOP_KEY}}", "checks": [{"contains": "unicorn"}]}]
        suite({"name": "Leak", "steps": steps})
        formats = ("json", "junit", "markdown", "csv", "github")
        result = invoke("run", "-vv", *(f"--report={name}" for name in formats))
        assert result.exit_code == 1, result.stderr
        written = [path.read_text() for path in folder.glob("turnwire-*")]
        assert len(written) == 4
        for text in (result.output, the_log(folder).read_text(), *written):
            assert "echo" in text
            assert "4711" not in text

    def test_a_ci_server_gets_nothing_that_it_was_not_asked_for(
        self, config: Config, suite: Write, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        summary = folder / "summary"
        summary.touch()
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
        config()
        suite(UNICORN)
        assert invoke("run").stdout == ""
        assert summary.read_text() == ""
        result = invoke("run", "--report", "github", "--report", f"markdown={summary}")
        assert result.stdout.startswith("::error file=shop.turnwire.json,line=")
        assert summary.read_text().startswith("## ❌ Turnwire: 0 passed, 1 failed")


class TestFailUnder:
    def result(self, failure: FailureKind | None, number: int) -> CaseResult:
        origin = Origin("shop.turnwire.yaml")
        test = Test(name="t", id=f"t{number}", origin=origin, steps=())
        suite = Suite(name="shop", file=Path("shop.turnwire.yaml"), tests=(test,))
        case = Case(id=f"shop::t{number}[bot]", suite=suite, test=test, connection="bot")
        if failure is None:
            return CaseResult(case=case, status="passed")
        return CaseResult(
            case=case, status="failed" if failure == "check" else "error", failure=failure
        )

    def outcome(self, *failures: FailureKind | None, **more: Any) -> RunOutcome:
        return RunOutcome([self.result(one, n) for n, one in enumerate(failures)], **more)

    @pytest.mark.parametrize(
        ("failures", "percent", "code"),
        [
            ((None, None, "check"), None, 1),
            ((None, None, "check"), 66.6, 0),
            ((None, None, "check"), 66.7, 1),
            ((None, "check"), 50.0, 0),
            (("check",), 0.0, 0),
            ((None,), 100.0, 0),
            ((None, None, "transport"), 10.0, 3),
            ((None, "check", "plugin"), 10.0, 4),
        ],
    )
    def test_it_excuses_checks_up_to_a_share_and_nothing_else(
        self, failures: tuple[FailureKind | None, ...], percent: float | None, code: int
    ) -> None:
        assert exit_code(self.outcome(*failures), percent) == code

    def test_seven_of_ten_are_seventy_percent(self) -> None:
        outcome = self.outcome(*[None] * 70, *["check"] * 30)  # type: ignore[list-item] # a literal
        assert exit_code(outcome, 70.0) == 0

    def test_a_check_over_a_suite_counts_as_ever(self) -> None:
        check = CheckOutcome(
            name="p95",
            kind="percentiles",
            status="failed",
            origin=Origin("shop.turnwire.yaml"),
            suite="shop",
            connection="bot",
            failure="check",
        )
        outcome = self.outcome(None, None, "check", suite_checks=[check])
        assert exit_code(outcome, 10.0) == 1

    def test_the_log_and_its_report_agree_with_the_run(
        self, config: Config, suite: Write, folder: Path
    ) -> None:
        config()
        suite(HOURS, UNICORN)
        result = invoke("run", "--fail-under", "50")
        assert result.exit_code == 0
        assert "50.0 % of what was judged passed, 50 % must" in result.stderr
        assert invoke("report").exit_code == 0


def start(*args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "turnwire", "run", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_text_of(log: Path, test: str) -> None:
    """Until the reply to a test has begun: then the run is in the middle of it."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        entries = list(read_log(log)) if log.exists() else []
        if any(isinstance(one, StreamChunk) and one.test == test for one in entries):
            return
        time.sleep(0.02)
    raise AssertionError("no text came")


SLOW = {
    "name": "Slow",
    "steps": [{"message": "[gap_ms=300] Tell me a story", "checks": [{"contains": "The end"}]}],
}


def test_ctrl_c_ends_it_cleanly_and_writes_what_there_is(
    config: Config, suite: Write, folder: Path
) -> None:
    config()
    suite(HOURS, SLOW)
    log = folder / "log.jsonl"
    with start("--jobs", "1", "--log", str(log), "--report", "json") as process:
        wait_for_text_of(log, "shop::slow[bot]")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "The run was interrupted." in errors
    assert "1 passed, 1 unfinished in" in errors
    assert "Traceback" not in errors
    document = json.loads((folder / "turnwire-report.json").read_text())
    assert (document["outcome"], document["exitCode"]) == ("interrupted", 130)
    # What was interrupted can be completed.
    suite(HOURS, {**SLOW, "steps": HOURS["steps"]})
    result = invoke("run", "--resume", str(log))
    assert result.exit_code == 0, result.stderr
    assert "[1/1] passed shop::slow[bot]" in result.stderr
    assert "2 passed in" in result.stderr


def test_a_run_that_was_killed_is_reported_and_completed(
    config: Config, suite: Write, folder: Path
) -> None:
    config()
    suite(HOURS, SLOW)
    log = folder / "log.jsonl"
    with start("--jobs", "1", "--log", str(log), "-k", "hours or slow", "--seed", "5") as process:
        wait_for_text_of(log, "shop::slow[bot]")
        process.kill()
    result = invoke("report", str(log))
    assert result.exit_code == 130
    assert "1 passed, 1 unfinished" in result.stdout
    suite(HOURS, UNICORN, {**SLOW, "steps": HOURS["steps"]})
    result = invoke("run", "--resume", str(log))
    assert result.exit_code == 0, result.stderr
    # The choice and the seed of the first part go on.
    assert "2 passed in" in result.stderr
    assert "(seed 5)" in result.stderr
    assert read_report(log).segments == 2


@pytest.mark.parametrize("option", [["-k", "a"], ["shop.turnwire.json"], ["--seed", "1"]])
def test_a_run_that_is_resumed_takes_its_choice_from_the_log(
    config: Config, suite: Write, folder: Path, option: list[str]
) -> None:
    config()
    suite(HOURS)
    invoke("run", "--log", "log.jsonl")
    result = invoke("run", "--resume", "log.jsonl", *option)
    assert result.exit_code == 2
    assert "name no others" in result.stderr


def test_no_log_is_overwritten(config: Config, suite: Write) -> None:
    config()
    suite(HOURS)
    assert invoke("run", "--log", "log.jsonl").exit_code == 0
    result = invoke("run", "--log", "log.jsonl")
    assert result.exit_code == 2
    assert "exists already" in result.stderr


class TestMisreads:
    """Replies that the connection's paths do not fit, told after the first of them."""

    WRONG: ClassVar = {"contentPath": "contnt", "finishPath": "done"}
    TOLD = "contentPath `contnt` matched 0 of"

    def test_it_is_said_at_once_and_once_and_stands_in_the_reports(
        self, config: Config, suite: Write, folder: Path
    ) -> None:
        config(sse=self.WRONG)
        suite(HOURS, UNICORN)
        result = invoke("run", "--jobs", "1", "--report", "markdown=r.md", "--report", "github")
        first, second, *rest = result.stderr.splitlines()
        assert first == "warning: bot: its replies are not read as its config means:"
        assert second.strip().startswith(self.TOLD)
        assert "warning: bot" not in "".join(rest)
        assert "first seen in shop::hours[bot]" in result.stderr
        assert result.exit_code == 1
        [misread] = read_report(the_log(folder)).misreads
        assert (misread.connection, misread.test) == ("bot", "shop::hours[bot]")
        assert self.TOLD in (folder / "r.md").read_text()
        assert "::warning title=bot%3A replies not read as the config means::" in result.stdout

    def test_a_run_can_stop_before_the_rest_is_paid_for(
        self, config: Config, suite: Write, folder: Path
    ) -> None:
        config(sse=self.WRONG)
        two = {**HOURS, "name": "Two", "steps": [{"message": "Hello"}, *HOURS["steps"]]}
        suite(two, HOURS, UNICORN)
        result = invoke("run", "--jobs", "1", "--stop-on-misread")
        assert result.exit_code == 2
        assert "2 not run, because of --stop-on-misread." in result.stderr
        assert "--stop-on-misread ends the run: contentPath `contnt`" in result.stderr
        [case] = read_report(the_log(folder)).cases
        assert len(case.turns) == 1

    def test_what_is_read_well_is_not_spoken_of(self, config: Config, suite: Write) -> None:
        config()
        suite(HOURS, UNICORN)
        result = invoke("run", "--jobs", "1", "--stop-on-misread")
        assert result.exit_code == 1
        assert "warning" not in result.stderr

    def test_a_test_that_wants_a_failure_is_not_told_of_its_paths(
        self, config: Config, suite: Write
    ) -> None:
        config("?fault=unfinished")
        suite({
            "name": "Cut",
            "steps": [{"message": "Hello", "checks": [{"verdict": "closed_without_finish"}]}],
        })  # fmt: skip
        assert "not read as its config means" not in invoke("run", "--stop-on-misread").stderr
