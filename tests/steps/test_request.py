"""``request``: HTTP calls around the turns of a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import SocketStream

from support.http_answers import answering_server
from support.raw_server import raw_server, read_http_request
from support.suites import make_suite, make_test, run_suite, template
from turnwire.suites.model import RequestSpec
from turnwire_core.secrets import Secrets

pytestmark = pytest.mark.anyio

SECRET = "sk-very-secret-1"


async def test_what_a_call_brings_can_be_used_in_the_conversation(tmp_path: Path) -> None:
    async with answering_server() as server:
        test = make_test(
            "Open",
            {"request": {"url": server.url, "assign": "o", "extract": {"sku": "items[0].sku"}}},
            {
                "message": "echo {{variables.o.id}} {{variables.o.state}} {{variables.sku}}",
                "checks": [{"equals": "7 open a"}],
            },
        )
        ran = await run_suite(make_suite(test), folder=tmp_path)
    assert ran.result.status == "passed", ran.result.reasons
    assert [(one.variable, one.value) for one in ran.of_type("extracted")] == [
        ("o", {"id": 7, "state": "open", "items": [{"sku": "a"}]}),
        ("sku", "a"),
    ]
    (logged,) = ran.of_type("request")
    assert (logged.method, logged.status, logged.error) == ("GET", 200, None)
    assert logged.test == ran.result.case.id


async def test_a_named_request_is_filled_with_variables_and_input(tmp_path: Path) -> None:
    async with answering_server() as server:
        spec = RequestSpec(
            url=template(server.url + "/{{variables.shop}}/orders"),
            method="POST",
            headers={"X-City": template("{{variables.city}}")},
            query={"draft": template("{{variables.draft}}")},
            body=template({"city": "{{variables.city}}", "count": "{{variables.count}}"}),
        )
        test = make_test(
            "Open",
            {"request": {"name": "open", "input": {"count": 3, "city": "Bern"}}},
            {"message": "echo {{variables.city}}", "checks": [{"equals": "Basel"}]},
            variables={"shop": "main", "city": "Basel", "draft": True},
        )
        ran = await run_suite(make_suite(test, requests={"open": spec}), folder=tmp_path)
    assert ran.result.status == "passed", ran.result.reasons
    (asked,) = server.asked
    assert (asked.method, asked.target) == ("POST", "/main/orders?draft=true")
    assert asked.headers["x-city"] == "Bern"
    assert asked.json == {"city": "Bern", "count": 3}


async def test_a_step_adds_to_the_request_that_it_names(tmp_path: Path) -> None:
    async with answering_server() as server:
        spec = RequestSpec(
            url=template(server.url), headers={"X-One": template("1"), "X-Two": template("2")}
        )
        test = make_test(
            "Change",
            {"request": "base", "headers": {"X-Two": "two"}, "method": "DELETE"},
        )
        ran = await run_suite(make_suite(test, requests={"base": spec}), folder=tmp_path)
    assert ran.result.status == "passed", ran.result.reasons
    (asked,) = server.asked
    assert (asked.method, asked.headers["x-one"], asked.headers["x-two"]) == ("DELETE", "1", "two")


@pytest.mark.parametrize(
    ("expected", "status"),
    [
        ({"status": 404}, "passed"),
        ({"status": 200}, "failed"),
        ([{"status": 404}, {"path": "state", "equals": "open"}], "passed"),
        ([{"status": 404}, {"path": "state", "equals": "shut"}], "failed"),
        ([{"status": 404}, {"path": "id", "equals": True}], "failed"),
        ([{"status": 404}, {"path": "items[0].sku"}], "passed"),
        ([{"status": 404}, {"path": "items[1].sku"}], "failed"),
    ],
)
async def test_an_answer_is_held_to_what_is_expected(
    tmp_path: Path, expected: Any, status: str
) -> None:
    async with answering_server() as server:
        server.status = 404
        listed = expected if isinstance(expected, list) else [expected]
        test = make_test("Held", {"request": {"url": server.url, "expect": listed}})
        ran = await run_suite(make_suite(test), folder=tmp_path)
    assert ran.result.status == status, ran.result.reasons
    if status == "failed":
        assert ran.result.failure == "check"
    logged = ran.of_type("check")
    assert [one.kind for one in logged] == ["request"] * len(listed)
    assert [one.status for one in logged][-1] == status


async def test_without_an_expected_status_only_a_success_will_do(tmp_path: Path) -> None:
    async with answering_server() as server:
        server.status = 503
        test = make_test("Refused", {"request": {"url": server.url}}, "Hi")
        ran = await run_suite(make_suite(test), folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("error", "transport")
    assert "503" in (ran.result.error or "")
    assert len(server.asked) == 1
    assert ran.result.turns == ()


async def test_an_empty_answer_is_an_answer(tmp_path: Path) -> None:
    async with answering_server() as server:
        server.status, server.body = 204, b""
        test = make_test(
            "Empty",
            {"request": {"url": server.url, "method": "DELETE", "assign": "said"}},
            {"message": "echo ({{variables.said}})", "checks": [{"equals": "()"}]},
        )
        ran = await run_suite(make_suite(test), folder=tmp_path)
    assert ran.result.status == "passed", ran.result.reasons


async def test_a_value_that_is_not_in_the_answer_fails_the_test(tmp_path: Path) -> None:
    async with answering_server() as server:
        test = make_test("Gone", {"request": {"url": server.url, "extract": {"x": "nowhere"}}})
        ran = await run_suite(make_suite(test), folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("failed", "check")
    assert "nowhere" in ran.result.reasons[0]


async def test_what_cannot_be_reached_is_a_failure_of_transport(tmp_path: Path) -> None:
    test = make_test("Down", {"request": {"url": "http://127.0.0.1:1/"}})
    ran = await run_suite(make_suite(test), folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("error", "transport")
    (logged,) = ran.of_type("request")
    assert logged.status is None
    assert "127.0.0.1:1" in logged.error


async def test_a_call_is_bounded_in_time(tmp_path: Path) -> None:
    async def say_nothing(stream: SocketStream) -> None:
        await read_http_request(stream)
        await stream.receive()

    async with raw_server(say_nothing) as port:
        test = make_test(
            "Slow", {"request": {"url": f"http://127.0.0.1:{port}/", "timeoutMs": 100}}
        )
        with anyio.fail_after(10):
            ran = await run_suite(make_suite(test), folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("error", "transport")
    assert "timeoutMs" in (ran.result.error or "")


@pytest.mark.parametrize("url", ["shop/orders", "ftp://127.0.0.1/", "http://"])
async def test_what_is_no_url_to_call_is_the_fault_of_the_config(tmp_path: Path, url: str) -> None:
    test = make_test("Where", {"request": {"url": url}})
    ran = await run_suite(make_suite(test), folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("error", "config")


async def test_a_placeholder_without_a_value_sends_nothing(tmp_path: Path) -> None:
    async with answering_server() as server:
        test = make_test(
            "Missing", {"request": {"url": server.url, "body": {"x": "{{variables.a.b}}"}}},
            variables={"a": {"c": 1}},
        )  # fmt: skip
        ran = await run_suite(make_suite(test), folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("error", "config")
    assert "{{variables.a.b}}" in (ran.result.error or "")
    assert server.asked == []


async def test_no_secret_of_a_call_is_shown(tmp_path: Path) -> None:
    async with answering_server() as server:
        server.body = {"echo": SECRET}
        test = make_test(
            "Secret",
            {
                "request": {
                    "url": server.url + "/?key={{env.KEY}}",
                    "headers": {"Authorization": "Bearer {{env.KEY}}"},
                    "assign": "said",
                    "expect": [{"path": "echo", "equals": "other"}],
                }
            },
        )
        suite = make_suite(test, environment={"KEY": SECRET}, secrets=Secrets([SECRET]))
        ran = await run_suite(suite, folder=tmp_path)
    (asked,) = server.asked
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    assert ran.result.status == "failed"
    assert SECRET not in (tmp_path / "log.jsonl").read_text()
    assert SECRET not in str(ran.result.reasons)
    assert SECRET not in str(ran.result.checks)


async def test_credentials_are_added_and_hidden(tmp_path: Path) -> None:
    async with answering_server() as server:
        test = make_test(
            "Known",
            {"request": {"url": server.url, "auth": {"type": "bearer", "token": "tok-123456"}}},
            "echo tok-123456",
        )
        ran = await run_suite(make_suite(test), folder=tmp_path)
    (asked,) = server.asked
    assert asked.headers["authorization"] == "Bearer tok-123456"
    assert ran.result.status == "passed"
    assert "tok-123456" not in (tmp_path / "log.jsonl").read_text()


async def test_nothing_of_the_target_is_sent_to_others(tmp_path: Path) -> None:
    async with answering_server() as server:
        test = make_test("Apart", {"request": {"url": server.url}})
        target = {
            "base_url": "http://127.0.0.1:1/",
            "headers": {"X-Target": "1"},
            "auth": {"type": "bearer", "token": "of-the-target"},
        }
        await run_suite(
            make_suite(test, inline_connections={"own": target}), "own", folder=tmp_path
        )
    (asked,) = server.asked
    assert "x-target" not in asked.headers
    assert "authorization" not in asked.headers


async def test_a_request_that_the_suite_does_not_have_is_an_error(tmp_path: Path) -> None:
    ran = await run_suite(make_suite(make_test("Gone", {"request": "gone"})), folder=tmp_path)
    assert (ran.result.status, ran.result.failure) == ("error", "config")
    assert "'gone'" in (ran.result.error or "")


async def test_a_call_needs_either_a_name_or_a_url() -> None:
    from turnwire_core.config import Findings

    for raw in ({}, {"name": "open", "url": "http://127.0.0.1/"}):
        with pytest.raises(Findings) as raised:
            make_test("Odd", {"request": raw})
        assert "'name'" in raised.value.findings[0].message
