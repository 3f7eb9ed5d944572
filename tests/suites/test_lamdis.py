"""Files of lamdis-runs: recognised, translated, and what cannot be kept is refused."""

from __future__ import annotations

from typing import Any

import pytest

from support.suite_files import Files
from turnwire.suites.expansion import expand
from turnwire.suites.lamdis import is_lamdis
from turnwire.suites.model import Scope, Severity, Suite
from turnwire.suites.references import check_connections
from turnwire_core.templates import Template

ACCOUNTS = "https://api.example.com"

AUTH = {
    "id": "auth/dev",
    "env": {"API_TOKEN": "${DEV_TOKEN}", "BOT_KEY": "${DEV_BOT_KEY}"},
    "pattern": {"type": "bearer", "header": "Authorization", "template": "Bearer ${API_TOKEN}"},
}
REQUESTS = {
    "requests": [
        {
            "id": "accounts.create",
            "title": "Create an account",
            "auth": {"authRef": "auth/dev"},
            "transport": {
                "mode": "direct",
                "authority": "broker",
                "http": {
                    "method": "post",
                    "base_url": ACCOUNTS,
                    "path": "/accounts",
                    "headers": {"content-type": "application/json"},
                    "body": {"id": "${input.id}", "note": "for ${input.owner}", "status": "open"},
                },
            },
        },
        {
            "id": "accounts.get",
            "transport": {
                "http": {
                    "base_url": ACCOUNTS,
                    "path": "/accounts/{id}",
                    "headers": {"X-Account": "{id}", "Authorization": "Token ${OTHER}"},
                },
                "authRef": "auth/dev",
            },
        },
        {
            "id": "accounts.close",
            "transport": {"http": {"method": "PATCH", "full_url": f"{ACCOUNTS}/close/{{id}}"}},
        },
    ]
}
ASSISTANT = {
    "id": "assistants/dev/v1",
    "name": "The bot",
    "env": {
        "channel": "http_chat",
        "baseUrl": "https://bot.example.com/",
        "timeoutMs": 20000,
        "headers": {"x-api-key": "${BOT_KEY}"},
    },
    "auth": {"authRef": "auth/dev"},
    "path": "/chat",
    "outputSchema": {"type": "object", "properties": {"reply": {"type": "string"}}},
}
PERSONAS = {
    "personas": [
        {"id": "retail", "description": "Anxious", "userProfile": {"age": "25-34"}},
        {"id": "vip", "description": "Rich"},
    ]
}
JUDGED = {
    "type": "assistant_check",
    "mode": "judge",
    "rubric": "It warns about risk.",
    "threshold": 0.8,
}
SAYS = {"type": "message", "role": "user", "personaId": "retail", "content": "Hi"}


def a_test(*steps: Any, **more: Any) -> dict[str, Any]:
    return {"id": "suitability", "steps": [*steps, JUDGED], **more}


def test_file(*tests: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": "p1",
        "imports": {
            "personas": ["personas/retail.json"],
            "requests": ["requests/accounts.json"],
        },
        "assistantRef": "assistants/dev/v1",
        "tests": list(tests),
        **more,
    }


test_file.__test__ = False  # type: ignore[attr-defined] # a helper with a telling name


@pytest.fixture
def project(files: Files) -> Files:
    """The folders of a project: some at its root, some below ``configs``."""
    files.write("configs/auth/dev.json", AUTH)
    files.write("configs/requests/accounts.json", REQUESTS)
    files.write("configs/personas/retail.json", PERSONAS)
    files.write("assistants/dev/v1.json", ASSISTANT)
    files.environ = {"DEV_TOKEN": "sesame-token", "DEV_BOT_KEY": "sesame-bot", "OTHER": "sesame-o"}
    return files


def load(project: Files, *tests: Any, **more: Any) -> Suite:
    return project.load(test_file(*tests, **more), "tests/checks/p1.json")


def problem(project: Files, *tests: Any, **more: Any) -> str:
    return str(project.problem(test_file(*tests, **more), "tests/checks/p1.json"))


def source(value: Any) -> Any:
    """What was written into a template; mappings of templates too."""
    if isinstance(value, Template):
        return value.source
    return {key: source(item) for key, item in value.items()}


