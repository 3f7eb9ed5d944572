"""``user_objective``: a simulated user pursues a goal."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from anyio.abc import SocketStream

from support.raw_server import raw_server, read_http_request
from support.suites import Ran, make_suite, make_test, run_suite
from turnwire.steps.user_objective import End, ScriptedUser
from turnwire.suites.model import Persona

pytestmark = pytest.mark.anyio


async def pursue(folder: Path, *, suite: Any = None, **options: Any) -> Ran:
    """Run one test with such a step."""
    test = make_test("Goal", {"user_objective": options})
    return await run_suite(make_suite(test, **(suite or {})), folder=folder)


def said(ran: Ran) -> list[str]:
    return [turn.message for turn in ran.result.turns]


async def test_a_scripted_user_says_the_objective_sentence_by_sentence(tmp_path: Path) -> None:
    ran = await pursue(tmp_path, objective="Get a refund for order 12345. When do you open?")
    assert said(ran) == ["I want to get a refund for order 12345.", "When do you open?"]
    assert ran.result.status == "passed"
    (outcome,) = ran.result.checks
    assert (outcome.name, outcome.kind, outcome.status) == ("objective", "user_objective", "passed")
    assert outcome.actual == "reached after 2 turns"


async def test_an_objective_is_reached_when_what_it_waits_for_holds(tmp_path: Path) -> None:
    ran = await pursue(
        tmp_path,
        objective="Ask about delivery.\nGet a refund.\nSay thanks.",
        stopWhen=[{"contains": "full refund"}],
    )
    assert said(ran) == ["I want to ask about delivery.", "I want to get a refund."]
    assert ran.result.status == "passed"
    assert [one.kind for one in ran.of_type("check")] == ["user_objective"]


async def test_an_objective_that_is_not_reached_in_time_fails(tmp_path: Path) -> None:
    ran = await pursue(
        tmp_path, objective="Say hello.", max_turns=3, stopWhen=[{"contains": "never"}]
    )
    assert said(ran) == ["I want to say hello."] * 3
    assert (ran.result.status, ran.result.failure) == ("failed", "check")
    assert "not reached after 3 turns" in ran.result.reasons[0]


async def test_a_turn_that_fails_ends_the_pursuit(tmp_path: Path) -> None:
    ran = await pursue(tmp_path, objective="[fault=500] Hi. And more.")
    assert (ran.result.status, ran.result.failure) == ("error", "transport")
    assert len(ran.result.turns) == 1


async def test_a_condition_that_cannot_be_evaluated_is_an_error(tmp_path: Path) -> None:
    ran = await pursue(
        tmp_path, objective="Say hello.", stopWhen=[{"contains": "{{variables.gone}}"}]
    )
    assert (ran.result.status, ran.result.failure) == ("error", "config")


@asynccontextmanager
async def simulator(*lines: str) -> AsyncIterator[tuple[dict[str, Any], list[str]]]:
    """A connection that says these lines, one a request; and the prompts that it was sent."""
    prompts: list[str] = []

    async def serve(stream: SocketStream) -> None:
        _, body = await read_http_request(stream)
        prompts.append(json.loads(body)["message"])
        data = json.dumps({"reply": lines[min(len(prompts), len(lines)) - 1]}).encode()
        await stream.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
            % (len(data), data)
        )

    async with raw_server(serve) as port:
        url = f"http://127.0.0.1:{port}/"
        yield {"base_url": url, "responseFieldPath": "reply"}, prompts


async def test_a_connection_plays_the_user_until_it_has_what_it_wants(tmp_path: Path) -> None:
    async with simulator("Can I return it?", "DONE") as (connection, prompts):
        ran = await pursue(
            tmp_path,
            objective="Get a {{variables.what}}.",
            simulator="user",
            persona="retail",
            suite={
                "inline_connections": {"user": connection},
                "personas": {"retail": Persona("a shopper")},
                "variables": {"what": "refund"},
            },
        )
    assert said(ran) == ["Can I return it?"]
    assert ran.result.status == "passed"
    assert "Get a refund." in prompts[0]
    assert "a shopper" in prompts[0]
    assert "You speak first." in prompts[0]
    assert "user: Can I return it?\nassistant: You can return" in prompts[1]
    roles = [one.role for one in ran.of_type("connection_opened")]
    assert roles == ["target", "simulator", "simulator"]


async def test_a_user_who_is_content_too_early_has_not_reached_it(tmp_path: Path) -> None:
    async with simulator("Hi", "Thank you!\n**DONE**") as (connection, _):
        ran = await pursue(
            tmp_path,
            objective="Get a refund.",
            simulator="user",
            stopWhen=[{"contains": "refund", "not": False}, {"contains": "never said"}],
            suite={"inline_connections": {"user": connection}},
        )
    assert ran.result.status == "failed"
    assert "'stopWhen' does not hold" in ran.result.reasons[0]


async def test_a_user_who_gives_up_has_not_reached_it(tmp_path: Path) -> None:
    async with simulator("Hi", "GIVE UP") as (connection, _):
        ran = await pursue(
            tmp_path,
            objective="Get a refund.",
            simulator="user",
            suite={"inline_connections": {"user": connection}},
        )
    assert (ran.result.status, ran.result.failure) == ("failed", "check")
    assert "gave up after 1 turn" in ran.result.reasons[0]


async def test_a_user_who_never_ends_is_ended(tmp_path: Path) -> None:
    async with simulator("Hi") as (connection, prompts):
        ran = await pursue(
            tmp_path,
            objective="Talk.",
            simulator="user",
            maxTurns=2,
            suite={"inline_connections": {"user": connection}},
        )
    assert said(ran) == ["Hi", "Hi"]
    assert len(prompts) == 3  # it is asked once more, whether it has what it wants
    assert ran.result.status == "failed"


@pytest.mark.parametrize("line", ["", "  "])
async def test_a_simulator_that_says_nothing_is_an_error_of_its_own(
    tmp_path: Path, line: str
) -> None:
    async with simulator(line) as (connection, _):
        ran = await pursue(
            tmp_path,
            objective="Talk.",
            simulator="user",
            suite={"inline_connections": {"user": connection}},
        )
    assert (ran.result.status, ran.result.failure) == ("error", "judge")
    assert ran.outcome.exit_code == 3


async def test_a_simulator_that_is_down_is_an_error_of_its_own(tmp_path: Path) -> None:
    down = {"base_url": "http://127.0.0.1:1/"}
    ran = await pursue(
        tmp_path, objective="Talk.", simulator="user", suite={"inline_connections": {"user": down}}
    )
    assert (ran.result.status, ran.result.failure) == ("error", "judge")


@pytest.mark.parametrize(
    ("objective", "first"),
    [
        ("Get a refund.", "I want to get a refund."),
        ("I need help", "I need help"),
        ("My order is late!", "My order is late!"),
        ("Where is it?", "Where is it?"),
    ],
)
async def test_a_scripted_user_words_wishes(objective: str, first: str) -> None:
    user = ScriptedUser(objective, persistent=False)
    assert await user.next(()) == first
    assert await user.next(()) is End.REACHED
