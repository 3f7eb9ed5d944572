"""From a check in a file to a check that can be evaluated: keys, spellings, placeholders."""

from __future__ import annotations

from typing import Any

import pytest

from support.checking import ORIGIN, OURS, check, turn, written
from turnwire.checks import BUILT_IN
from turnwire.checks.contract import CheckError
from turnwire.checks.structuring import structure_check
from turnwire.checks.texts import ContainsOptions
from turnwire.suites.model import CheckSpec, Scope, Severity
from turnwire_core.config import Finding, Findings, camel, fields_of

pytestmark = pytest.mark.anyio


def findings(raw: Any, *, suite_wide: bool = False) -> list[Finding]:
    with pytest.raises(Findings) as caught:
        structure_check(raw, OURS, ORIGIN, suite_wide=suite_wide)
    return caught.value.findings


@pytest.mark.parametrize(
    "raw",
    [
        {"contains": "a"},
        {"contains": ["a"]},
        {"contains": {"all": "a"}},
        {"contains": {"all": ["a"]}},
        {"contains": True, "all": "a"},
        {"contains": {}, "all": ["a"]},
    ],
    ids=str,
)
def test_one_check_can_be_written_in_several_ways(raw: Any) -> None:
    assert written(raw) == CheckSpec("contains", ContainsOptions(all=("a",)), ORIGIN)


def test_what_all_checks_have_stands_beside_the_kind() -> None:
    spec = written(
        {
            "contains": "a",
            "name": "has an a",
            "severity": "warning",
            "scope": "assistant",
            "not": True,
            "message": "There is an a.",
        }
    )
    assert (spec.name, spec.message) == ("has an a", "There is an a.")
    assert (spec.severity, spec.scope, spec.negate) == (Severity.WARNING, Scope.ASSISTANT, True)
    assert spec.origin is ORIGIN


@pytest.mark.parametrize("kind", BUILT_IN)
def test_every_kind_is_documented_and_has_two_spellings(kind: str) -> None:
    one = OURS.check(kind)
    assert one.kind == kind
    assert OURS.check(camel(kind)) is one
    assert one.doc.endswith(".")
    assert type(one).__doc__
    for field in fields_of(one.options):
        assert field.metadata["doc"].endswith((".", ":")), (kind, field.name)


def test_an_option_may_have_the_name_of_another_kind() -> None:
    spec = written({"json": True, "path": "total", "equals": 3})
    assert spec.kind == "json"
    assert spec.options.equals == 3


