"""``extract``: values out of what was said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.http_answers import answering_server
from support.suites import make_suite, make_test, run_suite
from turnwire_core.config import Findings

pytestmark = pytest.mark.anyio


async def extracted(folder: Path, *steps: Any) -> Any:
    ran = await run_suite(make_suite(make_test("Extract", *steps)), folder=folder)
    return ran.result, [(one.variable, one.value) for one in ran.of_type("extracted")]


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({"regex": r"Order (\d+)"}, "12345"),
        ({"regex": r"\d+"}, "12345"),
        ({"from": "transcript", "regex": r"user: (\w+)"}, "order"),
        ({"from": "transcript", "path": "[1].role"}, "assistant"),
    ],
)
async def test_a_value_is_found_and_assigned(
    tmp_path: Path, options: dict[str, Any], value: str
) -> None:
    result, found = await extracted(
        tmp_path,
        "order 12345",
        {"extract": {**options, "assign": "it"}},
        {"message": "echo {{variables.it}}", "checks": [{"equals": value}]},
    )
    assert result.status == "passed", result.reasons
    assert found == [("it", value)]


async def test_a_path_looks_into_a_reply_that_holds_json(tmp_path: Path) -> None:
    result, found = await extracted(
        tmp_path,
        'echo {"cart": {"total": 12.5}}',
        {"extract": "cart.total", "assign": "total"},
        {"extract": {"path": "cart", "regex": r"\d+", "assign": "whole"}},
    )
    assert result.status == "passed", result.reasons
    assert found == [("total", 12.5), ("whole", "12")]


async def test_a_path_looks_into_the_answer_of_the_last_request(tmp_path: Path) -> None:
    async with answering_server() as server:
        result, found = await extracted(
            tmp_path,
            {"request": {"url": server.url}},
            {"extract": {"from": "request", "path": "items[*].sku", "assign": "skus"}},
        )
    assert result.status == "passed", result.reasons
    assert found == [("skus", ["a"])]


@pytest.mark.parametrize(
    "options", [{"regex": "nothing like it"}, {"path": "id"}, {"regex": "(x)?Order"}]
)
async def test_what_is_not_there_fails_the_test(tmp_path: Path, options: dict[str, Any]) -> None:
    result, found = await extracted(
        tmp_path, "order 12345", {"extract": {**options, "assign": "it"}}, "Never said"
    )
    assert (result.status, result.failure) == ("failed", "check")
    assert "Order 12345" in result.reasons[0]
    assert found == []
    assert len(result.turns) == 1


@pytest.mark.parametrize("source", ["reply", "request"])
async def test_where_nothing_was_said_yet_there_is_nothing_to_extract(
    tmp_path: Path, source: str
) -> None:
    result, _ = await extracted(
        tmp_path, {"extract": {"from": source, "regex": "x", "assign": "x"}}
    )
    assert (result.status, result.failure) == ("error", "config")


@pytest.mark.parametrize(
    ("options", "said"), [({}, "'path' or 'regex'"), ({"regex": "("}, "no regular expression")]
)
def test_what_cannot_work_is_refused_when_the_suite_is_loaded(
    options: dict[str, Any], said: str
) -> None:
    with pytest.raises(Findings) as raised:
        make_test("Odd", {"extract": {**options, "assign": "x"}})
    assert said in raised.value.findings[0].message