def test_references_are_found_beside_the_file_and_in_the_folders_above(project: Files) -> None:
    suite = load(project, a_test(SAYS))
    assert suite.name == "p1"
    assert suite.connections == ("assistants/dev/v1",)
    assert suite.persona_text("retail") == "Anxious (age: 25-34)"
    assert suite.inline_origins["assistants/dev/v1"].file.endswith("assistants/dev/v1.json")
    assert [case.id for case in expand(suite, seed=1)] == ["p1::suitability[assistants/dev/v1]"]


def test_an_assistant_becomes_a_connection_that_is_filled_when_it_is_opened(
    project: Files,
) -> None:
    suite = load(project, a_test(SAYS))
    assert suite.inline_connections["assistants/dev/v1"] == {
        "protocol": "http_chat",
        "responseFieldPath": "reply",
        "base_url": "https://bot.example.com/chat",
        "headers": {"Authorization": "Bearer ${DEV_TOKEN}", "x-api-key": "${DEV_BOT_KEY}"},
        "timeoutMs": 20000,
        "description": "The bot",
    }


def test_an_oauth_file_becomes_the_auth_of_connections_and_requests(project: Files) -> None:
    oauth = {
        "id": "auth/dev",
        "kind": "oauth_client_credentials",
        "clientId": "${DEV_TOKEN}",
        "clientSecret": "${DEV_BOT_KEY}",
        "tokenUrl": "https://login.example.com/token",
        "scopes": ["read", "write"],
        "cacheTtlSeconds": 300,
        "apply": {"type": "bearer", "header": "authorization"},
    }
    project.write("configs/auth/dev.json", oauth)
    project.write("assistants/dev/v1.json", {**ASSISTANT, "env": {"baseUrl": "https://a.example"}})
    call = {"type": "request", "requestId": "accounts.create", "input": {"id": 1, "owner": "A"}}
    suite = load(project, a_test(SAYS, call))
    assert suite.inline_connections["assistants/dev/v1"]["auth"] == {
        "type": "oauth2",
        "clientId": "${DEV_TOKEN}",
        "clientSecret": "${DEV_BOT_KEY}",
        "tokenUrl": "https://login.example.com/token",
        "scope": "read write",
    }
    auth = suite.requests["accounts.create"].auth
    assert auth is not None
    assert (auth.type, auth.client_secret, auth.scope) == ("oauth2", "sesame-bot", "read write")


def test_a_request_is_made_for_each_input_with_its_credentials(project: Files) -> None:
    suite = load(
        project,
        a_test(
            {
                "type": "request",
                "requestId": "accounts.create",
                "input": {"id": 1001, "owner": "Ann {{x}}"},
                "assign": "acct",
            },
            {"type": "request", "requestId": "accounts.get", "input": {"id": "${var.acct.id}"}},
            {"type": "request", "requestId": "accounts.get", "input": {"id": 7, "all": True}},
            {"type": "request", "requestId": "accounts.get", "input": {"id": 7, "all": True}},
            {"type": "request", "requestId": "accounts.close", "input": {"id": 7}},
        ),
    )
    create = suite.requests["accounts.create"]
    assert (create.method, create.url.source) == ("POST", f"{ACCOUNTS}/accounts")
    assert create.body is not None
    assert create.body.render({}) == {"id": "1001", "note": "for Ann {{x}}", "status": "open"}
    assert source(create.headers) == {
        "content-type": "application/json",
        "Authorization": "Bearer sesame-token",
    }
    get, fixed = suite.requests["accounts.get"], suite.requests["accounts.get#2"]
    assert get.url.source == f"{ACCOUNTS}/accounts/{{{{variables.acct.id}}}}"
    assert source(get.query) == {"id": "{{variables.acct.id}}"}
    assert source(fixed.query) == {"id": "7", "all": "true"}
    # Its own header goes before that of the auth file.
    assert source(fixed.headers) == {"X-Account": "7", "Authorization": "Token sesame-o"}
    close = suite.requests["accounts.close"]
    assert (close.url.source, close.body and close.body.source) == (
        f"{ACCOUNTS}/close/7",
        {"id": 7},
    )
    assert set(suite.requests) == {
        "accounts.create",
        "accounts.get",
        "accounts.get#2",
        "accounts.close",
    }
    steps = suite.tests[0].steps
    assert [(step.options.name, step.options.assign) for step in steps[:2]] == [
        ("accounts.create", "acct"),
        ("accounts.get", "accounts_get"),
    ]
    assert suite.secrets.mask("sesame-token") == "***"
    assert check_connections(suite, {}) == []


