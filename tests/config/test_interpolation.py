"""``${NAME}`` in config files: filled once, all missing names together, and secret from then on."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire_core import Config, ConfigError, Connection, Plugins, Problem, parse_connection
from turnwire_core.config import interpolate
from turnwire_core.secrets import Secrets

_PLUGINS = Plugins()

Load = Callable[..., Config]
Problems = Callable[..., list[Problem]]
Connect = Callable[..., Connection]


def filled(text: str, **environ: str) -> str:
    value, findings = interpolate(text, environ, Secrets())
    assert not findings
    assert isinstance(value, str)
    return value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "one"),
        ("<${A}${B}>", "<onetwo>"),
        ("${A:-else}", "one"),
        ("${NONE:-else}", "else"),
        ("${NONE:-}", ""),
        ("${NONE:-a:-b}", "a:-b"),
        ("${NONE:-$A}", "$A"),
        ("${EMPTY:-else}", "else"),
        ("[${EMPTY}]", "[]"),
        ("$${A}", "${A}"),
        ("$A $ {A} {A} $", "$A $ {A} {A} $"),
        ("{{message}} ${A}", "{{message}} one"),
    ],
)
def test_references_are_filled(text: str, value: str) -> None:
    assert filled(text, A="one", B="two", EMPTY="") == value


@pytest.mark.parametrize("value", ["${B}", "$${B}", "${", "}}", "\\", '"'])
def test_a_value_is_not_interpolated_again(value: str) -> None:
    assert filled("${A}", A=value, B="never") == value


def test_a_value_that_would_be_read_as_a_placeholder_is_a_problem_and_not_shown() -> None:
    _, findings = interpolate("${A}", {"A": "s3cret {{message}}"}, Secrets())
    assert [finding.location for finding in findings] == [()]
    assert "A holds '{{'" in findings[0].message
    assert findings[0].hint == "In a template write {{env.A}}: it is never parsed."
    assert "s3cret" not in str(findings)


def test_every_text_in_the_data_is_filled_and_nothing_else() -> None:
    data = {"${A}": ["${A}", {"x": "${A}"}, 1, None, True, 2.5]}
    value, findings = interpolate(data, {"A": "one"}, Secrets())
    assert value == {"${A}": ["one", {"x": "one"}, 1, None, True, 2.5]}
    assert not findings


@pytest.mark.parametrize("text", ["${}", "${A-B}", "${1A}", "${A", "${A:+x}", "${ A }", "a ${"])
def test_a_broken_reference_is_a_problem_and_not_sent_as_it_is(text: str) -> None:
    _, findings = interpolate({"key": text}, {"A": "x"}, Secrets())
    assert findings[0].message == "A broken reference to the environment."
    assert findings[0].location == ("key",)
    assert "$${" in (findings[0].hint or "")


def test_all_missing_names_are_reported_at_once_with_their_places(problems: Problems) -> None:
    found = problems(
        """{"connections": {
            "one": {"base_url": "${URL}/chat", "headers": {"Authorization": "Bearer ${KEY}"}},
            "two": {"base_url": "http://a.example", "timeoutMs": "${LIMIT}",
                    "request": {"body": ["${FIRST} and ${SECOND}"]}}}}"""
    )
    assert [(problem.path, problem.line) for problem in found] == [
        ("$.connections.one.base_url", 2),
        ("$.connections.one.headers.Authorization", 2),
        ("$.connections.two.timeoutMs", 3),
        ("$.connections.two.request.body[0]", 4),
        ("$.connections.two.request.body[0]", 4),
    ]
    for problem, name in zip(found, ["URL", "KEY", "LIMIT", "FIRST", "SECOND"], strict=True):
        assert problem.message == f"The environment variable {name} is not set."
        assert problem.hint == f"Set it, or write ${{{name}:-default}}."


def test_missing_names_are_reported_together_with_other_problems(problems: Problems) -> None:
    found = problems(
        '{"connections": {"it": {"base_url": "${URL}", "timeoutMs": -1, "colour": 1}}}'
    )
    assert [problem.path for problem in found] == [
        "$.connections.it.base_url",
        "$.connections.it.timeoutMs",
        "$.connections.it.colour",
    ]


def test_a_variable_may_fill_a_number_or_a_switch(connection: Connect) -> None:
    environ = {"LIMIT": "2500", "FOLLOW": "true", "TRIES": "2"}
    it = connection(
        '"timeoutMs": "${LIMIT}", "followRedirects": "${FOLLOW}",'
        ' "retry": {"attempts": "${TRIES}"}',
        environ=environ,
    )
    assert (it.timeout_ms, it.follow_redirects, it.retry.attempts) == (2500, True, 2)


@pytest.mark.parametrize(("value", "key"), [("soon", "timeoutMs"), ("maybe", "followRedirects")])
def test_a_variable_of_the_wrong_kind_is_refused_without_showing_it(
    problems: Problems, value: str, key: str
) -> None:
    text = f'{{"connections": {{"it": {{"base_url": "http://a", "{key}": "${{V}}"}}}}}}'
    (problem,) = problems(text, environ={"V": value})
    assert value not in str(problem)


def test_templates_name_variables_of_the_environment_too(connection: Connect) -> None:
    it = connection(
        '"headers": {"X-User": "{{env.USER_NAME}}"}, "request": {"body": {"u": "{{env.OTHER}}"}}',
        environ={"USER_NAME": "ada-lovelace", "OTHER": "grace-hopper", "UNUSED": "x"},
    )
    assert dict(it.environment) == {"USER_NAME": "ada-lovelace", "OTHER": "grace-hopper"}
    assert it.secrets.mask("ada-lovelace grace-hopper") == "*** ***"


def test_a_missing_variable_of_a_template_is_found_when_loading(problems: Problems) -> None:
    found = problems(
        '{"connections": {"it": {"base_url": "http://a", "headers": {"X-User": "{{env.NO_ONE}}"},'
        ' "request": {"query": {"q": "{{env.NOTHING}}"}}}}}'
    )
    assert [(problem.path, problem.message) for problem in found] == [
        ("$.connections.it.headers.X-User", "The environment variable NO_ONE is not set."),
        ("$.connections.it.request.query.q", "The environment variable NOTHING is not set."),
    ]


# --- secrets -------------------------------------------------------------------------------------


def test_what_came_from_the_environment_is_secret_from_then_on(load: Load) -> None:
    config = load(
        '{"connections": {"it": {"base_url": "https://a.example/chat", '
        '"headers": {"Authorization": "Bearer ${KEY}", "X-Plain": "visible"}}}}',
        environ={"KEY": "sk-12345678"},
    )
    assert config.secrets.mask("key sk-12345678 visible") == "key *** visible"
    assert "sk-12345678" not in repr(config)
    assert "sk-12345678" not in repr(config.connection("it").headers)


@pytest.mark.parametrize(
    ("url", "shown", "hidden"),
    [
        ("https://user-1:pass-2@host.example/v1", "host.example", ["user-1", "pass-2"]),
        ("https://host.example/v1/hook/T0123456789", "host.example/v1/hook/", ["T0123456789"]),
        ("wss://host.example/chat?key=abcdef123456", "host.example/chat", ["abcdef123456"]),
        ("http://u%40x:p%2Fw%2Fx@host.example/", "host.example", ["p%2Fw%2Fx", "p/w/x"]),
    ],
)
def test_of_a_url_only_what_can_be_a_credential_is_secret(
    url: str, shown: str, hidden: list[str]
) -> None:
    secrets = Secrets()
    interpolate("${URL}", {"URL": url}, secrets)
    masked = secrets.mask(url)
    assert shown in masked
    for part in hidden:
        assert part not in secrets.mask(f"<{part}>")


@pytest.mark.parametrize("word", ["true", "FALSE", "localhost", "null"])
def test_words_that_hide_nothing_are_not_masked(word: str) -> None:
    secrets = Secrets()
    interpolate("${V}", {"V": word}, secrets)
    assert secrets.mask(f"is {word}") == f"is {word}"


@pytest.mark.parametrize(
    ("more", "secret"),
    [
        ('"headers": {"Authorization": "Bearer written-down"}', "written-down"),
        ('"headers": {"x-api-key": "written-down"}', "written-down"),
        ('"headers": {"Cookie": "sid=written-down"}', "sid=written-down"),
        ('"auth": {"type": "bearer", "token": "written-down"}', "written-down"),
        ('"auth": {"type": "basic", "username": "me", "password": "pass-word"}', "pass-word"),
        ('"auth": {"type": "api_key", "key": "written-down", "header": "K"}', "written-down"),
        ('"request": {"query": {"api_key": "written-down"}}', "written-down"),
        ('"tls": {"clientKeyPassword": "written-down", "clientCert": "c.pem"}', "written-down"),
        ('"proxy": "http://me:written-down@proxy.example:3128"', "written-down"),
    ],
)
def test_a_credential_that_is_written_down_is_secret_too(
    connection: Connect, more: str, secret: str
) -> None:
    it = connection(more)
    assert it.secrets.mask(f"<{secret}>") == "<***>"
    assert secret not in repr(it)


def test_the_base64_of_user_and_password_is_secret(connection: Connect) -> None:
    it = connection('"auth": {"type": "basic", "username": "me", "password": "pw-1"}')
    assert it.secrets.mask("Basic bWU6cHctMQ==") == "Basic ***=="


@given(st.text(min_size=2, max_size=12, alphabet=st.characters(exclude_categories=["Cs"])))
@settings(max_examples=60, deadline=None)
def test_no_problem_shows_a_value_of_the_environment(value: str) -> None:
    secret = f"zq{value}zq"
    mapping = {
        "base_url": "${V}",
        "protocol": "${V}",
        "timeoutMs": "${V}",
        "retry": {"attempts": "${V}"},
        "responseFieldPath": "[${V}",
        "headers": {"X-A": "é${V}"},
        "auth": {"type": "${V}"},
        "request": {"method": "${V}"},
    }
    with pytest.raises(ConfigError) as caught:
        parse_connection(mapping, plugins=_PLUGINS, environ={"V": secret})
    text = str(caught.value)
    for form in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]):
        assert form not in text


def test_a_value_that_only_looks_like_a_url_is_hidden_whole() -> None:
    secrets = Secrets()
    interpolate("${A}", {"A": "tok://[en"}, secrets)
    assert secrets.mask("it is tok://[en") == "it is ***"


def test_of_a_url_of_any_scheme_the_origin_can_be_shown() -> None:
    secrets = Secrets()
    interpolate("${A}", {"A": "tcp://user:pass-word@host.example:7000/x"}, secrets)
    shown = secrets.mask("tcp://user:pass-word@host.example:7000/x")
    assert shown == "tcp://***:***@host.example:7000/x"
