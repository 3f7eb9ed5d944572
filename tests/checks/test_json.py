"""Checks on replies that are JSON."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.checking import check, written
from turnwire.checks.contract import CheckError
from turnwire.checks.json_value import parse_json
from turnwire_core.config import Findings

pytestmark = pytest.mark.anyio

ORDER = '{"id": 7, "items": [{"sku": "a"}, {"sku": "b"}], "paid": true, "note": null}'
SCHEMA = {
    "type": "object",
    "required": ["id", "paid"],
    "properties": {"id": {"type": "integer"}, "paid": {"type": "boolean"}},
}

WITH_REFERENCE = {
    "$defs": {"number": {"type": "integer"}},
    "properties": {"id": {"$ref": "#/$defs/number"}},
}
DRAFT_7 = "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize(
    "raw",
    [
        {"json": True},
        {"json": {"path": "items[1].sku", "equals": "b"}},
        {"json": True, "path": "items[1].sku", "equals": "b"},
        {"json": {"path": "items[*].sku", "equals": ["a", "b"]}},
        {"json": {"path": "note", "equals": None}},
        {"json": {"path": "paid", "equals": True}},
        {"json": {"path": "gone"}, "not": True},
        {"json": {"schema": SCHEMA}},
        {"json": {"path": "items", "schema": {"type": "array", "minItems": 2}}},
        {
            "json": {
                "schema": {
                    "$defs": {"n": {"type": "integer"}},
                    "properties": {"id": {"$ref": "#/$defs/n"}},
                }
            }
        },
        {
            "json": {
                "schema": {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}
            }
        },
    ],
    ids=str,
)
async def test_holds(raw: dict[str, Any]) -> None:
    result = await check(raw, ORDER)
    assert result.passed, result


@pytest.mark.parametrize(
    ("raw", "expected", "actual"),
    [
        (
            {"json": {"path": "items[2].sku"}},
            "JSON with a value at items[2].sku",
            'nothing at items[2].sku in {"id": 7',
        ),
        ({"json": {"path": "paid", "equals": 1}}, "equal to 1", "true"),
        ({"json": {"path": "id", "equals": "7"}}, 'equal to "7"', "7"),
        ({"json": {"path": "note", "equals": False}}, "equal to false", "null"),
        (
            {"json": {"schema": {"required": ["total"], "properties": {"id": {"type": "string"}}}}},
            "JSON that fits the schema",
            "$: 'total' is a required property; $.id: 7 is not of type 'string'",
        ),
    ],
    ids=str,
)
async def test_does_not_hold_and_says_why(raw: dict[str, Any], expected: str, actual: str) -> None:
    result = await check(raw, ORDER)
    assert not result.passed
    assert expected in result.expected
    assert actual in result.actual


@pytest.mark.parametrize(
    ("reply", "actual"),
    [
        ("", 'Expecting value at character 1 of ""'),
        ("Sure! {}", 'Expecting value at character 1 of "Sure! {}"'),
        ('{"a": 1} and more', "Extra data at character 10"),
        ('{"a": NaN}', "JSON has no NaN"),
        ("[" * 100_000, "no JSON"),
        ('{"a": ' + "1" * 400 + "x}", "at character 407 of …"),
    ],
    ids=["empty", "text before", "text after", "NaN", "deep", "far in"],
)
async def test_what_is_no_json_does_not_hold_and_the_place_is_shown(
    reply: str, actual: str
) -> None:
    result = await check({"json": True}, reply)
    assert not result.passed
    assert actual in result.actual
    assert len(result.actual) < 450


async def test_json_in_a_code_block_is_read_where_that_is_allowed() -> None:
    reply = 'Here you are:\n```json\n{"total": 3}\n```\nAnything else?'
    assert not (await check({"json": True}, reply)).passed
    raw = {"json": {"fenced": True, "path": "total", "equals": 3}}
    assert (await check(raw, reply)).passed
    result = await check(raw, '{"total": 3}')
    assert not result.passed
    assert result.actual == 'no code block in "{\\"total\\": 3}"'


async def test_a_schema_that_is_none_is_refused_when_it_is_read() -> None:
    with pytest.raises(Findings) as caught:
        written({"json": {"schema": {"properties": {"id": {"type": "integr"}}}}})
    (finding,) = caught.value.findings
    assert finding.message.startswith("This is no JSON Schema, at properties.id.type: 'integr'")


async def test_a_schema_fetches_nothing() -> None:
    raw = {"json": {"schema": {"$ref": "http://127.0.0.1:9/schema.json"}}}
    with pytest.raises(CheckError, match="nothing is fetched") as caught:
        await check(raw, ORDER)
    assert caught.value.kind == "config"


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40) | st.text(alphabet='{}[]":,0123456789-eE.truefalsn\\u', max_size=40))
def test_any_text_is_json_or_a_value_error(text: str) -> None:
    try:
        parse_json(text)
    except ValueError as exc:
        assert str(exc)  # noqa: PT017 # that nothing else is raised is what is tested
