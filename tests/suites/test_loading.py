"""Loading a suite: what is read, and that everything wrong is found at once, with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.suite_files import SAYS_HI, Files, a_test
from turnwire.kinds import Kinds
from turnwire.steps.contract import Step
from turnwire.suites.loading import load_suite, load_suites
from turnwire.suites.model import Scope, Severity
from turnwire_core import ConfigError, PluginError, hookimpl

YAML = """\
name: shop
description: The front desk
connections: [bot, other]
tags: [smoke]
limits: {maxTurns: 9, timeoutMs: 5000}
personas:
  retail: A retail customer
  vip: {description: Somebody rich, profile: {age: 45}}
variables:
  city: Bern
requests:
  open: {url: "https://a.example/{{variables.city}}", method: POST, body: {n: 1}}
fixtures:
  account:
    - request: open
      assign: account
tests:
  - name: Says hello
    tags: [greeting]
    persona: vip
    uses: [account]
    limits: {maxTurns: 3}
    steps:
      - message: "Hi from {{variables.city}}, {{variables.account.id}}"
        persona: retail
        name: greet
        checks:
          - contains: Hello
            severity: warning
      - check: {regex: "^H", scope: assistant}
    checks:
      - latencyMs: 2000
  - name: Is not run
    skip: waits for a decision
    steps: [{message: Hi, checks: [{contains: Hello}]}]
"""


def test_everything_in_a_suite_is_read(files: Files) -> None:
    suite = files.load(YAML, "shop.turnwire.yaml")

    assert (suite.name, suite.connections) == ("shop", ("bot", "other"))
    assert suite.directory == files.folder
    assert suite.persona_text("retail") == "A retail customer"
    assert suite.persona_text("vip") == "Somebody rich (age: 45)"
    assert suite.persona_text("Somebody else") == "Somebody else"
    hello, skipped = suite.tests
    assert hello.id == "says-hello"
    assert hello.tags == {"smoke", "greeting"}
    assert (hello.limits.max_turns, hello.limits.timeout_ms) == (3, 5000)
    assert (skipped.skip, skipped.limits.max_turns) == ("waits for a decision", 9)
    message, check = hello.steps
    assert (message.kind, message.name, message.options.persona) == ("message", "greet", "retail")
    assert message.checks[0].severity is Severity.WARNING
    assert (check.kind, check.checks[0].kind, check.checks[0].scope) == (
        "check",
        "regex",
        Scope.ASSISTANT,
    )
    assert hello.checks[0].kind == "latency_ms"


def test_a_step_and_a_check_know_their_line(files: Files) -> None:
    suite = files.load(YAML, "shop.turnwire.yaml")
    step = suite.tests[0].steps[0]
    assert step.origin.path == "$.tests[0].steps[0]"
    assert YAML.splitlines()[(step.origin.line or 0) - 1].strip().startswith("- message:")
    origin = step.checks[0].origin
    assert origin.path == "$.tests[0].steps[0].checks[0]"
    assert YAML.splitlines()[(origin.line or 0) - 1].strip() == "- contains: Hello"


def test_all_that_is_wrong_comes_at_once_with_its_place(files: Files) -> None:
    text = """\
connections: [bot]
perzonas: {a: b}
tests:
  - name: One
    persona: nobody
    steps:
      - mesage: Hi
      - message: Hi
        checks: [{contians: a}]
  - name: Two
    uses: [nothing]
    steps:
      - request: open
        expect: {path: a}
