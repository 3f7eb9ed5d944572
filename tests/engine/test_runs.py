"""Many tests at once: how many, in which order, and how a run ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import SocketStream

from support.raw_server import raw_server, read_http_request
from support.suites import KINDS, cases_of, make_suite, make_test, run_suite
from turnwire.checks.structuring import structure_check
from turnwire.engine import (
    CaseFinished,
    CaseStarted,
    CheckDone,
    ConnectionSource,
    Event,
    Shared,
    check_suites,
    run_case,
    run_cases,
)
from turnwire.kinds import Kinds
from turnwire.runlog import RunLog, read_log
from turnwire.steps import RunningTest, Step
from turnwire.suites.model import Origin
from turnwire_core import hookimpl

pytestmark = pytest.mark.anyio

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"reply": "Hi"}'
"""What the raw server of these tests says to everybody."""


def target(port: int) -> dict[str, Any]:
    return {"base_url": f"http://127.0.0.1:{port}/", "responseFieldPath": "reply"}


class Barrier(Step):
    """Waits until so many tests are in it at once."""

    kind = "meet"
    doc = "Meets others."

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.most = 0
        self._inside = 0
        self._met = anyio.Event()

    async def run(self, options: Any, test: RunningTest) -> None:
        self._inside += 1
        self.most = max(self.most, self._inside)
        if self._inside == self.wanted:
            self._met.set()
        await self._met.wait()
        await anyio.wait_all_tasks_blocked()
        self._inside -= 1


def kinds_with(*steps: Step) -> Kinds:
    class Plugin:
        @hookimpl
        def turnwire_steps(self) -> list[Step]:
            return list(steps)

    kinds = Kinds(discover=False)
    kinds.register(Plugin())
    return kinds


@pytest.mark.parametrize("jobs", [1, 3])
async def test_as_many_tests_run_at_once_as_there_are_jobs(tmp_path: Path, jobs: int) -> None:
    barrier = Barrier(jobs)
    kinds = kinds_with(barrier)
    tests = [make_test(f"Test {n}", {"meet": True}, kinds=kinds) for n in range(7)]
    ran = await run_suite(make_suite(*tests), folder=tmp_path, jobs=jobs, kinds=kinds)
    assert ran.outcome.counts == {"passed": 7, "failed": 0, "error": 0, "skipped": 0}
    assert barrier.most == jobs


async def test_results_stand_in_the_order_of_the_cases(tmp_path: Path) -> None:
    suite = make_suite(
        make_test("Slow", "[first_ms=200] Thank you"), make_test("Fast", "[first_ms=0] Thank you")
    )
    ran = await run_suite(suite, folder=tmp_path)
    assert [result.case.test.name for result in ran.outcome.results] == ["Slow", "Fast"]
    finished = [event.case.test.name for event in ran.events if isinstance(event, CaseFinished)]
    assert finished == ["Fast", "Slow"]


async def test_after_a_failure_fail_fast_begins_no_test_and_breaks_none_off(tmp_path: Path) -> None:
    suite = make_suite(
        make_test("Fails", "[first_ms=0] Thank you", checks=[{"contains": "nothing"}]),
        make_test("Runs on", "[first_ms=300] Thank you"),
        make_test("Not begun", "Hi"),
        make_test("Not begun either", "Hi"),
    )
    ran = await run_suite(suite, folder=tmp_path, jobs=2, fail_fast=True)
    assert [result.status for result in ran.outcome.results] == ["failed", "passed"]
    assert [case.test.name for case in ran.outcome.not_run] == ["Not begun", "Not begun either"]
    assert len(ran.of_type("test_started")) == 2
    assert ran.outcome.exit_code == 1


async def test_a_run_of_nothing_has_its_own_exit_code(tmp_path: Path) -> None:
    ran = await run_suite(make_suite(), folder=tmp_path)
    assert (ran.outcome.results, ran.outcome.exit_code) == ((), 5)


async def test_the_end_of_the_log_says_what_came_of_the_run(tmp_path: Path) -> None:
    suite = make_suite(
        make_test("Good", "Thank you"), make_test("Bad", "Thank you", checks=[{"contains": "no"}])
    )
    ran = await run_suite(suite, folder=tmp_path)
    (finished,) = ran.of_type("run_finished")
    assert finished.counts == {"passed": 1, "failed": 1, "error": 0, "skipped": 0}
    assert (finished.exit_code, finished.outcome, finished.turns) == (1, "completed", 2)


async def test_a_test_is_told_of_as_finished_once_that_is_in_the_log(tmp_path: Path) -> None:
    in_log: list[bool] = []

    def on_event(event: Event) -> None:
        if isinstance(event, CaseFinished):
            entries = read_log(tmp_path / "log.jsonl")
            ended = {one.test for one in entries if one.type == "test_finished"}  # type: ignore[attr-defined] # of that type
            in_log.append(event.case.id in ended)

    tests = [make_test(f"Test {n}", "[first_ms=0] Thank you") for n in range(4)]
    await run_suite(make_suite(*tests), folder=tmp_path, on_event=on_event)
    assert in_log == [True] * 4


async def test_what_a_watcher_raises_ends_the_run_and_is_raised_as_it_is(tmp_path: Path) -> None:
    def on_event(event: Event) -> None:
        if isinstance(event, CaseStarted):
            raise BrokenPipeError("nobody looks any more")

    suite = make_suite(make_test("One", "[fault=silent] Hi"), make_test("Two", "[fault=silent] Hi"))
    with pytest.raises(BrokenPipeError, match="nobody looks"):
        await run_suite(suite, folder=tmp_path, on_event=on_event)
    entries = list(read_log(tmp_path / "log.jsonl"))
    assert entries[-1].type == "run_finished"
    assert [one for one in entries if one.type == "test_finished"] == []


async def test_a_cancelled_run_closes_its_conversations_and_finishes_no_test(
    tmp_path: Path,
) -> None:
    suite = make_suite(*(make_test(f"Test {n}", "[fault=silent] Hi") for n in range(3)))
    path = tmp_path / "log.jsonl"
    started: list[str] = []
    async with ConnectionSource() as sources:
        with RunLog(path, command="run") as log, anyio.CancelScope() as scope:

            def on_event(event: Event) -> None:
                if isinstance(event, CaseStarted):
                    started.append(event.case.id)
                    if len(started) == 2:
                        scope.cancel()

            cases = cases_of(suite, "demo-sse")
            await run_cases(cases, sources=sources, kinds=KINDS, log=log, jobs=2, on_event=on_event)
        assert scope.cancelled_caught
    entries = list(read_log(path))
    assert [one.type for one in entries].count("test_started") == 2
    assert [one for one in entries if one.type == "test_finished"] == []


async def test_one_conversation_is_held_for_each_test(tmp_path: Path) -> None:
    said: list[int] = []

    async def answer(stream: SocketStream) -> None:
        while True:
            said.append(len(await read_http_request(stream)))
            await stream.send(ANSWER)

    async with raw_server(answer) as port:
        suite = make_suite(
            *(make_test(f"Test {n}", "One", "Two") for n in range(3)),
            inline_connections={"own": target(port)},
        )
        ran = await run_suite(suite, "own", folder=tmp_path)
    assert len(ran.of_type("connection_opened")) == len(ran.of_type("connection_closed")) == 3
    assert {one.test for one in ran.of_type("assistant_reply")} == {
        result.case.id for result in ran.outcome.results
    }
    assert len(said) == 6


async def test_what_is_tested_is_not_tried_again_unless_its_connection_says_so(
    tmp_path: Path,
) -> None:
    tried: list[str] = []

    async def refuse(stream: SocketStream) -> None:
        head, _ = await read_http_request(stream)
        tried.append(head.split()[1].decode())
        await stream.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    async with raw_server(refuse) as port:
        url = f"http://127.0.0.1:{port}"
        patient = {"base_url": f"{url}/patient", "retry": {"attempts": 1, "backoffMs": 1}}
        suite = make_suite(
            make_test("Busy", "Hi"),
            inline_connections={"usual": {"base_url": f"{url}/usual"}, "patient": patient},
        )
        ran = await run_suite(suite, "usual", "patient", folder=tmp_path, jobs=1)
    assert tried == ["/usual", "/patient", "/patient"]
    assert [one.test for one in ran.of_type("attempt_failed")] == ["shop::busy[patient]"]


def percentile(**options: Any) -> Any:
    raw = {"percentiles": {"metric": "latencyMs", **options}}
    return structure_check(raw, KINDS, Origin("shop.turnwire.yaml"), suite_wide=True)


async def test_a_suite_is_checked_over_all_turns_of_each_connection(tmp_path: Path) -> None:
    suite = make_suite(
        *(make_test(f"Test {n}", "[first_ms=0] Thank you") for n in range(3)),
        checks=(percentile(max=60_000, min_samples=3), percentile(max=0.001, min_samples=3)),
    )
    ran = await run_suite(suite, "demo-sse", "demo-http", folder=tmp_path)
    assert [(one.connection, one.status) for one in ran.outcome.suite_checks] == [
        ("demo-sse", "passed"),
        ("demo-sse", "failed"),
        ("demo-http", "passed"),
        ("demo-http", "failed"),
    ]
    assert ran.outcome.exit_code == 1
    assert [(one.test, one.connection) for one in ran.of_type("check")] == [
        (None, "demo-sse"),
        (None, "demo-sse"),
        (None, "demo-http"),
        (None, "demo-http"),
    ]
    assert [event.case for event in ran.events if isinstance(event, CheckDone)] == [None] * 4


async def test_too_few_turns_for_a_percentile_are_the_fault_of_the_config(tmp_path: Path) -> None:
    suite = make_suite(
        make_test("Lone", "Thank you"), checks=(percentile(max=60_000, min_samples=2),)
    )
    ran = await run_suite(suite, folder=tmp_path)
    (check,) = ran.outcome.suite_checks
    assert (check.status, check.failure) == ("error", "config")
    assert ran.outcome.exit_code == 2


async def test_too_few_turns_because_the_target_was_down_are_its_own_fault(tmp_path: Path) -> None:
    down = {"base_url": "http://127.0.0.1:1/"}
    suite = make_suite(
        make_test("Down", "Hi"),
        checks=(percentile(max=60_000, min_samples=2),),
        inline_connections={"down": down},
    )
    ran = await run_suite(suite, "down", folder=tmp_path)
    (check,) = ran.outcome.suite_checks
    assert (check.status, check.failure) == ("error", "transport")
    assert ran.outcome.exit_code == 3


async def test_a_suite_of_which_tests_were_left_out_is_not_checked(tmp_path: Path) -> None:
    suite = make_suite(
        make_test("Fails", "Hi", checks=[{"contains": "no"}]),
        make_test("Left out", "Hi"),
        checks=(percentile(max=60_000, min_samples=2),),
    )
    ran = await run_suite(suite, folder=tmp_path, jobs=1, fail_fast=True)
    assert ran.outcome.suite_checks == ()


async def test_tests_that_are_run_one_by_one_come_to_the_same(tmp_path: Path) -> None:
    suite = make_suite(
        *(make_test(f"Test {n}", "[first_ms=0] Thank you") for n in range(2)),
        checks=(percentile(max=60_000, min_samples=2),),
    )
    async with ConnectionSource() as sources:
        shared = Shared()
        results = [
            await run_case(case, sources=sources, kinds=KINDS, shared=shared)
            for case in cases_of(suite, "demo-sse")
        ]
        (check,) = await check_suites(results, sources=sources, kinds=KINDS)
    assert [result.status for result in results] == ["passed", "passed"]
    assert check.status == "passed"


async def test_a_single_test_raises_what_its_watcher_raised() -> None:
    def on_event(event: Event) -> None:
        raise LookupError("no screen")

    (case,) = cases_of(make_suite(make_test("One", "Thank you")), "demo-sse")
    async with ConnectionSource() as sources:
        with pytest.raises(LookupError, match="no screen"):
            await run_case(case, sources=sources, kinds=KINDS, on_event=on_event)
