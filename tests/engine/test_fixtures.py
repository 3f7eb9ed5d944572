"""Fixtures: what tests share, made once for a suite or anew for each test."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from anyio.abc import SocketStream

from support.raw_server import raw_server, read_http_request
from support.suites import make_suite, make_test, run_suite, step, template
from turnwire.suites.model import Fixture, RequestSpec, TestLimits

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def counting_server(
    status: int = 200, answer: Callable[[int], Any] = lambda n: {"id": f"order-{n}"}
) -> AsyncIterator[tuple[str, list[str]]]:
    """Answers the nth request with ``answer(n)``; the value is its URL, and the paths asked for."""
    asked: list[str] = []

    async def serve(stream: SocketStream) -> None:
        head, _ = await read_http_request(stream)
        asked.append(head.split()[1].decode())
        body = json.dumps(answer(len(asked))).encode()
        await stream.send(
            b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
            % (status, len(body), body)
        )

    async with raw_server(serve) as port:
        yield f"http://127.0.0.1:{port}", asked


def order_fixture(url: str, scope: Any) -> Fixture:
    return Fixture((step({"request": {"url": url, "extract": {"order": "id"}}}),), scope)


ECHO = {"message": "echo {{variables.order}}", "checks": [{"starts_with": "order-"}]}


async def test_a_fixture_of_the_suite_is_run_once_for_all_who_wait_for_it(tmp_path: Path) -> None:
    async with counting_server() as (url, asked):
        suite = make_suite(
            *(make_test(f"Test {n}", ECHO, uses=("order",)) for n in range(5)),
            fixtures={"order": order_fixture(url, "suite")},
        )
        ran = await run_suite(suite, folder=tmp_path, jobs=5)
    assert [result.status for result in ran.outcome.results] == ["passed"] * 5
    assert {result.turns[0].reply.content for result in ran.outcome.results} == {"order-1"}
    assert len(asked) == 1
    assert [one.test for one in ran.of_type("request")] == [None]


async def test_a_fixture_of_the_suite_is_run_for_each_connection(tmp_path: Path) -> None:
    async with counting_server() as (url, asked):
        suite = make_suite(
            make_test("Test", ECHO, uses=("order",)),
            fixtures={"order": order_fixture(url, "suite")},
        )
        await run_suite(suite, "demo-sse", "demo-http", folder=tmp_path)
    assert len(asked) == 2


async def test_a_fixture_of_the_test_is_run_for_each_in_its_conversation(tmp_path: Path) -> None:
    fixture = Fixture((step("My name is Ada"),))
    suite = make_suite(
        *(
            make_test(
                f"Test {n}", "What is my name?", uses=("known",), checks=[{"contains": "Ada"}]
            )
            for n in range(2)
        ),
        fixtures={"known": fixture},
    )
    ran = await run_suite(suite, folder=tmp_path)
    assert [result.status for result in ran.outcome.results] == ["passed", "passed"]
    assert [len(result.turns) for result in ran.outcome.results] == [2, 2]


async def test_a_fixture_that_fails_is_an_error_of_its_kind_in_every_test(tmp_path: Path) -> None:
    async with counting_server(status=500) as (url, asked):
        suite = make_suite(
            *(make_test(f"Test {n}", ECHO, uses=("order",)) for n in range(3)),
            fixtures={"order": order_fixture(url, "suite")},
        )
        ran = await run_suite(suite, folder=tmp_path)
    assert {(one.status, one.failure) for one in ran.outcome.results} == {("error", "transport")}
    assert all("fixture 'order'" in one.reasons[0] for one in ran.outcome.results)
    assert len(asked) == 1
    assert ran.of_type("user_message") == []


async def test_a_check_that_does_not_hold_in_a_fixture_leaves_its_test_unjudged(
    tmp_path: Path,
) -> None:
    fixture = Fixture((step({"message": "Hi", "checks": [{"contains": "bye"}]}),))
    suite = make_suite(make_test("Test", "Hi", uses=("greeted",)), fixtures={"greeted": fixture})
    ran = await run_suite(suite, folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("error", "check")
    assert len(ran.result.turns) == 1


async def test_a_fixture_cut_off_with_its_test_is_made_again_by_the_next(tmp_path: Path) -> None:
    asked = 0

    async def serve(stream: SocketStream) -> None:
        nonlocal asked
        await read_http_request(stream)
        asked += 1
        if asked == 1:
            await stream.receive()  # says nothing until the client gives up
        await stream.send(b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"id":"order-"}')

    async with raw_server(serve) as port:
        suite = make_suite(
            make_test("Impatient", ECHO, uses=("order",), limits=TestLimits(timeout_ms=200)),
            make_test("Patient", ECHO, uses=("order",)),
            fixtures={"order": order_fixture(f"http://127.0.0.1:{port}/", "suite")},
        )
        ran = await run_suite(suite, folder=tmp_path, jobs=2)
    impatient, patient = ran.outcome.results
    assert "limits.timeoutMs" in (impatient.error or "")
    assert patient.status == "passed", patient.reasons
    assert asked == 2


async def test_a_fixture_of_the_suite_holds_no_conversation(tmp_path: Path) -> None:
    suite = make_suite(
        make_test("Test", "Hi", uses=("chatty",)),
        fixtures={"chatty": Fixture((step("Hi"),), "suite")},
    )
    ran = await run_suite(suite, folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("error", "config")
    assert "'message'" in (ran.result.error or "")


async def test_a_fixture_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    ran = await run_suite(make_suite(make_test("Test", "Hi", uses=("gone",))), folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("error", "config")


async def test_a_fixture_of_the_suite_sees_the_variables_of_the_suite_only(tmp_path: Path) -> None:
    async with counting_server() as (url, asked):
        spec = RequestSpec(url=template(url + "/{{variables.shop}}/{{variables.city}}"))
        fixture = Fixture((step({"request": "open"}),), "suite")
        suite = make_suite(
            make_test("Test", "Hi", uses=("opened",), variables={"city": "Bern"}),
            fixtures={"opened": fixture},
            requests={"open": spec},
            variables={"shop": "main"},
        )
        ran = await run_suite(suite, folder=tmp_path)
    assert "variables.city" in (ran.result.error or "")
    assert asked == []