def test_a_request_that_is_given_nothing_has_empty_inputs(project: Files) -> None:
    suite = load(project, a_test({"type": "request", "requestId": "accounts.create"}))
    body = suite.requests["accounts.create"].body
    assert body is not None
    assert body.source == {"id": "", "note": "for ", "status": "open"}


def test_steps_become_steps(project: Files) -> None:
    suite = load(
        project,
        a_test(
            {"type": "message", "role": "system", "content": "Be kind."},
            {**SAYS, "name": "greet", "id": "one"},
            {
                "type": "request",
                "id": "made",
                "requestId": "accounts.create",
                "inputMappings": {"id": 1, "owner": "A"},
                "saveAs": "acct",
            },
            {
                "type": "message",
                "content": "${var.acct.id} ${bag.var.acct.id} ${last.request.id} "
                "${steps.made.output.id} $steps.made.output.id ${lastAssistant} ${OTHER} {{x}} "
                "$${last.assistant}",
            },
            {
                "type": "includes",
                "severity": "warning",
                "scope": "last",
                "includes": ["Risk", "diver{{sify"],
                "name": "names the risk",
            },
            {"type": "user_objective", "description": "Buy ${var.acct.id}", "maxTurns": 4},
        ),
    )
    test = suite.tests[0]
    kinds = ["message", "message", "request", "message", "check", "user_objective", "check"]
    assert [step.kind for step in test.steps] == kinds
    assert test.steps[0].options.role == "system"
    assert (test.steps[1].options.persona, test.steps[1].name) == ("retail", "greet")
    assert test.steps[2].options.assign == "acct"
    assert test.steps[3].options.content.source == (
        "{{variables.acct.id}} {{variables.acct.id}} {{variables.acct.id}} "
        "{{variables.acct.id}} {{variables.acct.id}} {{reply}} sesame-o \\{{x}} ${{reply}}"
    )
    (includes,) = test.steps[4].checks
    assert (includes.kind, includes.severity, includes.scope, includes.name) == (
        "icontains",
        Severity.WARNING,
        Scope.LAST,
        "names the risk",
    )
    assert test.steps[5].options.max_turns == 4
    (judged,) = test.steps[6].checks
    assert (judged.kind, judged.options.threshold) == ("judge", 0.8)
    assert judged.origin.path == "$.tests[0].steps[6]"


def test_assertions_become_checks_at_the_end(project: Files) -> None:
    expect = {"path": "risk_level", "equals": "moderate"}
    suite = load(
        project,
        {
            "id": "a",
            "steps": [SAYS],
            "assertions": [
                {"type": "includes", "config": {"includes": ["risk"]}},
                {"type": "semantic", "severity": "info", "config": {"rubric": "It is kind."}},
                {
                    "type": "request",
                    "severity": "error",
                    "config": {"requestId": "accounts.get", "input": {"id": 1}, "expect": expect},
                },
            ],
        },
    )
    test = suite.tests[0]
    assert [(one.kind, one.scope, one.severity) for one in test.checks] == [
        ("icontains", Scope.TRANSCRIPT, Severity.ERROR),
        ("judge", Scope.LAST, Severity.INFO),
    ]
    assert test.checks[1].options.threshold == 0.75
    (expectation,) = test.steps[-1].options.expect
    assert (str(expectation.path), expectation.equals) == ("risk_level", "moderate")


