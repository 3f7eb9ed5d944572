"""What one test comes to, whatever happens in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.suites import make_suite, make_test, run_suite
from turnwire.checks.contract import Check, CheckContext, CheckResult
from turnwire.engine import ChunkArrived, TurnFinished
from turnwire.kinds import Kinds
from turnwire.steps import RunningTest, Step
from turnwire.suites.model import Persona, TestLimits
from turnwire_core import hookimpl

pytestmark = pytest.mark.anyio


async def test_a_test_whose_checks_hold_passes(tmp_path: Path) -> None:
    suite = make_suite(
        make_test("Refund", {"message": "Can I return it?", "checks": [{"contains": "30 days"}]})
    )
    ran = await run_suite(suite, folder=tmp_path)
    assert (ran.result.status, ran.result.failure, ran.result.error) == ("passed", None, None)
    assert [check.status for check in ran.result.checks] == ["passed"]
    assert ran.outcome.exit_code == 0


@pytest.mark.parametrize("connection", ["demo-http", "demo-sse", "demo-websocket"])
async def test_a_suite_runs_over_any_protocol(tmp_path: Path, connection: str) -> None:
    suite = make_suite(
        make_test(
            "Memory", "My name is Ada", "What is my name?", checks=[{"equals": "Your name is Ada."}]
        )
    )
    ran = await run_suite(suite, connection, folder=tmp_path)
    assert ran.result.status == "passed", ran.result.reasons
    assert len(ran.result.turns) == 2


async def test_a_check_that_does_not_hold_fails_the_test_which_goes_on(tmp_path: Path) -> None:
    suite = make_suite(
        make_test("Wrong", {"message": "Hi", "checks": [{"contains": "goodbye"}]}, "Thank you")
    )
    ran = await run_suite(suite, folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("failed", "check")
    assert ran.result.error is None
    assert len(ran.result.turns) == 2
    assert "goodbye" in ran.result.reasons[0]
    assert ran.outcome.exit_code == 1


@pytest.mark.parametrize("severity", ["warning", "info"])
async def test_a_check_of_lower_severity_fails_nobody(tmp_path: Path, severity: str) -> None:
    suite = make_suite(make_test("Mild", "Hi", checks=[{"contains": "no", "severity": severity}]))
    ran = await run_suite(suite, folder=tmp_path)
    assert ran.result.status == "passed"
    assert [check.status for check in ran.result.checks] == ["failed"]
    assert ran.result.reasons == ()


async def test_a_check_that_cannot_be_evaluated_is_an_error_of_any_severity(tmp_path: Path) -> None:
    suite = make_suite(
        make_test("Odd", "Hi", checks=[{"contains": "{{variables.x}}", "severity": "info"}])
    )
    ran = await run_suite(suite, folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("error", "config")
    assert "variables.x" in (ran.result.error or "")
    assert ran.outcome.exit_code == 2


async def test_a_turn_that_fails_ends_the_test_as_the_fault_of_the_target(tmp_path: Path) -> None:
    suite = make_suite(
        make_test("Down", "[fault=500] Hi", "Never said", checks=[{"contains": "x"}])
    )
    ran = await run_suite(suite, folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("error", "transport")
    assert "500" in (ran.result.error or "")
    assert len(ran.result.turns) == 1
    assert ran.result.checks == ()
    assert ran.outcome.exit_code == 3


async def test_a_step_that_checks_the_verdict_may_fail_and_the_test_goes_on(tmp_path: Path) -> None:
    suite = make_suite(
        make_test(
            "Refused",
            {"message": "[fault=500] Hi", "checks": [{"verdict": "rejected"}]},
            {"message": "[fault=no-finish] Hi", "checks": [{"verdict": "finished"}]},
            "Thank you",
        )
    )
    ran = await run_suite(suite, folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("failed", "check")
    assert [check.status for check in ran.result.checks] == ["passed", "failed"]
    assert len(ran.result.turns) == 3


async def test_a_check_of_the_verdict_at_the_end_excuses_no_turn(tmp_path: Path) -> None:
    suite = make_suite(make_test("Down", "[fault=500] Hi", checks=[{"verdict": "rejected"}]))
    ran = await run_suite(suite, folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("error", "transport")


async def test_a_test_that_takes_too_long_is_broken_off(tmp_path: Path) -> None:
    limits = TestLimits(timeout_ms=150)
    suite = make_suite(make_test("Slow", "[fault=silent] Hi", limits=limits))
    ran = await run_suite(suite, folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("error", "transport")
    assert "150 ms (limits.timeoutMs)" in (ran.result.error or "")
    assert [reply.verdict for reply in ran.of_type("assistant_reply")] == ["cancelled"]


async def test_a_test_takes_no_more_turns_than_it_may(tmp_path: Path) -> None:
    suite = make_suite(make_test("Long", "Hi", "Hi", "Hi", limits=TestLimits(max_turns=2)))
    ran = await run_suite(suite, folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("error", "config")
    assert "limits.maxTurns" in (ran.result.error or "")
    assert len(ran.result.turns) == 2


async def test_a_test_that_is_skipped_says_why_and_takes_no_turn(tmp_path: Path) -> None:
    suite = make_suite(make_test("Later", "Hi", skip="not sold yet"))
    ran = await run_suite(suite, folder=tmp_path)
    assert (ran.result.status, ran.result.reasons) == ("skipped", ("not sold yet",))
    assert ran.outcome.exit_code == 0
    assert ran.of_type("connection_opened") == []
    assert ran.of_type("test_finished")[0].status == "skipped"


async def test_a_connection_that_nobody_knows_is_the_fault_of_the_config(tmp_path: Path) -> None:
    ran = await run_suite(make_suite(make_test("Lost", "Hi")), "demo-sss", folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("error", "config")
    assert "demo-sse" in (ran.result.error or "")
    assert ran.of_type("test_started")[0].protocol is None


async def test_a_judge_that_is_down_is_an_error_and_never_a_pass(tmp_path: Path) -> None:
    down = {"base_url": "http://127.0.0.1:1/", "protocol": "http_chat"}
    suite = make_suite(
        make_test("Judged", "Hi", checks=[{"judge": "Is it friendly?"}]),
        judge="down",
        inline_connections={"down": down},
    )
    ran = await run_suite(suite, folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("error", "judge")
    assert ran.outcome.exit_code == 3


async def test_a_judge_is_told_apart_from_the_target_in_the_log(tmp_path: Path) -> None:
    suite = make_suite(
        make_test("Judged", "Hi", checks=[{"judge": "Is it friendly?"}]), judge="demo-http"
    )
    ran = await run_suite(suite, folder=tmp_path)
    # The demo assistant is no judge, and says so in its own way.
    assert (ran.result.status, ran.result.failure) == ("error", "judge")
    opened = ran.of_type("connection_opened")
    assert [(one.connection, one.role) for one in opened] == [
        ("demo-sse", "target"),
        ("demo-http", "judge"),
    ]
    assert {one.test for one in opened} == {ran.result.case.id}


class Exploding(Step):
    kind = "explode"
    doc = "Raises."

    async def run(self, options: Any, test: RunningTest) -> None:
        raise self.error

    error: BaseException = RuntimeError("boom")


class Exiting(Exploding):
    kind = "exit"
    error = SystemExit(3)


class Unfit(Check):
    kind = "unfit"

    async def evaluate(self, options: Any, context: CheckContext) -> CheckResult:
        raise ZeroDivisionError("by nothing")


class Plugin:
    @hookimpl
    def turnwire_steps(self) -> list[Step]:
        return [Exploding(), Exiting()]

    @hookimpl
    def turnwire_checks(self) -> list[Check]:
        return [Unfit()]


@pytest.fixture
def broken_kinds() -> Kinds:
    kinds = Kinds(discover=False)
    kinds.register(Plugin())
    return kinds


@pytest.mark.parametrize("kind", ["explode", "exit"])
async def test_a_step_that_breaks_takes_its_test_with_it_and_no_other(
    tmp_path: Path, broken_kinds: Kinds, kind: str
) -> None:
    suite = make_suite(
        make_test("Breaks", {kind: True}, kinds=broken_kinds),
        make_test("Works", "Hi", kinds=broken_kinds),
    )
    ran = await run_suite(suite, folder=tmp_path, kinds=broken_kinds)
    broken, fine = ran.outcome.results
    assert (broken.status, broken.failure) == ("error", "plugin")
    assert "Traceback" in (broken.traceback or "")
    assert (ran.of_type("test_finished")[0].traceback or "").startswith("Traceback")
    assert fine.status == "passed"
    assert ran.outcome.exit_code == 4


async def test_a_check_that_breaks_is_the_fault_of_its_plugin(
    tmp_path: Path, broken_kinds: Kinds
) -> None:
    suite = make_suite(
        make_test(
            "Breaks", "Hi", checks=[{"unfit": True}, {"contains": "Hello"}], kinds=broken_kinds
        )
    )
    ran = await run_suite(suite, folder=tmp_path, kinds=broken_kinds)
    assert (ran.result.status, ran.result.failure) == ("error", "plugin")
    assert [check.status for check in ran.result.checks] == ["error", "passed"]
    assert "ZeroDivisionError" in (ran.result.checks[0].detail or "")


async def test_of_several_failures_the_worst_is_named_and_all_are_listed(
    tmp_path: Path, broken_kinds: Kinds
) -> None:
    suite = make_suite(
        make_test(
            "Much",
            {"message": "Hi", "checks": [{"contains": "bye"}, {"contains": "{{variables.x}}"}]},
            {"explode": True},
            kinds=broken_kinds,
        )
    )
    ran = await run_suite(suite, folder=tmp_path, kinds=broken_kinds)
    assert (ran.result.status, ran.result.failure) == ("error", "plugin")
    assert [reason.split(":")[0] for reason in ran.result.reasons] == [
        "contains",
        "contains",
        "step 2 (explode)",
    ]


async def test_what_a_test_says_and_hears_is_told_as_it_happens(tmp_path: Path) -> None:
    ran = await run_suite(make_suite(make_test("Told", "Thank you")), folder=tmp_path)
    names = [type(event).__name__ for event in ran.events]
    assert names[:3] == ["CaseStarted", "TurnStarted", "ChunkArrived"]
    assert names[-2:] == ["TurnFinished", "CaseFinished"]
    chunks = [one.chunk.text for one in ran.events if isinstance(one, ChunkArrived)]
    (finished,) = [one for one in ran.events if isinstance(one, TurnFinished)]
    assert "".join(chunks) == finished.reply.content == "You are welcome!"


async def test_the_test_persona_speaks_unless_a_message_names_another(tmp_path: Path) -> None:
    suite = make_suite(
        make_test(
            "Who",
            {"message": "Who am I?", "checks": [{"equals": "You are a shopper (city: Bern)."}]},
            {
                "message": "Who am I?",
                "persona": "a grumpy pilot",
                "checks": [{"equals": "You are a grumpy pilot."}],
            },
            {"message": "Who am I?", "checks": [{"contains": "shopper"}]},
            persona="retail",
        ),
        personas={"retail": Persona("a shopper", {"city": "Bern"})},
    )
    ran = await run_suite(suite, "demo-http", folder=tmp_path)
    assert ran.result.status == "passed", ran.result.reasons


async def test_events_are_collected_only_for_checks_that_look_at_them(tmp_path: Path) -> None:
    suite = make_suite(
        make_test("Text", "Hi", checks=[{"contains": "Hello"}]),
        make_test("Events", "Hi", checks=[{"event_within": {"name": "message", "ms": 5000}}]),
    )
    ran = await run_suite(suite, folder=tmp_path)
    text, events = ran.outcome.results
    assert len(text.turns[0].events) == 0
    assert len(events.turns[0].events) > 1
    assert {event.name for event in events.turns[0].events} == {"message"}
    assert events.status == "passed"


async def test_a_check_can_be_turned_round_and_carries_its_words(tmp_path: Path) -> None:
    suite = make_suite(
        make_test(
            "Polite",
            "Hi",
            checks=[{"contains": "Hello", "not": True, "name": "no hello", "message": "too plain"}],
        )
    )
    ran = await run_suite(suite, folder=tmp_path)
    (check,) = ran.of_type("check")
    assert (check.name, check.status, check.message) == ("no hello", "failed", "too plain")
    assert check.expected.startswith("not: ")
    assert check.origin == "shop.turnwire.yaml:9: $.checks[0]"
    assert check.turn == 0
    assert "too plain" in ran.result.reasons[0]
