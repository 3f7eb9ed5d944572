"""What each format says of a run, and that a reply can make none of them say anything else."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.run_logs import HandWrittenLog
from turnwire.reports import FORMATS, csv_, github, json_, junit, markdown, terminal
from turnwire.reports.model import RunReport

Reader = Callable[[HandWrittenLog], RunReport]

HOSTILE = (
    "x\n::error::injected\n  ::set-output name=a::b\n##[add-mask]x ##vso[task.x]y\r::warning::z\n"
    "```\n</code></pre><script>alert(1)</script>\n|a|b| <img src=x> @everyone `` ![](http://e)\n"
    "]]>\x00\x1b[31m\ud800\ufffe\u202e=cmd()"
)


@pytest.fixture
def hostile(report_of: Reader) -> RunReport:
    """A run in which everything that a peer can write tries to be something else."""
    log = HandWrittenLog()
    log.passed("shop::passed[bot]", user=HOSTILE, reply=HOSTILE)
    texts = {"expected": HOSTILE, "actual": HOSTILE, "message": HOSTILE, "detail": HOSTILE}
    log.failed(f"shop::{HOSTILE}", check={**texts, "name": HOSTILE}, user=HOSTILE, reply=HOSTILE)
    log.broken("shop::broken[bot]", error=HOSTILE)
    log.begin("shop::skipped[bot]")
    log.end("shop::skipped[bot]", "skipped", reasons=[HOSTILE])
    log.check(None, "failed", **texts, name=HOSTILE)
    log.check("shop::passed[bot]", "failed", **texts, severity="warning", name=HOSTILE)
    log.finish(3, outcome="failed", error=HOSTILE)
    return report_of(log)


def commands(text: str) -> list[str]:
    """The lines that GitHub, Azure or TeamCity would obey."""
    return [
        line
        for line in re.split(r"[\r\n]", text)
        if line.lstrip().startswith("::") or re.search(r"##(\[|vso\[|teamcity\[)", line)
    ]


def terminal_text(report: RunReport) -> str:
    return "\n".join(line.text for line in terminal.render(report, verbose=True))


@pytest.mark.parametrize("name", ["json", "junit", "markdown", "csv"])
def test_no_reply_begins_a_command_on_the_output_of_a_ci_job(hostile: RunReport, name: str) -> None:
    text = FORMATS[name].render(hostile)
    assert "injected" in text
    assert commands(text) == []


def test_nothing_in_the_final_words_begins_a_command(hostile: RunReport) -> None:
    text = terminal_text(hostile)
    assert "injected" in text
    assert commands(text) == []
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)


class TestJson:
    def test_it_holds_all_that_the_log_says_of_each_test(
        self, report_of: Reader, mixed: HandWrittenLog
    ) -> None:
        document = json.loads(json_.render(report_of(mixed)))
        assert document["schemaVersion"] == 1
        assert document["exitCode"] == 4
        assert document["counts"] == {
            "passed": 1,
            "failed": 1,
            "error": 4,
            "skipped": 1,
            "unfinished": 0,
        }
        [suite] = document["suites"]
        assert suite["checks"][0]["status"] == "failed"
        refund = suite["cases"][1]
        assert (refund["status"], refund["failure"]) == ("failed", "check")
        assert refund["checks"][0]["origin"]["line"] == 17
        assert refund["turns"][0]["firstTokenMs"] == 100.0
        assert document["connections"][0]["latencyMs"]["p95"] == 120.0

    def test_a_reply_reads_back_as_it_was(self, hostile: RunReport) -> None:
        document = json.loads(json_.render(hostile))
        assert document["suites"][0]["cases"][0]["turns"][0]["reply"] == HOSTILE


class TestCsv:
    def rows(self, report: RunReport) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(csv_.render(report), newline="")))

    def test_there_is_one_row_per_turn(self, report_of: Reader) -> None:
        log = HandWrittenLog()
        log.begin("shop::a[bot]")
        log.turn("shop::a[bot]", "first", "one")
        log.turn("shop::a[bot]", "second", "two")
        log.end("shop::a[bot]")
        log.finish()
        first, second = self.rows(report_of(log))
        assert (first["user"], first["reply"], first["ok"]) == ("first", "one", "true")
        assert (first["test"], first["status"], first["firstTokenMs"]) == (
            "shop::a[bot]",
            "passed",
            "100.0",
        )
        assert second["user"] == "second"

    def test_a_test_without_a_turn_has_a_row_too(self, report_of: Reader) -> None:
        log = HandWrittenLog()
        log.begin("shop::a[bot]")
        log.end("shop::a[bot]", "error", failure="config", error="no such connection", turns=0)
        log.finish(2)
        [row] = self.rows(report_of(log))
        assert (row["failure"], row["turn"], row["reply"]) == ("config", "", "")
        assert row["error"] == "no such connection"

    @pytest.mark.parametrize(
        "reply",
        ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1+1"],
    )
    def test_no_spreadsheet_runs_a_reply(self, report_of: Reader, reply: str) -> None:
        log = HandWrittenLog()
        log.passed("shop::a[bot]", reply=reply)
        log.finish()
        [row] = self.rows(report_of(log))
        assert row["reply"].startswith("'")
        assert row["firstTokenMs"] == "100.0"

    def test_a_row_is_a_line(self, hostile: RunReport) -> None:
        text = csv_.render(hostile)
        assert len(text.splitlines()) == len(self.rows(hostile)) + 1


class TestJunit:
    def test_a_check_is_a_failure_and_the_rest_are_errors_with_their_kind(
        self, report_of: Reader, mixed: HandWrittenLog
    ) -> None:
        root = ET.fromstring(junit.render(report_of(mixed)))
        assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("8", "2", "4")
        assert root.get("skipped") == "1"
        cases = {case.get("name"): case for case in root.iter("testcase")}
        failure = cases["shop::refund[bot]"].find("failure")
        assert failure is not None
        assert failure.get("type") == "check"
        assert 'expected "refund", found "Hello"' in (failure.get("message") or "")
        assert 'actual:   "Hello"' in (failure.text or "")
        for kind in ("transport", "config", "judge", "plugin"):
            error = cases[f"shop::{kind}[bot]"].find("error")
            assert error is not None
            assert (error.get("type"), error.get("message")) == (kind, f"The {kind} broke.")
        skipped = cases["shop::later[bot]"].find("skipped")
        assert skipped is not None
        assert skipped.get("message") == "not built yet"
        assert list(cases["shop::opening hours[bot]"].iter("failure")) == []

    def test_a_failed_check_over_a_suite_is_a_failed_test_case(self, report_of: Reader) -> None:
        log = HandWrittenLog()
        log.passed("shop::a[bot]")
        log.check(None, "failed", name="p95 of firstTokenMs")
        log.check(None, "error", name="p99", failure="config", actual="Only 3 samples.")
        log.finish(2)
        root = ET.fromstring(junit.render(report_of(log)))
        assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "1", "1")
        names = [case.get("name") for case in root.iter("testcase")]
        assert names[1:] == ["shop::(suite)[bot] p95 of firstTokenMs", "shop::(suite)[bot] p99"]

    def test_times_are_properties(self, report_of: Reader) -> None:
        log = HandWrittenLog()
        log.passed("shop::a[bot]")
        log.finish()
        root = ET.fromstring(junit.render(report_of(log)))
        case = next(root.iter("testcase"))
        assert (case.get("classname"), case.get("time")) == ("shop", "1.234")
        assert (case.get("file"), case.get("line")) == ("shop.turnwire.yaml", "14")
        properties = {one.get("name"): one.get("value") for one in case.iter("property")}
        assert properties["turn1.firstTokenMs"] == "100.0"
        assert properties["turn1.verdict"] == "finished"
        suite = {
            one.get("name"): one.get("value")
            for one in root.iterfind("testsuite/properties/property")
        }
        assert suite["bot.sse.latencyMs.p95"] == "120.0"
        assert suite["turnwire.seed"] == "7"

    def test_an_error_that_ended_the_run_is_an_error(self, report_of: Reader) -> None:
        log = HandWrittenLog()
        log.finish(None, outcome="failed", error="the disk is gone")
        root = ET.fromstring(junit.render(report_of(log)))
        assert root.get("errors") == "1"

    def test_a_test_that_never_ended_is_an_error(self, report_of: Reader) -> None:
        log = HandWrittenLog()
        log.begin("shop::a[bot]")
        root = ET.fromstring(junit.render(report_of(log)))
        error = next(root.iter("error"))
        assert error.get("type") == "unfinished"

    def test_any_text_makes_a_document_that_parses(self, hostile: RunReport) -> None:
        text = junit.render(hostile)
        text.encode()
        root = ET.fromstring(text)
        assert root.get("tests") == "6"
        assert not list(root.iter("script"))

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(text=st.text(st.characters(exclude_categories=())))
    def test_whatever_was_replied_it_parses(self, report_of: Reader, text: str) -> None:
        log = HandWrittenLog()
        log.failed("shop::a[bot]", reply=text)
        log.finish(1)
        document = junit.render(report_of(log)).encode()
        assert ET.fromstring(document).get("failures") == "1"


class TestMarkdown:
    def test_it_says_what_came_out_and_why(self, report_of: Reader, mixed: HandWrittenLog) -> None:
        page = markdown.render(report_of(mixed))
        assert page.startswith(
            "## ❌ Turnwire: 1 passed, 1 failed, 4 errors, 1 skipped; "
            "1 check over a suite did not pass\n"
        )
        assert "| ` bot ` | ` sse ` | 6 | 100.0 | 100.0 | 100.0 | 120.0 |" in page
        assert "#### ❌ ` shop::refund[bot] `" in page
        assert '  expected: "refund"\n  actual:   "Hello"\n' in page
        assert "user: Hi\nassistant: Hello\n" in page
        assert "first token 100.0 ms, latency 120.0 ms, 2 chunks" in page
        assert "Checks over a whole suite" in page

    def test_a_run_that_went_well_is_short(self, report_of: Reader) -> None:
        log = HandWrittenLog()
        log.passed("shop::a[bot]", reply="a long story")
        log.finish()
        page = markdown.render(report_of(log))
        assert page.startswith("## ✅ Turnwire: 1 passed\n")
        assert "a long story" not in page

    def test_untrusted_text_stands_in_code_only(self, hostile: RunReport) -> None:
        page = markdown.render(hostile)
        assert "<script>" in page
        outside = without_code(page)
        for hazard in ("<", "@", "](", "injected", "|a|"):
            assert hazard not in outside

    @pytest.mark.parametrize("text", ["`", "``` a", "a `` b ` c", "``"])
    def test_no_backticks_leave_a_code_span(self, text: str) -> None:
        span = markdown.code(text)
        fence = re.match("`+", span)
        assert fence is not None
        assert span == f"{fence[0]} {text} {fence[0]}"
        assert fence[0] not in re.findall("`+", text)

    def test_a_pipe_ends_no_cell(self) -> None:
        assert "|" not in markdown.cell("a|b\\|c")

    def test_it_is_never_longer_than_what_github_takes(self, report_of: Reader) -> None:
        log = HandWrittenLog()
        for number in range(200):
            log.failed(f"shop::{number}[bot]", reply="long " * 20_000)
        log.finish(1)
        page = markdown.render(report_of(log))
        assert len(page.encode()) < 1024 * 1024
        assert "And 150 more" in page


def without_code(page: str) -> str:
    """A page without its fenced blocks and code spans (CommonMark §4.5, §6.1)."""
    page = re.sub(r"^(`{3,})text\n.*?\n\1$", "", page, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", page)


class TestGithub:
    def test_each_test_that_did_not_pass_is_one_error_at_its_line(
        self, report_of: Reader, mixed: HandWrittenLog
    ) -> None:
        lines = github.render(report_of(mixed)).splitlines()
        assert [line.partition(" ")[0] for line in lines] == ["::error"] * 6 + ["::notice"]
        assert lines[0].startswith(
            "::error file=shop.turnwire.yaml,line=17,title=shop%3A%3Arefund[bot]%3A failed::"
            "contains (turn 1) does not hold%0A  expected: "
        )
        assert "line=14,title=shop%3A%3Atransport[bot]%3A transport error::" in lines[1]
        assert "::1 passed, 1 failed, 4 errors, 1 skipped; 1 check over" in lines[-1]

    def test_a_warning_is_a_warning(self, report_of: Reader) -> None:
        log = HandWrittenLog()
        log.begin("shop::a[bot]")
        log.check("shop::a[bot]", "failed", severity="warning")
        log.check("shop::a[bot]", "failed", severity="info", name="only info")
        log.end("shop::a[bot]")
        log.finish()
        lines = github.render(report_of(log)).splitlines()
        assert [line.partition(" ")[0] for line in lines] == ["::warning", "::notice", "::notice"]

    def test_no_text_begins_a_command_or_a_property_of_its_own(self, hostile: RunReport) -> None:
        text = github.render(hostile)
        lines = text.split("\n")
        assert lines.pop() == ""
        assert len(lines) == 1 + 2 + 1 + 1 + 1
        for line in lines:
            found = re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.*)", line)
            assert found is not None, line
            names = [one.partition("=")[0] for one in found[2].split(",")]
            assert names in (["title"], ["file", "line", "title"])
            assert "##[" not in line

    def test_the_escapes_are_those_of_the_runner(self) -> None:
        assert github.escape_data("50% a:b,c\r\n") == "50%25 a:b,c%0D%0A"
        assert github.escape_property("50% a:b,c\n") == "50%25 a%3Ab%2Cc%0A"


class TestTerminal:
    def test_it_ends_with_the_times_and_the_counts(
        self, report_of: Reader, mixed: HandWrittenLog
    ) -> None:
        text = terminal_text(report_of(mixed))
        assert text.index("FAILED shop::refund[bot]") < text.index("ERROR (transport)")
        assert re.search("bot +sse +6 +firstTokenMs +100.0 +100.0 +100.0\n +latencyMs +120.0", text)
        assert text.splitlines()[-1].startswith("1 passed, 1 failed, 4 errors, 1 skipped; 1 check")
        assert text.endswith("(seed 7)")

    def test_what_passed_is_shown_to_those_who_ask(self, report_of: Reader) -> None:
        log = HandWrittenLog()
        log.passed("shop::a[bot]", reply="a long story")
        log.finish()
        report = report_of(log)
        short = "\n".join(line.text for line in terminal.render(report))
        assert "a long story" not in short
        assert "assistant: a long story" in terminal_text(report)

    def test_a_cut_log_says_so(self, report_of: Reader) -> None:
        log = HandWrittenLog()
        log.begin("shop::a[bot]")
        text = terminal_text(report_of(log))
        assert "UNFINISHED shop::a[bot]" in text
        assert "The log has no end" in text
        assert "0 passed, 1 unfinished" in text

    def test_a_check_that_could_not_be_evaluated_says_why(self, report_of: Reader) -> None:
        log = HandWrittenLog()
        log.begin("shop::a[bot]")
        log.check("shop::a[bot]", "error", failure="judge", actual="The judge is away.")
        log.end("shop::a[bot]", "error", failure="judge", reasons=["contains: The judge is away."])
        log.finish(3)
        text = terminal_text(report_of(log))
        assert "ERROR (judge) shop::a[bot]" in text
        assert "contains (turn 1) could not be evaluated" in text