def test_a_script_is_said_message_by_message_and_steps_take_its_place(project: Files) -> None:
    script = {"messages": [{"role": "system", "content": "Be kind."}, {"content": "Hi"}]}
    config = {"rubric": "It is kind.", "threshold": 0.5}
    suite = load(
        project,
        {"id": "a", "script": script, "judgeConfig": config},
        {"id": "b", "script": script, "steps": [SAYS, JUDGED], "iterate": True, "maxTurns": 3},
    )
    first, second = suite.tests
    assert [step.options.role for step in first.steps] == ["system", "user"]
    assert first.checks[0].options.threshold == 0.5
    assert first.limits.max_turns == 8
    assert [step.kind for step in second.steps] == ["message", "check"]
    assert second.limits.max_turns == 3


def test_an_objective_alone_is_pursued_by_a_simulated_user(project: Files) -> None:
    suite = load(
        project,
        {
            "id": "a",
            "objective": "Get a refund.",
            "personaId": "vip",
            "maxTurns": 5,
            "judgeConfig": {"rubric": "A refund is promised."},
        },
        {"id": "b", "objective": "Get a refund.", "iterate": False},
    )
    (step,) = suite.tests[0].steps
    assert (step.kind, step.options.max_turns, step.options.persona) == ("user_objective", 5, "vip")
    assert [one.kind for one in step.options.stop_when] == ["judge"]
    assert [one.kind for one in suite.tests[0].checks] == ["judge"]
    assert suite.tests[1].steps[0].options.max_turns == 1


def test_a_suite_includes_files_and_runs_them_with_its_assistants(project: Files) -> None:
    project.write("tests/checks/p1.json", test_file(a_test(SAYS), a_test(SAYS, id="own")))
    other = test_file(a_test(SAYS), id="p2", assistantRef="assistants/dev/v2")
    project.write("tests/checks/p2.json", other)
    project.write("assistants/dev/v2.json", {**ASSISTANT, "id": "assistants/dev/v2"})
    project.write("assistants/dev/v3.json", {**ASSISTANT, "id": "assistants/dev/v3"})
    included = ["tests/checks/p1.json", "tests/checks/p2"]
    tests = {"includeFiles": included, "includeIds": ["p1", "own"]}
    assistants = {
        "includeFolders": ["assistants/dev"],
        "include": ["assistants/dev/v1"],
        "exclude": ["assistants/dev/v3"],
    }
    suite = project.load(
        {"id": "legal", "assistants": assistants, "tests": tests}, "suites/legal.json"
    )
    assert suite.connections == ("assistants/dev/v1", "assistants/dev/v2")
    # Two files have a test of this id.
    assert [test.id for test in suite.tests] == ["p1/suitability", "own", "p2/suitability"]

    suite = project.load({"id": "legal", "tests": tests}, "suites/legal.json")
    assert suite.connections == ()
    assert [test.connections for test in suite.tests] == [
        ("assistants/dev/v1",),
        ("assistants/dev/v1",),
        ("assistants/dev/v2",),
    ]