@pytest.mark.parametrize(
    ("raw", "location", "message", "hint"),
    [
        ("contains", (), "Expected a check, found text.", "Write {contains: …}."),
        (["contains"], (), "Expected a check, found a list.", 'For example {"contains": "re'),
        ({}, (), "A check needs a kind.", "One of equals, contains"),
        ({"name": "x"}, (), "A check needs a kind.", "One of equals, contains"),
        ({"contians": "x"}, ("contians",), "There is no check 'contians'.", "Did you mean 'cont"),
        (
            {"contains": "x", "equals": "y"},
            (),
            "A check has one kind, this one has 'contains' and 'equals'.",
            "Make a check of each.",
        ),
        ({"contains": "x", "scop": "last"}, ("scop",), "Unknown key 'scop'.", "mean 'scope'?"),
        ({"contains": "x", "al": "y"}, ("al",), "Unknown key 'al'.", "mean 'all'?"),
        (
            {"contains": {"al": "y"}},
            ("contains", "al"),
            "Unknown key 'al'.",
            "Did you mean 'all'?",
        ),
        (
            {"contains": {"severity": "info", "all": "x"}},
            ("contains", "severity"),
            "Unknown key 'severity'.",
            "",
        ),
        ({"contains": "x", "all": "y"}, ("all",), "'all' stands in 'contains' and bes", "Keep one"),
        ({"contains": None}, ("contains",), "'contains' has no value.", ""),
        ({"streams": False}, ("streams",), "is not switched off by false.", "Write 'not: true'."),
        ({"streams": 3}, ("streams",), "has no short form, found a number.", "minArrivals"),
        ({"no_error_event": 3}, ("no_error_event",), "has no short form", "Write true."),
        ({"contains": ["a", 3]}, ("contains", 1), "Expected text, found a number.", "quotes"),
        ({"contains": {"any": ["a", 3]}}, ("contains", "any", 1), "Expected text", "quotes"),
        ({"contains": {}, "any": ["a", 3]}, ("any", 1), "Expected text", "quotes"),
        ({"event_within": {"ms": 3}}, ("event_within",), "The key 'name' is missing.", ""),
        ({"contains": "x", "severity": "bad"}, ("severity",), "'bad' is not one of", ""),
        ({"contains": "x", "not": "yes"}, ("not",), "Expected true or false", ""),
        ({"percentiles": {}}, ("percentiles",), "stands in a suite's own 'checks' only.", ""),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_with_its_place_and_what_to_write(
    raw: Any, location: tuple[str | int, ...], message: str, hint: str
) -> None:
    found = findings(raw)[0]
    assert found.location == location
    assert message in found.message
    assert hint in (found.hint or "")


def test_everything_that_is_wrong_is_said_at_once() -> None:
    raw = {"length": {"min": "x", "max": "y", "word": 1}, "scope": "all", "sevrity": "info"}
    assert {one.location for one in findings(raw)} == {
        ("length", "min"),
        ("length", "max"),
        ("length", "word"),
        ("scope",),
        ("sevrity",),
    }


def test_only_a_check_on_a_suite_stands_in_the_checks_of_a_suite() -> None:
    (found,) = findings({"contains": "x"}, suite_wide=True)
    assert found.message == "'contains' stands in a step's or a test's 'checks' only."
    raw = {"percentiles": {"metric": "latencyMs", "max": 5}, "scope": "last"}
    (found,) = findings(raw, suite_wide=True)
    assert found.location == ("scope",)


# --- placeholders ---------------------------------------------------------------------------


async def test_placeholders_are_filled_when_the_check_is_evaluated() -> None:
    raw = {"contains": ["{{variables.city}}", "by {{env.USER}}"]}
    values = {"variables.city": "Rome", "env.USER": "Ann"}
    assert (await check(raw, "Rome by Ann", values=values)).passed
    result = await check(raw, "Oslo by Ann", values=values)
    assert result.expected == 'a text with "Rome" and "by Ann"'


async def test_a_placeholder_alone_has_the_type_of_its_value() -> None:
    raw = {"first_token_ms": "{{variables.limit}}"}
    assert (await check(raw, turn((5.0, "a")), values={"variables.limit": 5})).passed
    raw = {"json": {"path": "n", "equals": "{{variables.wanted}}"}}
    assert (await check(raw, '{"n": [1]}', values={"variables.wanted": [1]})).passed
    raw = {"contains": "{{variables.words}}"}
    assert (await check(raw, "a b", values={"variables.words": ["a", "b"]})).passed


async def test_a_number_stands_for_its_digits_where_text_is_wanted() -> None:
    values = {"variables.order": 4711, "variables.list": [1, 2]}
    assert (await check({"contains": "{{variables.order}}"}, "order 4711", values=values)).passed
    assert (await check({"contains": "{{variables.list}}"}, "1 and 2", values=values)).passed
    assert (await check({"equals": "{{variables.order}}"}, "4711", values=values)).passed


async def test_a_place_within_a_variable_can_be_named() -> None:
    raw = {"equals": "{{variables.account.id}}"}
    assert (await check(raw, "a-1", values={"variables.account": {"id": "a-1"}})).passed


@pytest.mark.parametrize(
    "raw",
    [
        {"contains": "{{variables.gone}}", "not": True},
        {"contains": "in {{variables.gone}}"},
        {"length": {"max": 100, "min": "{{variables.gone}}"}},
        {"equals": "{{variables.account.gone}}"},
    ],
    ids=str,
)
async def test_a_placeholder_without_a_value_is_an_error_and_no_pass(raw: dict[str, Any]) -> None:
    values = {"variables.account": {"id": 1}}
    with pytest.raises(CheckError, match=r"\{\{variables\..*gone\}\} has no value here") as caught:
        await check(raw, "anything", values=values)
    assert caught.value.kind == "config"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"contains": "{{variables.x}}"}, "An empty text is in every text"),
        ({"first_token_ms": "{{variables.x}}"}, "max: Expected a number, found text."),
        ({"regex": "({{variables.x}}"}, "This is no pattern"),
    ],
    ids=str,
)
async def test_a_value_that_does_not_fit_is_an_error_of_the_suite(
    raw: dict[str, Any], message: str
) -> None:
    with pytest.raises(CheckError, match=message) as caught:
        await check(raw, "anything", values={"variables.x": ""})
    assert caught.value.kind == "config"


@pytest.mark.parametrize(
    ("raw", "location", "message"),
    [
        ({"contains": "{{message}}"}, ("contains",), "Unknown placeholder {{message}}"),
        ({"contains": {"any": "{{x"}}, ("contains", "any"), "is not followed by a name"),
        ({"length": {"min": "{{variables.x}}", "max": "y"}}, ("length", "max"), "a number"),
        ({"event_within": {"name": "{{variables.x}}"}}, ("event_within",), "'ms' is missing"),
        ({"length": {"mni": "{{variables.x}}"}}, ("length", "mni"), "Unknown key 'mni'"),
    ],
    ids=str,
)
def test_what_is_wrong_whatever_the_value_is_said_when_it_is_read(
    raw: Any, location: tuple[str | int, ...], message: str
) -> None:
    found = findings(raw)
    assert [one.location for one in found] == [location]
    assert message in found[0].message


async def test_a_list_can_be_spread_among_other_items() -> None:
    raw = {"contains": {"none": ["x", "{{...variables.words}}"]}}
    assert not (await check(raw, "a b", values={"variables.words": ["b", "c"]})).passed
    assert (await check(raw, "a b", values={"variables.words": []})).passed


async def test_two_braces_that_are_meant_are_written_with_a_backslash() -> None:
    assert (await check({"contains": "a \\{{name}} b"}, "a {{name}} b")).passed
