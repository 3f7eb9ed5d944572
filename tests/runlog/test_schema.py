"""The JSON Schema of run logs says what is written and what is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from turnwire.cli import cli
from turnwire.runlog.entries import ENTRY_TYPES, entry_from_json
from turnwire.runlog.schema import log_schema

EXAMPLES = [{"type": name, **cls.example} for name, cls in ENTRY_TYPES.items()]


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = log_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: str(one["type"]))
def test_the_example_of_an_entry_is_valid_and_whole(
    example: dict[str, Any], validator: jsonschema.Draft202012Validator
) -> None:
    validator.validate(example)
    assert entry_from_json(example).to_json() == example


def test_every_line_of_a_real_log_is_valid(
    validator: jsonschema.Draft202012Validator, tmp_path: Path
) -> None:
    suite = tmp_path / "shop.turnwire.json"
    steps = [
        {"message": "Where is order 12345?", "checks": [{"contains": "nowhere"}]},
        {"extract": {"regex": r"\d+", "assign": "order"}},
        {"request": {"url": "{{variables.server}}/"}},
    ]
    tests = [{"name": "Knows orders", "steps": steps}]
    suite.write_text(json.dumps({"connections": ["demo-sse"], "tests": tests}))
    log = tmp_path / "log.jsonl"
    result = CliRunner().invoke(cli, ["run", str(suite), "--log", str(log)])
    assert result.exit_code == 1, result.output
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    for entry in entries:
        validator.validate(entry)
    assert {entry["type"] for entry in entries} == set(ENTRY_TYPES) - {
        *("attempt_failed", "misread")
    }


@pytest.mark.parametrize(
    "change", [{"status": "odd"}, {"turns": "two"}, {"durationMs": None}, {"reasons": [1]}]
)
def test_what_no_entry_says_is_not_valid(
    change: dict[str, Any], validator: jsonschema.Draft202012Validator
) -> None:
    example = {"type": "test_finished", **ENTRY_TYPES["test_finished"].example}
    assert validator.is_valid(example)
    assert not validator.is_valid(example | change)


def test_a_field_that_is_needed_must_be_there(validator: jsonschema.Draft202012Validator) -> None:
    example = {"type": "test_finished", **ENTRY_TYPES["test_finished"].example}
    del example["status"]
    assert not validator.is_valid(example)


@pytest.mark.parametrize("line", [{"type": "of_tomorrow"}, {**EXAMPLES[0], "ofTomorrow": 1}])
def test_what_a_later_version_may_write_is_valid(
    line: dict[str, Any], validator: jsonschema.Draft202012Validator
) -> None:
    validator.validate(line)


def test_the_command_prints_it() -> None:
    result = CliRunner().invoke(cli, ["schema", "run-log"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == log_schema()
