"""A run that goes on where an earlier one ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from support.suites import KINDS, cases_of, check, make_suite, make_test
from turnwire.engine import CaseFinished, CaseStarted, ConnectionSource, Event, run_cases
from turnwire.runlog import RunLog, read_log, read_progress
from turnwire.suites.model import Case

pytestmark = pytest.mark.anyio

OVER_ALL = check(
    {"percentiles": {"metric": "latencyMs", "max": 60_000, "minSamples": 3}}, suite_wide=True
)


async def run(cases: list[Case], path: Path, *, resume: bool = False, **more: Any) -> Any:
    earlier = read_progress(path) if resume else None
    with anyio.fail_after(20):
        async with ConnectionSource() as sources:
            with RunLog(path, command="run", resume=resume) as log:
                return await run_cases(
                    cases, sources=sources, kinds=KINDS, log=log, jobs=2, earlier=earlier, **more
                )


async def interrupt(cases: list[Case], path: Path, *, after: int) -> None:
    """Run, and break the run off after so many tests are finished."""
    finished = 0
    with anyio.CancelScope() as scope:

        def on_event(event: Event) -> None:
            nonlocal finished
            finished += isinstance(event, CaseFinished)
            if finished >= after:
                scope.cancel()

        await run(cases, path, on_event=on_event)
    assert scope.cancelled_caught


async def test_what_is_finished_is_not_run_again_and_counts_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    suite = make_suite(
        make_test("Fails", "[first_ms=0] Thank you", checks=[{"contains": "no"}]),
        *(make_test(f"Test {n}", "[first_ms=0] Thank you") for n in range(6)),
        checks=(OVER_ALL,),
    )
    cases = cases_of(suite, "demo-sse")
    await interrupt(cases, path, after=3)
    done = set(read_progress(path).finished)
    assert 3 <= len(done) < 7
    started: list[str] = []

    def on_event(event: Event) -> None:
        if isinstance(event, CaseStarted):
            started.append(event.case.id)

    outcome = await run(cases, path, resume=True, on_event=on_event)
    assert set(started) == {case.id for case in cases} - done
    assert outcome.counts == {"passed": 6, "failed": 1, "error": 0, "skipped": 0}
    assert outcome.exit_code == 1
    assert {one.case.id for one in outcome.results if one.earlier} == done
    ended = [one.test for one in read_log(path) if one.type == "test_finished"]  # type: ignore[attr-defined] # of that type
    assert sorted(ended) == sorted(case.id for case in cases)


async def test_checks_over_a_suite_see_the_turns_of_both_runs(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    suite = make_suite(
        *(make_test(f"Test {n}", "[first_ms=0] Thank you") for n in range(4)), checks=(OVER_ALL,)
    )
    cases = cases_of(suite, "demo-sse")
    await run(cases[:2], path)
    outcome = await run(cases, path, resume=True)
    (over_all,) = outcome.suite_checks
    assert over_all.status == "passed"
    assert "4 turns" in over_all.actual


async def test_a_run_that_was_complete_runs_nothing_and_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    suite = make_suite(
        make_test("Good", "Thank you"),
        make_test("Down", "[fault=500] Hi"),
        make_test("Skipped", "Hi", skip="later"),
    )
    cases = cases_of(suite, "demo-sse")
    first = await run(cases, path)
    events: list[Event] = []
    second = await run(cases, path, resume=True, on_event=events.append)
    assert events == []
    assert second.counts == first.counts
    assert second.exit_code == first.exit_code == 3
    assert [(one.status, one.failure, one.error, one.reasons) for one in second.results] == [
        (one.status, one.failure, one.error, one.reasons) for one in first.results
    ]


async def test_after_an_earlier_failure_fail_fast_begins_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    suite = make_suite(
        make_test("Fails", "Thank you", checks=[{"contains": "no"}]), make_test("Next", "Thank you")
    )
    cases = cases_of(suite, "demo-sse")
    await run(cases[:1], path)
    outcome = await run(cases, path, resume=True, fail_fast=True)
    assert [case.test.name for case in outcome.not_run] == ["Next"]
