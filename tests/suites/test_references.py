"""Following references: to connections, and to variables that something must give a value."""

from __future__ import annotations

from typing import Any

import pytest

from support.suite_files import Files, a_test
from turnwire.suites.expansion import expand
from turnwire.suites.references import check_cases, check_connections
from turnwire_core import parse_connection

BOT = parse_connection(
    {
        "base_url": "https://a.example",
        "protocol": "sse",
        "variables": {"model": "x"},
        "sse": {"contentPath": "text", "capture": {"ticket": "id"}},
    },
    name="bot",
)


def _says(text: str, **more: Any) -> dict[str, Any]:
    return {"message": text, "checks": [{"contains": "Hello"}], **more}


def _problems(files: Files, *tests: dict[str, Any], **more: Any) -> list[str]:
    suite = files.suite_with(*tests, **more)
    return [one.message for one in check_connections(suite, {"bot": BOT})]


def test_every_name_of_a_connection_is_followed(files: Files) -> None:
    suite = files.load(
        {
            "connections": ["bot", "bott"],
            "judge": "jury",
            "tests": [
                a_test("A", connections=["other"]),
                a_test("B", matrix={"connection": ["bot", "third"]}),
                a_test("C", steps=[{"user_objective": "Buy", "simulator": "actor"}]),
            ],
        }
    )
    problems = check_connections(suite, ["bot"])
    assert [(one.path, one.message) for one in problems] == [
        ("$.connections", "There is no connection 'bott'."),
        ("$.tests[0].connections[0]", "There is no connection 'other'."),
        ("$.tests[1].matrix.connection[1]", "There is no connection 'third'."),
        ("$.judge", "There is no connection 'jury'."),
        ("$.tests[2].steps[0]", "There is no connection 'actor'."),
    ]
    assert problems[0].hint == "Did you mean 'bot'?"
    assert all(one.line is not None for one in problems)


def test_connections_that_a_suite_brings_are_known(files: Files) -> None:
    suite = files.load({"connections": {"mine": {"base_url": "x"}}, "tests": [a_test()]})
    assert check_connections(suite, []) == []


@pytest.mark.parametrize(
    "name", ["city", "own", "axis", "model", "ticket", "account", "found", "word"]
)
def test_a_variable_may_come_from_anywhere(files: Files, name: str) -> None:
    steps = [
        {"request": "open", "assign": "account", "extract": {"found": "id"}},
        _says("Hi"),
        {"extract": {"regex": "(a)", "assign": "word"}},
        _says(f"{{{{variables.{name}}}}}"),
    ]
    test = a_test(steps=steps, variables={"own": 1}, matrix={"axis": [1]})
    requests = {"open": "https://a.example"}
    assert _problems(files, test, variables={"city": "Bern"}, requests=requests) == []


def test_a_variable_that_nothing_gives_a_value_is_found_with_the_nearest(files: Files) -> None:
    suite = files.suite_with(
        a_test(steps=[_says("{{variables.citty}}")], checks=[{"contains": "{{variables.x.y}}"}]),
        variables={"city": "Bern"},
    )
    first, second = check_connections(suite, {"bot": BOT})
    assert first.message == "Nothing gives {{variables.citty}} a value."
    assert (first.path, first.hint) == ("$.tests[0].steps[0]", "Did you mean 'city'?")
    assert second.message == "Nothing gives {{variables.x}} a value."
    assert second.path == "$.tests[0].checks[0]"


def test_a_variable_is_there_only_after_the_step_that_assigns_it(files: Files) -> None:
    steps = [_says("{{variables.id}}"), {"extract": {"regex": "(a)", "assign": "id"}}]
    assert _problems(files, a_test(steps=steps)) == [
        "{{variables.id}} gets its value only in a later step."
    ]


def test_fixtures_run_first_those_of_the_suite_before_all(files: Files) -> None:
    requests = {"open": "https://a.example", "more": "https://a.example/{{variables.id}}"}
    fixtures = {
        "second": [{"request": "more", "assign": "more"}],
        "first": {"scope": "suite", "steps": [{"request": "open", "extract": {"id": "id"}}]},
    }
    test = a_test(uses=["second", "first"], steps=[_says("{{variables.more}}")])
    assert _problems(files, test, requests=requests, fixtures=fixtures) == []
    without = a_test(uses=["second"])
    assert _problems(files, without, requests=requests, fixtures=fixtures) == [
        "Nothing gives {{variables.id}} a value."
    ]


def test_the_input_of_a_request_counts_for_that_request_alone(files: Files) -> None:
    requests = {"open": "https://a.example/{{variables.id}}"}
    steps = [{"request": "open", "input": {"id": 1}}, _says("{{variables.id}}")]
    assert _problems(files, a_test(steps=steps), requests=requests) == [
        "Nothing gives {{variables.id}} a value."
    ]


def test_what_a_step_s_own_checks_name_may_be_what_it_assigns(files: Files) -> None:
    step = {
        "extract": {"regex": "(a)", "assign": "id"},
        "checks": [{"contains": "{{variables.id}}"}],
    }
    assert _problems(files, a_test(steps=[_says("Hi"), step])) == []


def test_over_a_connection_that_nobody_can_open_a_variable_may_come_from_it(files: Files) -> None:
    suite = files.suite_with(a_test(steps=[_says("{{variables.x}}")]))
    assert check_connections(suite, {"bot": None}) == []
    assert check_connections(suite, ["bot"]) == []


def test_only_what_every_connection_of_a_test_may_bring_is_taken(files: Files) -> None:
    plain = parse_connection({"base_url": "https://b.example"}, name="plain")
    suite = files.load(
        {
            "connections": ["plain"],
            "tests": [a_test(steps=[_says("{{variables.ticket}}")])],
        }
    )
    known = {"bot": BOT, "plain": plain}
    assert [one.message for one in check_connections(suite, known)] == [
        "Nothing gives {{variables.ticket}} a value."
    ]


def test_cases_are_held_to_what_they_need_themselves(files: Files) -> None:
    suite = files.load(
        {
            "connections": ["elsewhere"],
            "tests": [
                a_test("A", steps=[_says("{{variables.ticket}}")]),
                a_test("B", steps=[{"user_objective": "Buy", "simulator": "actor"}], skip=True),
                a_test("C", connections=["other"]),
            ],
        }
    )
    plain = parse_connection({"base_url": "https://b.example"}, name="plain")
    known = {"bot": BOT, "plain": plain}
    assert check_cases(expand(suite, connections=["bot"], seed=1), known) == []
    messages = [
        one.message for one in check_cases(expand(suite, connections=["plain"], seed=1), known)
    ]
    assert messages == ["Nothing gives {{variables.ticket}} a value."]
    problems = check_cases(expand(suite, seed=1), known)
    assert [(one.path, one.message) for one in problems] == [
        ("$.connections", "There is no connection 'elsewhere'."),
        ("$.tests[2].connections[0]", "There is no connection 'other'."),
    ]