def test_a_folder_of_test_files_can_be_included(project: Files) -> None:
    project.write("tests/checks/p1.json", test_file(a_test(SAYS)))
    suite = project.load({"tests": {"includeFolders": ["tests"]}}, "suites/all.json")
    assert [test.id for test in suite.tests] == ["suitability"]


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        (
            {"channel": "http_chat", "baseUrl": "https://a.example/api"},
            {"base_url": "https://a.example/api/chat", "responseFieldPath": "reply"},
        ),
        (
            {"channel": "openai_chat"},
            {
                "preset": "openai-chat-json",
                "headers": {"Authorization": "Bearer ${OPENAI_API_KEY}"},
                "variables": {"model": "${OPENAI_MODEL:-gpt-4o-mini}"},
            },
        ),
    ],
)
def test_an_assistant_may_stand_in_the_test_file(
    project: Files, env: dict[str, Any], expected: dict[str, Any]
) -> None:
    file = test_file(a_test(SAYS), env=env)
    del file["assistantRef"]
    suite = project.load(file, "tests/p1.json")
    assert suite.connections == ("p1-env",)
    assert expected.items() <= suite.inline_connections["p1-env"].items()


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{"type": "wait"}], "There is no type 'wait'"),
        ([{"content": "Hi"}], "'type' is missing"),
        (["Hi"], "Expected an object"),
        ([{**SAYS, "contnet": "a"}], "Unknown key 'contnet'"),
        ([{**SAYS, "role": "assistant"}], "'assistant' is not one of"),
        ([{**SAYS, "severity": "error"}], "has no 'severity'"),
        ([{**SAYS, "personaId": "nobody"}], "There is no persona 'nobody'"),
        ([{**SAYS, "content": "${var.x.y(1)}"}], "has no meaning here"),
        ([{**SAYS, "content": "${last.user}"}], "has no meaning here"),
        ([{**SAYS, "content": "${last.request.id}"}], "has no meaning here"),
        ([{**SAYS, "content": "${steps.nope.output}"}], "has no meaning here"),
        ([{**SAYS, "content": "${input.id}"}], "has no meaning here"),
        ([{**SAYS, "content": "${NOT_SET}"}], "NOT_SET is not set"),
        ([{"type": "extract", "variableName": "a", "description": "b"}], "needs a model"),
        ([{**JUDGED, "mode": "regex"}], "'regex' is not one of"),
        ([{**JUDGED, "threshold": 0}], "above 0"),
        ([{"type": "includes", "includes": []}], "Say what to look for"),
        ([{"type": "request", "requestId": "accounts.gte"}], "There is no request 'accounts.gte'"),
        (
            [{"type": "request", "requestId": "accounts.get", "input": {"idd": 1}}],
            "needs the input 'id'",
        ),
        (
            [{"type": "request", "requestId": "accounts.create", "input": {"id": 1}}],
            "needs the input 'owner'",
        ),
        (
            [
                {
                    "type": "request",
                    "requestId": "accounts.create",
                    "input": {"id": 1, "owner": []},
                }
            ],
            "cannot be a part of a text",
        ),
        (
            [{"type": "request", "requestId": "accounts.create", "assign": "a.b"}],
            "no name for a variable",
        ),
    ],
)
def test_a_step_that_cannot_be_kept_is_refused(
    project: Files, steps: list[Any], message: str
) -> None:
    text = problem(project, a_test(*steps))
    assert message in text


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ({"id": "a", "steps": [SAYS]}, "checks nothing"),
        ({"id": "a"}, "nothing to say"),
        ({"id": "a", "objective": "Buy", "minTurns": 2}, "'minTurns' cannot be kept"),
        ({"id": "a", "objective": "Buy", "continueAfterPass": True}, "cannot be kept"),
        ({"id": "a", "script": "messages: []"}, "YAML in a text"),
        (
            {
                "id": "a",
                "script": {"messages": [{"content": "Hi"}]},
                "minTurns": 2,
                "judgeConfig": {"rubric": "Kind."},
            },
            "fewer than 'minTurns'",
        ),
        (a_test(SAYS, maxTurns=0), "at least one turn"),
        (a_test(SAYS, hooks=[]), "Unknown key 'hooks'"),
        (a_test(SAYS, assertions=[{"type": "regex"}]), "There is no type 'regex'"),
        (a_test(SAYS, assertions=[{"type": "includes", "config": []}]), "Expected an object"),
        (
            a_test(
                SAYS,
                assertions=[
                    {
                        "type": "request",
                        "severity": "info",
                        "config": {"requestId": "accounts.get", "input": {"id": 1}},
                    }
                ],
            ),
            "always fails the test",
        ),
    ],
)
def test_a_test_that_cannot_be_kept_is_refused(
    project: Files, test: dict[str, Any], message: str
) -> None:
    assert message in problem(project, test)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("assistants/dev/v1.json", {**ASSISTANT, "env": {"channel": "http_chat"}}, "'baseUrl'"),
        (
            "assistants/dev/v1.json",
            {**ASSISTANT, "env": {"channel": "bedrock_chat"}},
            "no driver for the channel 'bedrock_chat'",
        ),
        (
            "assistants/dev/v1.json",
            {**ASSISTANT, "outputSchema": {"properties": {"message": {}}}},
            "has no 'reply'",
        ),
        (
            "assistants/dev/v1.json",
            {**ASSISTANT, "env": {"baseUrl": "https://${var.host}"}},
            "has no meaning here",
        ),
        ("assistants/dev/v1.json", {**ASSISTANT, "auth": {"authRef": "auth/x"}}, "no auth file"),
        ("configs/auth/dev.json", {"id": "auth/dev"}, "nothing about how to authenticate"),
        ("configs/auth/dev.json", {"pattern": {"type": "bearer"}}, "has no 'template'"),
        (
            "configs/auth/dev.json",
            {
                "kind": "oauth_client_credentials",
                "clientId": "a",
                "clientSecret": "b",
                "tokenUrl": "c",
                "apply": {"header": "x-token"},
            },
            "cannot be sent in the header 'x-token'",
        ),
        (
            "configs/auth/dev.json",
            {"kind": "oauth_client_credentials", "clientId": "a", "clientSecret": "b"},
            "'tokenUrl' is missing",
        ),
        ("configs/auth/dev.json", {"kind": "basic"}, "'basic' is not one of"),
        ("configs/personas/retail.json", {"personas": [{"id": "retail"}]}, "Nothing is said"),
        (
            "configs/requests/accounts.json",
            {"requests": [*REQUESTS["requests"], REQUESTS["requests"][0]]},
            "a request 'accounts.create' already",
        ),
        (
            "configs/requests/accounts.json",
            {"requests": [{"id": "x", "transport": {"mode": "workflow", "http": {}}}]},
            "'workflow' is not",
        ),
    ],
)
def test_a_file_that_cannot_be_kept_is_refused_where_it_stands(
    project: Files, name: str, content: Any, message: str
) -> None:
    project.write(name, content)
    problems = project.problems(test_file(a_test(SAYS)), "tests/checks/p1.json")
    found = [one for one in problems if message in one.message]
    assert found, "\n".join(map(str, problems))
    assert str(found[0].file).endswith(name) or "auth file" in message


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"assistantRef": "assistants/dev/v9"}, "There is no assistant 'assistants/dev/v9'"),
        ({"imports": {"personas": ["personas/x.json"]}}, "There is no personas file"),
        ({"imports": {"requests": ["requests/x.json"]}}, "There is no requests file"),
        ({"imports": {"auth": ["x"]}}, "Unknown key 'auth'"),
        ({"tests": []}, "shows nothing"),
        ({"tests": {"includeFiles": []}}, "No test file is included"),
        ({"tests": {"includeFolders": ["nope"]}}, "There is no folder 'nope'"),
        ({"tests": {"includeFiles": ["nope"], "includeIds": []}}, "There is no test file 'nope'"),
        ({"assistants": {"include": []}}, "No assistant is left"),
        ({"webhook": "x"}, "Unknown key 'webhook'"),
    ],
)
def test_a_test_file_that_leads_nowhere_is_refused(
    project: Files, more: dict[str, Any], message: str
) -> None:
    problems = project.problems(test_file(a_test(JUDGED), **more), "tests/p1.json")
    assert any(message in str(one) for one in problems), "\n".join(map(str, problems))


def test_an_id_that_no_included_file_has_is_refused(project: Files) -> None:
    project.write("tests/p1.json", test_file(a_test(SAYS)))
    tests = {"includeFiles": ["tests/p1"], "includeIds": ["p1", "p2"]}
    found = project.problem({"tests": tests}, "suites/legal.json")
    assert (found.path, found.message) == (
        "$.tests.includeIds[1]",
        "There is no test 'p2' in the files that are included.",
    )


@pytest.mark.parametrize("content", [PERSONAS, REQUESTS, {"$schema": "…/lamdis-runs/x.json"}])
def test_a_file_without_tests_is_no_suite(project: Files, content: Any) -> None:
    found = project.problem(content, "personas/retail.json")
    assert "no tests in this file of lamdis-runs" in found.message


@pytest.mark.parametrize(
    "data",
    [
        {"tests": [{"name": "A", "steps": [{"message": "Hi"}]}], "connections": ["a"]},
        {"tests": {"a": {"steps": []}}},
        {"tests": [], "imports": ["a.yaml"], "personas": {}},
        {"tests": [], "env": "x"},
        [],
        None,
    ],
)
def test_a_suite_of_our_own_is_not_taken_for_one_of_lamdis(data: Any) -> None:
    assert not is_lamdis(data)