"""
    problems = files.problems(text, "shop.turnwire.yaml")
    assert [(one.line, one.path, one.message) for one in problems] == [
        (2, "$.perzonas", "Unknown key 'perzonas'."),
        (7, "$.tests[0].steps[0].mesage", "There is no step 'mesage'."),
        (9, "$.tests[0].steps[1].checks[0].contians", "There is no check 'contians'."),
        (5, "$.tests[0].persona", "There is no persona 'nobody'."),
        (11, "$.tests[1].uses[0]", "There is no fixture 'nothing'."),
        (13, "$.tests[1].steps[0]", "The suite has no request 'open'."),
    ]
    assert all(one.file == str(files.folder / "shop.turnwire.yaml") for one in problems)
    assert problems[1].hint == "Did you mean 'message'?"


@pytest.mark.parametrize(
    ("test", "path", "message"),
    [
        ({"name": "A", "steps": []}, "$.tests[0].steps", "without steps"),
        ({"name": "A", "steps": [{"message": "Hi"}]}, "$.tests[0]", "checks nothing"),
        (a_test(repeat=0), "$.tests[0].repeat", "at least once"),
        (a_test(skip=""), "$.tests[0].skip", "Expected true, or the reason"),
        (a_test(skip=3), "$.tests[0].skip", "Expected true, or the reason"),
        (a_test(skip=True, only=True), "$.tests[0].only", "both 'skip' and 'only'"),
        (a_test(id="a b"), "$.tests[0].id", "is no id"),
        (a_test(id="a::b"), "$.tests[0].id", "is no id"),
        (a_test(name="…"), "$.tests[0].name", "No id can be made"),
        (a_test(matrix={"city": []}), "$.tests[0].matrix.city", "never be run"),
        (
            a_test(matrix={"a": [1]}, variables={"a": 1}),
            "$.tests[0].matrix.a",
            "and in 'variables'",
        ),
        (
            a_test(matrix={"connection": ["bot"]}, connections=["bot"]),
            "$.tests[0].matrix.connection",
            "'connections' already",
        ),
        (a_test(connections=["bot", "bot"]), "$.tests[0].connections[1]", "there twice"),
        (a_test(limits={"maxTurns": 0}), "$.tests[0].limits", "1 or more"),
        (a_test(limits={"maxturn": 1}), "$.tests[0].limits.maxturn", "Unknown key"),
        (a_test(steps=["Hi"], checks=[{"regex": "a"}]), "$.tests[0].steps[0]", "Expected a step"),
        (a_test(steps=[{"check": []}]), "$.tests[0].steps[0].check", "checks nothing"),
        (a_test(checks=[{"contains": []}]), "$.tests[0].checks[0].contains", "look for"),
    ],
)
def test_a_test_that_leads_nowhere_is_refused(
    files: Files, test: dict[str, Any], path: str, message: str
) -> None:
    problems = files.problems({"connections": ["bot"], "tests": [test]})
    assert path in [one.path for one in problems]
    assert message in next(one.message for one in problems if one.path == path)


@pytest.mark.parametrize(
    ("suite", "path", "message"),
    [
        ({"tests": []}, "$.tests", "shows nothing"),
        ({}, "$", "'tests' is missing"),
        ([], "$", "Expected an object"),
        ({"tests": [a_test()], "connections": {}}, "$.connections", "no connection in it"),
        ({"tests": [a_test()], "connections": "bot"}, "$.connections", "Expected connections"),
        ({"tests": [a_test()], "connections": [1]}, "$.connections[0]", "Expected a name"),
        ({"tests": [a_test()], "config": "none.yaml"}, "$.config", "no such file"),
        ({"tests": [a_test()], "name": "a::b"}, "$.name", "is no name"),
        ({"tests": [a_test()], "checks": [{"contains": "a"}]}, "$.checks[0].contains", "only"),
        ({"tests": [a_test()], "limits": 3}, "$.limits", "Expected an object"),
        ({"tests": [a_test(), a_test()]}, "$.tests[1]", "has the id 'says-hello' already"),
    ],
)
def test_a_suite_that_leads_nowhere_is_refused(
    files: Files, suite: Any, path: str, message: str
) -> None:
    problems = files.problems(suite)
    assert (path, True) in [(one.path, message in one.message) for one in problems]


def test_checks_over_the_whole_suite_make_a_test_worth_running(files: Files) -> None:
    checks = [{"percentiles": {"metric": "latencyMs", "p": 95, "max": 800, "minSamples": 20}}]
    suite = files.suite_with({"name": "A", "steps": [{"message": "Hi"}]}, checks=checks)
    assert suite.checks[0].kind == "percentiles"


@pytest.mark.parametrize(
    "step",
    [
        {"user_objective": "Get a refund"},
        {"extract": {"regex": "(a)", "assign": "a"}},
        {"request": {"url": "https://a.example", "expect": {"status": 200}}},
        {"request": {"url": "https://a.example", "extract": {"id": "id"}}},
    ],
)
def test_a_step_that_can_fail_by_itself_is_a_check(files: Files, step: dict[str, Any]) -> None:
    suite = files.suite_with({"name": "A", "steps": [{"message": "Hi"}, step]})
    assert len(suite.tests[0].steps) == 2


def test_a_name_of_several_words_is_a_description(files: Files) -> None:
    suite = files.suite_with(a_test(persona="somebody in a hurry"))
    assert suite.tests[0].persona == "somebody in a hurry"
    problem = files.problem_in(a_test(persona="retial"), personas={"retail": "A customer"})
    assert problem.hint is not None
    assert "'retail'" in problem.hint


def test_the_persona_of_a_step_must_be_there_too(files: Files) -> None:
    problem = files.problem_in(a_test(steps=[{**SAYS_HI, "persona": "nobody"}]))
    assert problem.path == "$.tests[0].steps[0]"


def test_values_of_the_environment_are_filled_and_kept_secret(files: Files) -> None:
    files.environ = {"TOKEN": "sesame-1234", "USER": "somebody"}
    suite = files.suite_with(
        a_test(steps=[{"message": "I am {{env.USER}}", "checks": [{"contains": "${TOKEN}"}]}])
    )
    assert suite.tests[0].steps[0].checks[0].options.all == ("sesame-1234",)
    assert suite.environment == {"USER": "somebody"}
    assert suite.secrets.mask("sesame-1234 of somebody") == "*** of ***"
    assert "somebody" not in repr(suite)


def test_what_the_environment_lacks_is_found_when_the_suite_is_loaded(files: Files) -> None:
    steps = [{"message": "{{env.NOPE}} ${MISSING}", "checks": [{"contains": "{{env.NEVER}}"}]}]
    problems = files.problems({"connections": ["bot"], "tests": [a_test(steps=steps)]})
    assert {one.message for one in problems} == {
        "The environment variable MISSING is not set.",
        "The environment variable NOPE is not set.",
        "The environment variable NEVER is not set.",
    }


def test_a_secret_is_in_no_message(files: Files) -> None:
    files.environ = {"TOKEN": "sesame-1234"}
    problems = files.problems({"tests": [a_test(persona="${TOKEN}")]})
    assert "sesame" not in "\n".join(map(str, problems))


def test_inline_connections_stay_unfilled_and_the_judge_is_no_target(files: Files) -> None:
    connections = {
        "bot": {"base_url": "https://a.example", "headers": {"X": "${TOKEN}"}},
        "judge": {"base_url": "https://b.example"},
    }
    suite = files.load({"connections": connections, "judge": "judge", "tests": [a_test()]})
    assert suite.connections == ("bot",)
    assert suite.inline_connections["bot"]["headers"] == {"X": "${TOKEN}"}
    assert suite.inline_origins["judge"].path == "$.connections.judge"


def test_an_option_may_stand_beside_its_kind_or_inside_but_not_twice(files: Files) -> None:
    beside = {"message": "Hi", "persona": "a b", "checks": [{"contains": "a"}]}
    inside = {"message": {"content": "Hi", "persona": "a b"}, "checks": [{"contains": "a"}]}
    suite = files.suite_with(a_test("A", steps=[beside]), a_test("B", steps=[inside]))
    assert suite.tests[0].steps[0].options == suite.tests[1].steps[0].options

    both = {"message": {"content": "Hi", "persona": "a b"}, "persona": "c d"}
    problem = files.problem_in(a_test(steps=[both, SAYS_HI]))
    assert "and beside it" in problem.message


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"message": "Hi", "check": {"contains": "a"}}, "has one kind"),
        ({"checks": [{"contains": "a"}]}, "needs a kind"),
        ({"contains": "a"}, "no step 'contains'"),
        ({"message": "Hi", "personna": "a"}, "Unknown key 'personna'"),
        ({"message": None}, "takes no such value"),
        ({"message": {}}, "'content' is missing"),
        ({"message": "Hi {{varables.x}}"}, "Unknown placeholder"),
        ({"message": "Hi {{message}}"}, "Unknown placeholder"),
        ({"message": "Hi", "name": 3}, "Expected text"),
        ({"check": {"contains": "a"}, "persona": "x"}, "Unknown key 'persona'"),
        ({"user_objective": "Buy", "stopWhen": [{"contians": "a"}]}, "no check 'contians'"),
        ({"request": {}}, "either 'name'"),
        ({"request": {"url": "https://a.example", "expect": [{}]}}, "expects nothing"),
    ],
)
def test_a_step_that_is_written_wrong_says_what_to_write(
    files: Files, step: dict[str, Any], message: str
) -> None:
    problem = files.problem_in(a_test(steps=[step, SAYS_HI]))
    assert problem.path.startswith("$.tests[0].steps[0]")
    assert message in problem.message


def test_checks_among_the_options_of_a_step_are_read_like_others(files: Files) -> None:
    step = {"user_objective": "Buy", "stopWhen": {"contains": "{{variables.word}}"}}
    suite = files.suite_with(a_test(steps=[step], variables={"word": "sold"}))
    (check,) = suite.tests[0].steps[0].options.stop_when
    assert (check.kind, check.origin.path) == ("contains", "$.tests[0].steps[0].stopWhen")


def test_the_three_formats_make_the_same_suite(files: Files) -> None:
    json = {"connections": ["bot"], "tests": [a_test()]}
    yaml = "connections: [bot]\ntests:\n  - name: Says hello\n    steps:\n"
    yaml += "      - message: Hi\n        checks: [{contains: Hello}]\n"
    toml = 'connections = ["bot"]\n[[tests]]\nname = "Says hello"\n[[tests.steps]]\n'
    toml += 'message = "Hi"\nchecks = [{contains = "Hello"}]\n'
    shapes = {
        (suite.name, suite.connections, suite.tests[0].steps[0].options, len(suite.tests))
        for suite in (
            files.load(json, "a.turnwire.json"),
            files.load(yaml, "a.turnwire.yaml"),
            files.load(toml, "a.turnwire.toml"),
        )
    }
    assert len(shapes) == 1


def test_several_suites_are_loaded_with_all_their_problems(files: Files) -> None:
    good = files.write("a.turnwire.json", {"tests": [a_test()]})
    bad = files.write("b.turnwire.json", {"tests": [a_test(persona="nobody")]})
    twin = files.write("c/a.turnwire.json", {"tests": [a_test()]})
    assert [suite.name for suite in load_suites([good])] == ["a"]
    with pytest.raises(ConfigError) as caught:
        load_suites([good, bad, twin, Path("none.turnwire.yaml")])
    messages = [one.message for one in caught.value.problems]
    assert messages[0] == "There is no persona 'nobody'."
    assert "is a suite named 'a' too" in messages[1]
    assert "Cannot read the file" in messages[2]


class _Wait(Step):
    kind = "wait"
    doc = "Wait."

    async def run(self, options: Any, test: Any) -> None:
        """Nothing."""


class _Plugin:
    @hookimpl
    def turnwire_steps(self) -> list[Step]:
        return [_Wait()]


def test_a_step_of_a_plugin_is_read_and_may_be_what_checks(files: Files) -> None:
    kinds = Kinds(discover=False)
    kinds.register(_Plugin(), "waiting")
    suite = files.load({"tests": [{"name": "A", "steps": [{"wait": True}]}]}, kinds=kinds)
    assert suite.tests[0].steps[0].kind == "wait"


def test_a_broken_plugin_is_no_mistake_of_the_suite(files: Files) -> None:
    kinds = Kinds(discover=False)
    kinds.register(_Plugin(), "one")
    kinds.register(_Plugin(), "two")
    with pytest.raises(PluginError, match="claimed by"):
        files.load({"tests": [{"name": "A", "steps": [{"wait": True}]}]}, kinds=kinds)


def test_a_suite_is_loaded_with_what_is_installed_by_default(files: Files) -> None:
    assert load_suite(files.write("a.turnwire.json", {"tests": [a_test()]})).name == "a"
