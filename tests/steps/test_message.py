"""``message`` and ``check``: what is said, and steps that say nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.suites import make_suite, make_test, run_suite
from turnwire_core.config import Findings

pytestmark = pytest.mark.anyio


async def test_placeholders_in_a_message_are_filled(tmp_path: Path) -> None:
    test = make_test(
        "Filled",
        "echo {{variables.city}} {{variables.account.id}} {{connection}} {{test}} {{env.USER}}",
        "echo you said: {{reply}}",
        checks=[{"equals": "you said: Bern 7 demo-sse filled ada"}],
        variables={"city": "Bern", "account": {"id": 7}},
    )
    ran = await run_suite(make_suite(test, environment={"USER": "ada"}), folder=tmp_path)
    assert ran.result.status == "passed", ran.result.reasons


async def test_a_message_that_is_one_placeholder_is_said_as_text(tmp_path: Path) -> None:
    test = make_test("Number", "{{variables.order}}", variables={"order": 12345})
    ran = await run_suite(make_suite(test), folder=tmp_path)
    assert ran.result.status == "passed", ran.result.reasons
    assert [one.content for one in ran.of_type("user_message")] == ["12345"]


async def test_a_placeholder_without_a_value_is_an_error_and_nothing_is_said(
    tmp_path: Path,
) -> None:
    ran = await run_suite(make_suite(make_test("Gap", "Hi {{variables.who}}")), folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("error", "config")
    assert "{{variables.who}}" in (ran.result.error or "")
    assert ran.of_type("user_message") == []


async def test_the_reply_has_no_value_before_there_was_one(tmp_path: Path) -> None:
    ran = await run_suite(make_suite(make_test("Early", "echo {{reply}}")), folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("error", "config")


async def test_an_empty_message_is_an_error(tmp_path: Path) -> None:
    test = make_test("Silent", "{{variables.nothing}}", variables={"nothing": " "})
    ran = await run_suite(make_suite(test), folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("error", "config")


async def test_a_system_message_goes_into_the_transcript_and_takes_no_turn(tmp_path: Path) -> None:
    test = make_test("System", {"message": "You are brief.", "role": "system"}, "Thank you")
    ran = await run_suite(make_suite(test), "demo-openai", folder=tmp_path)
    assert ran.result.status == "passed"
    assert len(ran.result.turns) == 1
    checked = make_test(
        "Seen",
        {"message": "You are brief.", "role": "system"},
        "Thank you",
        checks=[{"contains": "system: You are brief.", "scope": "transcript"}],
    )
    (tmp_path / "again").mkdir()
    ran = await run_suite(make_suite(checked), folder=tmp_path / "again")
    assert ran.result.status == "passed", ran.result.reasons


def test_nobody_says_a_system_message() -> None:
    with pytest.raises(Findings) as raised:
        make_test("Odd", {"message": "Be brief.", "role": "system", "persona": "a pilot"})
    assert "'persona'" in raised.value.findings[0].message


async def test_a_step_that_only_checks_takes_no_turn(tmp_path: Path) -> None:
    test = make_test(
        "Checked",
        "Thank you",
        {"check": [{"contains": "welcome"}, {"contains": "sorry"}]},
    )
    ran = await run_suite(make_suite(test), folder=tmp_path)
    assert [check.status for check in ran.result.checks] == ["passed", "failed"]
    assert len(ran.result.turns) == 1


async def test_a_check_before_the_first_reply_cannot_be_evaluated(tmp_path: Path) -> None:
    ran = await run_suite(
        make_suite(make_test("Early", {"check": {"contains": "x"}})), folder=tmp_path
    )
    assert (ran.result.status, ran.result.failure) == ("error", "config")
