"""A report is what the log says, whatever became of the run that wrote it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.run_logs import HandWrittenLog
from turnwire.reports.model import Counts, Percentiles, Place, RunReport, Status
from turnwire.reports.reading import read_report
from turnwire.runlog import RunLogError

Reader = Callable[[HandWrittenLog], RunReport]


def test_tests_are_grouped_by_suite_and_counted_by_status(
    report_of: Reader, mixed: HandWrittenLog
) -> None:
    mixed.passed("other::test[bot]")
    report = report_of(mixed)
    assert [suite.name for suite in report.suites] == ["shop", "other"]
    assert report.counts == Counts(passed=2, failed=1, error=4, skipped=1)
    assert report.counts.in_words() == "2 passed, 1 failed, 4 errors, 1 skipped"
    failures = {case.name: case.failure for case in report.not_passed}
    assert failures["transport[bot]"] == "transport"
    assert failures["plugin[bot]"] == "plugin"


def test_a_test_has_its_turns_checks_and_times(report_of: Reader) -> None:
    log = HandWrittenLog()
    log.failed("shop::refund[bot]", user="Refund?", reply="No.", offsets=(5.0, 7.0, 12.0))
    [case] = report_of(log).cases
    [turn] = case.turns
    assert (turn.user, turn.reply, turn.connection, turn.verdict) == (
        "Refund?",
        "No.",
        "bot",
        "finished",
    )
    assert (turn.first_token_ms, turn.latency_ms, turn.gaps_ms) == (5.0, 120.0, [2.0, 5.0])
    [check] = case.broken_checks
    assert (check.expected, check.actual) == ('"refund"', '"Hello"')
    assert check.origin == Place("shop.turnwire.yaml", 17, "$.tests[0].checks[0]")
    assert case.origin == Place("shop.turnwire.yaml", 14, "$.tests[0]")
    assert case.duration_ms == 1234.5


def test_turns_of_tests_that_run_at_once_do_not_mix(report_of: Reader) -> None:
    log = HandWrittenLog()
    log.begin("shop::a[bot]")
    log.begin("shop::b[bot]")
    log.turn("shop::b[bot]", "from b")
    log.turn("shop::a[bot]", "from a")
    log.end("shop::b[bot]")
    log.end("shop::a[bot]")
    a, b = report_of(log).cases
    assert [turn.user for turn in a.turns] == ["from a"]
    assert [turn.user for turn in b.turns] == ["from b"]


def test_what_a_judge_says_is_no_turn_of_the_test(report_of: Reader) -> None:
    log = HandWrittenLog()
    log.begin("shop::a[bot]")
    log.turn("shop::a[bot]", "to the target")
    log.turn("shop::a[bot]", "to the judge", connection="judge", role="judge")
    log.end("shop::a[bot]")
    report = report_of(log)
    assert [turn.user for turn in report.cases[0].turns] == ["to the target"]
    assert [times.connection for times in report.connections] == ["bot"]


def test_a_log_that_ends_inside_a_turn_keeps_what_had_arrived(report_of: Reader) -> None:
    log = HandWrittenLog()
    log.passed("shop::a[bot]")
    log.begin("shop::b[bot]")
    log.turn("shop::b[bot]", reply=None, offsets=(3.0, 4.0))
    report = report_of(log)
    assert report.outcome is None
    assert report.exit_code == 130
    assert report.counts == Counts(passed=1, unfinished=1)
    case = report.cases[1]
    assert case.status is Status.UNFINISHED
    assert case.reason == "The run ended before this test did."
    [turn] = case.turns
    assert (turn.reply, turn.verdict, turn.first_token_ms) == ("piece0 piece1 ", None, 3.0)


def test_a_resumed_run_completes_its_first_part(report_of: Reader) -> None:
    log = HandWrittenLog()
    log.passed("shop::a[bot]")
    log.begin("shop::b[bot]")
    log.turn("shop::b[bot]", "lost", reply=None)
    log.check("shop::b[bot]", "failed")
    log.start(resumed=True)
    log.passed("shop::b[bot]", user="again")
    log.finish(0)
    report = report_of(log)
    assert (report.segments, report.exit_code, report.outcome) == (2, 0, "completed")
    assert report.counts == Counts(passed=2)
    b = report.cases[1]
    assert [turn.user for turn in b.turns] == ["again"]
    assert b.broken_checks == []


def test_a_check_over_a_suite_is_that_of_the_last_run(report_of: Reader) -> None:
    log = HandWrittenLog()
    log.passed("shop::a[bot]")
    log.check(None, "error", name="p95")
    log.start(resumed=True)
    log.check(None, "passed", name="p95")
    log.finish()
    [(_, check)] = report_of(log).suite_checks
    assert check.held


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ({"exit_code": 3}, 3),
        ({"exit_code": 1, "outcome": "interrupted"}, 130),
        ({"exit_code": None, "outcome": "failed", "error": "broken"}, 4),
        ({"exit_code": None, "failed": 1}, 3),
        ({"exit_code": None}, 0),
    ],
)
def test_the_exit_code_is_that_of_the_run(
    report_of: Reader, end: dict[str, object], code: int
) -> None:
    log = HandWrittenLog()
    log.finish(**end)  # type: ignore[arg-type] # the fields of an entry
    assert report_of(log).exit_code == code


def test_the_log_of_a_chat_has_times_too(report_of: Reader) -> None:
    log = HandWrittenLog(command="chat")
    log.turn(None, offsets=(10.0, 30.0), latency=40.0)
    log.finish(None)
    report = report_of(log)
    assert report.counts.total == 0
    [times] = report.connections
    assert times.first_token_ms == Percentiles(1, 10.0, 10.0, 10.0)
    assert times.gap_ms == Percentiles(1, 20.0, 20.0, 20.0)


def test_percentiles_are_per_connection_over_what_was_measured(report_of: Reader) -> None:
    log = HandWrittenLog()
    for number in range(1, 101):
        log.turn(None, offsets=(float(number),), latency=None if number > 50 else float(number))
    log.turn(None, connection="other", offsets=())
    log.finish()
    bot, other = report_of(log).connections
    assert bot.first_token_ms == Percentiles(100, 50.0, 95.0, 99.0)
    assert bot.latency_ms == Percentiles(50, 25.0, 48.0, 50.0)
    assert bot.gap_ms is None
    assert (other.connection, other.first_token_ms) == ("other", None)


def test_an_empty_log_says_that_nothing_began(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("")
    with pytest.raises(RunLogError, match="empty"):
        read_report(log)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_log_is_read_wherever_it_was_cut(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = HandWrittenLog()
    log.passed("shop::a[bot]")
    log.failed("shop::b[bot]")
    log.broken("shop::c[bot]")
    log.finish(3)
    size = sum(len(line.encode()) + 1 for line in log.lines)
    # The first line is written before anything is run: without it there is nothing to read.
    cut = data.draw(st.integers(0, size - len(log.lines[0]) - 1))
    path = tmp_path_factory.mktemp("cut") / "log.jsonl"
    report = read_report(log.write(path, cut=cut))
    assert report.exit_code == (3 if cut == 0 else 130)
    assert report.counts.passed + report.counts.failed + report.counts.error <= 3
    assert report.counts.unfinished <= 1


@given(values=st.lists(st.floats(0, 1e6), min_size=1, max_size=300))
def test_a_percentile_is_a_value_that_was_measured(values: list[float]) -> None:
    result = Percentiles.of(values)
    assert result is not None
    for percent, value in ((50, result.p50), (95, result.p95), (99, result.p99)):
        assert value in values
        assert sum(other <= value for other in values) >= percent / 100 * len(values)
        assert sum(other < value for other in values) < percent / 100 * len(values)
