"""What is said of two runs: what broke, what was mended, and which times changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pytest

from support.run_logs import HandWrittenLog
from turnwire.comparing import Bounds, compare, json_, markdown, terminal
from turnwire.comparing.chance import change_of
from turnwire.comparing.model import Change, Comparison, Delta, Finding, Tally

Comparer = Callable[..., Comparison]


@pytest.fixture
def compared(tmp_path: Path) -> Comparer:
    """The comparison of two logs, read from files as it would be."""
    from turnwire.reports.reading import read_report

    def read(before: HandWrittenLog, after: HandWrittenLog, **options: object) -> Comparison:
        one = read_report(before.write(tmp_path / "a.jsonl"))
        other = read_report(after.write(tmp_path / "b.jsonl"))
        return compare(one, other, bounds=Bounds(**options))  # type: ignore[arg-type]

    return read


def log_of(*passed: str, failed: Sequence[str] = (), **start: object) -> HandWrittenLog:
    """A run in which these tests passed, and those did not."""
    log = HandWrittenLog(**start)
    for case in passed:
        log.passed(case)
    for case in failed:
        log.failed(case)
    log.finish()
    return log


def timed(seed: int, *, shift: float = 0.0, tests: int = 20, **more: object) -> HandWrittenLog:
    """A run of tests, each with a pace of its own, measured with noise; ``shift`` ms slower."""
    draw = Random(seed)
    log = HandWrittenLog(**more)
    for number in range(tests):
        first = 200 + 20 * number + shift + draw.gauss(0, 8)
        latency = first + 100 + abs(draw.gauss(0, 8))
        log.passed(f"shop::{number}[bot]", offsets=(first, first + 10), latency=latency)
    log.finish()
    return log


def changes(comparison: Comparison) -> dict[str, Change]:
    return {test.id: test.change for test in comparison.tests}


def delta(comparison: Comparison, measure: str) -> Delta:
    [found] = [one for one in comparison.times[0].deltas if one.measure == measure]
    return found


class TestTests:
    def test_each_test_is_told_of_by_what_became_of_it(self, compared: Comparer) -> None:
        before = log_of("shop::a[bot]", "shop::b[bot]", "shop::old[bot]", failed=["shop::c[bot]"])
        after = log_of("shop::a[bot]", "shop::c[bot]", "shop::new[bot]", failed=["shop::b[bot]"])
        found = compared(before, after)
        assert changes(found) == {
            "shop::a[bot]": Change.SAME,
            "shop::b[bot]": Change.BROKE,
            "shop::c[bot]": Change.MENDED,
            "shop::new[bot]": Change.NEW,
            "shop::old[bot]": Change.GONE,
        }
        [broke] = found.with_change(Change.BROKE)
        assert broke.reason == 'contains: expected "refund", found "Hello"'
        assert found.broke
        assert not found.slower

    def test_a_target_that_cannot_be_reached_any_more_broke_the_test(
        self, compared: Comparer
    ) -> None:
        after = HandWrittenLog()
        after.broken("shop::a[bot]")
        after.finish(3)
        assert changes(compared(log_of("shop::a[bot]"), after)) == {"shop::a[bot]": Change.BROKE}

    def test_a_run_that_was_killed_is_compared_as_far_as_it_came(self, compared: Comparer) -> None:
        after = HandWrittenLog()
        after.passed("shop::a[bot]")
        after.begin("shop::b[bot]")
        after.turn("shop::b[bot]", reply=None)
        found = compared(log_of("shop::a[bot]", "shop::b[bot]", "shop::c[bot]"), after)
        assert changes(found) == {
            "shop::a[bot]": Change.SAME,
            "shop::b[bot]": Change.UNFINISHED,
            "shop::c[bot]": Change.UNFINISHED,
        }
        assert not found.broke
        assert "The log of the run after has no end" in found.notes[0]
        assert found.left_out.unfinished == 1

    def test_a_run_that_was_resumed_counts_with_its_last_results(self, compared: Comparer) -> None:
        after = HandWrittenLog()
        after.failed("shop::a[bot]")
        after.start(resumed=True)
        after.passed("shop::a[bot]")
        after.finish()
        assert changes(compared(log_of("shop::a[bot]"), after)) == {"shop::a[bot]": Change.SAME}

    def test_a_check_over_a_suite_can_break_too(self, compared: Comparer) -> None:
        logs = []
        for status in ("passed", "failed"):
            log = HandWrittenLog()
            log.passed("shop::a[bot]")
            log.check(None, status, name="p95 of firstTokenMs")
            log.finish()
            logs.append(log)
        found = compared(*logs)
        assert [(one.name, one.change) for one in found.suite_checks] == [
            ("p95 of firstTokenMs", Change.BROKE)
        ]
        assert found.broke

    def test_repetitions_are_one_test(self, compared: Comparer) -> None:
        def run(passed: int) -> HandWrittenLog:
            log = HandWrittenLog()
            for number in range(1, 11):
                case = "shop::a[bot]" + (f"#{number}" if number > 1 else "")
                log.begin(case, repetition=number)
                log.end(case, "passed" if number <= passed else "failed")
            log.finish()
            return log

        assert changes(compared(run(10), run(2))) == {"shop::a[bot]": Change.BROKE}
        [test] = compared(run(10), run(9)).tests
        assert (test.change, str(test.after)) == (Change.LESS_OFTEN, "9 of 10 passed")

    @pytest.mark.parametrize(
        ("before", "after", "change"),
        [
            ((1, 1), (0, 1), Change.BROKE),
            ((2, 2), (0, 2), Change.BROKE),
            ((3, 3), (2, 3), Change.LESS_OFTEN),
            # Fisher's test gives 0.0286 for 4 of 4 against 0 of 4, and 0.0704 for 8 of 8
            # against 5 of 8, 0.0256 for 4 of 8.
            ((8, 8), (5, 8), Change.LESS_OFTEN),
            ((8, 8), (4, 8), Change.BROKE),
            ((5, 8), (8, 8), Change.MORE_OFTEN),
            ((4, 8), (8, 8), Change.MENDED),
            ((0, 1), (1, 1), Change.MENDED),
            ((5, 10), (1, 2), Change.SAME),
        ],
    )
    def test_how_often_is_a_change_only_beyond_chance(
        self, before: tuple[int, int], after: tuple[int, int], change: Change
    ) -> None:
        assert change_of(Tally(*before), Tally(*after)) is change


class TestTimes:
    def test_noise_is_no_change(self, compared: Comparer) -> None:
        found = compared(timed(1), timed(2))
        assert {one.finding for one in found.times[0].deltas} <= {
            Finding.WITHIN_NOISE,
            Finding.TOO_SMALL,
        }

    def test_a_true_shift_is_slower_by_so_much(self, compared: Comparer) -> None:
        found = compared(timed(1), timed(2, shift=40))
        first = delta(found, "firstTokenMs")
        assert first.finding is Finding.SLOWER
        assert first.interval is not None
        assert first.interval.low < 40 < first.interval.high
        assert first.conversations == 20
        assert found.slower
        back = delta(compared(timed(2, shift=40), timed(1)), "firstTokenMs")
        assert back.finding is Finding.FASTER

    def test_few_comparisons_of_the_same_target_flag_anything(self, compared: Comparer) -> None:
        flagged = sum(
            compared(timed(seed), timed(seed + 1000), min_percent=0, min_ms=0).slower
            for seed in range(15)
        )
        assert flagged <= 2

    def test_what_is_too_small_to_matter_is_no_change(self, compared: Comparer) -> None:
        found = compared(timed(1), timed(1, shift=4))
        assert delta(found, "firstTokenMs").finding is Finding.TOO_SMALL
        found = compared(timed(1), timed(1, shift=4), min_ms=1, min_percent=0.5)
        assert delta(found, "firstTokenMs").finding is Finding.SLOWER

    def test_of_few_conversations_nothing_is_said(self, compared: Comparer) -> None:
        found = compared(timed(1, tests=9), timed(2, tests=9, shift=500))
        first = delta(found, "firstTokenMs")
        assert (first.finding, first.interval) == (Finding.TOO_FEW, None)
        assert first.difference > 400
        assert not found.slower

    def test_turns_that_were_not_ok_are_left_out_and_counted(self, compared: Comparer) -> None:
        after = timed(2)
        after.lines.pop()
        after.begin("shop::x[bot]")
        after.turn("shop::x[bot]", ok=False, verdict="stalled", offsets=(9000.0,), latency=None)
        after.end("shop::x[bot]")
        after.finish()
        before = timed(1)
        before.lines.pop()
        before.passed("shop::x[bot]")
        before.finish()
        found = compared(before, after)
        assert delta(found, "firstTokenMs").conversations == 20
        assert found.left_out.not_ok == 1

    def test_spoilt_replies_are_left_out_unless_they_are_asked_for(
        self, compared: Comparer
    ) -> None:
        def run(spoilt: dict[str, float]) -> HandWrittenLog:
            log = HandWrittenLog()
            for number in range(12):
                by = spoilt if number == 0 else {}
                log.passed(f"shop::{number}[bot]", client={"spoilt": by})
            log.finish()
            return log

        logs = run({}), run({"firstTokenMs": 31.2})
        found = compared(*logs)
        assert delta(found, "firstTokenMs").conversations == 11
        assert found.left_out.spoilt == 1
        assert "1 turn left out of the times: the machine that measured" in markdown.render(found)
        assert delta(compared(*logs, with_spoilt=True), "firstTokenMs").conversations == 12

    def test_times_of_recordings_are_compared_only_when_asked_for(self, compared: Comparer) -> None:
        logs = timed(1), timed(2, shift=40, replay={"from": "recordings/", "speed": 1.0})
        found = compared(*logs)
        assert (found.times, found.slower, found.paired) == ([], False, 20)
        assert "In the run after, recordings answered" in found.notes[0]
        assert compared(*logs, with_replayed=True).slower

    def test_each_connection_has_its_times_and_all_together(self, compared: Comparer) -> None:
        def both(seed: int, shift: float) -> HandWrittenLog:
            draw = Random(seed)
            log = HandWrittenLog()
            for number in range(12):
                for name, extra in (("one", shift), ("two", 0.0)):
                    first = 300 + extra + draw.gauss(0, 5)
                    log.passed(
                        f"shop::{number}[{name}]", connection=name, offsets=(first,), latency=first
                    )
            log.finish()
            return log

        found = compared(both(1, 0), both(2, 90))
        by_name = {times.connection: next(iter(times.deltas)).finding for times in found.times}
        assert by_name["one"] is Finding.SLOWER
        assert by_name["two"] is not Finding.SLOWER
        assert None in by_name
        most = found.times[0].most
        assert len([one for one in most if one.measure == "firstTokenMs"]) == 3

    def test_what_a_reader_should_know_is_said(self, compared: Comparer) -> None:
        before = log_of("shop::a[bot]", jobs=1)
        after = HandWrittenLog(jobs=8)
        after.passed("shop::a[bot]", user="Something else")
        after.finish(outcome="interrupted")
        notes = " ".join(compared(before, after).notes)
        assert "1 and 8 tests going at once" in notes
        assert "1 turn said something else" in notes
        assert "was interrupted" in notes


class TestFormats:
    def test_json_has_everything(self, compared: Comparer) -> None:
        document = json.loads(json_.render(compared(timed(1), timed(2, shift=40))))
        assert document["slower"] is True
        assert document["counts"]["same"] == 20
        first = document["times"][0]["deltas"][0]
        assert first["measure"] == "firstTokenMs"
        assert first["finding"] == "slower"
        assert first["interval"]["low"] < first["difference"] < first["interval"]["high"]

    def test_nothing_that_a_target_said_is_obeyed(self, compared: Comparer) -> None:
        hostile = "x\n::error::injected\x1b[31m ##[add-mask]x |a| <b> `"
        before = log_of(f"shop::{hostile}[bot]")
        after = HandWrittenLog()
        after.begin(f"shop::{hostile}[bot]")
        after.end(f"shop::{hostile}[bot]", "failed", reasons=[hostile])
        after.finish()
        found = compared(before, after)
        shown = "\n".join(line.text for line in terminal.render(found, verbose=True))
        for text in (shown, markdown.render(found), json_.render(found)):
            assert "injected" in text
            assert "\x1b" not in text
            assert "##[" not in text
            assert "\n::error" not in text
