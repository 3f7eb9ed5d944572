"""From a file to connections: spellings, defaults, presets, checks, and all problems at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from turnwire_core import Config, ConfigError, Connection, PluginError, Problem, parse_connection
from turnwire_core.config import camel, fields_of, keys_of
from turnwire_core.contracts.connection import UNSET, Limits, ReplyRules, Retry

Load = Callable[..., Config]
Problems = Callable[..., list[Problem]]
Connect = Callable[..., Connection]


def in_connection(more: str) -> str:
    return f'{{"connections": {{"it": {{"base_url": "https://a.example/x", {more}}}}}}}'


# --- keys ----------------------------------------------------------------------------------------


def test_a_connection_needs_only_its_url(connection: Connect) -> None:
    it = connection()
    assert it.base_url == "https://a.example/x"
    assert it.protocol == "http_chat"
    assert it.name == "it"
    assert it.timeout_ms == 60_000


@pytest.mark.parametrize("key", ["base_url", "baseUrl", "url"])
def test_the_url_has_three_spellings(load: Load, key: str) -> None:
    config = load(f'{{"connections": {{"it": {{"{key}": "http://a.example"}}}}}}')
    assert config.connection("it").base_url == "http://a.example"


@pytest.mark.parametrize(
    "url", ["http://A.example:80//x/../y?q=%7e#f", "https://[::1]:9/é", "HTTP://a"]
)
def test_the_url_is_kept_exactly_as_written(load: Load, url: str) -> None:
    config = load(json.dumps({"connections": {"it": {"base_url": url}}}))
    assert config.connection("it").base_url == url


def _config_classes() -> list[type[Any]]:
    return [Connection, ReplyRules, Limits, Retry]


@pytest.mark.parametrize("cls", _config_classes(), ids=lambda cls: cls.__name__)
def test_every_key_is_read_in_camel_case_and_in_snake_case(cls: type[Any]) -> None:
    for field in fields_of(cls):
        assert keys_of(cls)[field.name] is keys_of(cls)[camel(field.name)]
        assert field.metadata["doc"].endswith(".")


@pytest.mark.parametrize(
    ("more", "get"),
    [
        ('"timeoutMs": 5000', lambda it: it.timeout_ms == 5000),
        ('"timeout_ms": 5000', lambda it: it.timeout_ms == 5000),
        ('"limits": {"idleMs": 7}', lambda it: it.limits.idle_ms == 7),
        ('"limits": {"idle_ms": 7}', lambda it: it.limits.idle_ms == 7),
        ('"response_field_path": "a.b"', lambda it: str(it.response_field_path) == "a.b"),
        (
            '"protocol": "sse", "sse": {"content_path": "x"}',
            lambda it: str(it.rules.content_path) == "x",
        ),
    ],
)
def test_both_spellings_mean_the_same(
    connection: Connect, more: str, get: Callable[[Connection], bool]
) -> None:
    assert get(connection(more))


def test_two_spellings_of_one_key_are_a_contradiction(problems: Problems) -> None:
    (problem,) = problems(in_connection('"timeoutMs": 1, "timeout_ms": 2'))
    assert problem.message == "'timeout_ms' and 'timeoutMs' are the same key."
    assert problem.path == "$.connections.it.timeout_ms"


@pytest.mark.parametrize(
    ("more", "path", "hint"),
    [
        ('"timeoutms": 1', "$.connections.it.timeoutms", "Did you mean 'timeoutMs'?"),
        ('"header": {}', "$.connections.it.header", "Did you mean 'headers'?"),
        ('"limits": {"idle": 1}', "$.connections.it.limits.idle", "Did you mean 'idleMs'?"),
        (
            '"protocol": "sse", "sse": {"contentpath": "a"}',
            "$.connections.it.sse.contentpath",
            "Did you mean 'contentPath'?",
        ),
        (
            '"protocol": "sse", "sse": {"finish": [{"sentinal": "x"}]}',
            "$.connections.it.sse.finish[0].sentinal",
            "Did you mean 'sentinel'?",
        ),
        ('"zebra": 1', "$.connections.it.zebra", "Known here: auth, base_url"),
        ('"contentPath": "a"', "$.connections.it.contentPath", "It belongs into a section"),
    ],
)
def test_an_unknown_key_is_an_error_with_the_nearest_known_one(
    problems: Problems, more: str, path: str, hint: str
) -> None:
    (problem,) = problems(in_connection(more))
    assert problem.path == path
    assert problem.message == f"Unknown key {path.rpartition('.')[2]!r}."
    assert hint in (problem.hint or "")


def test_a_missing_key_is_named(problems: Problems) -> None:
    (problem,) = problems('{"connections": {\n"it": {"persona": "x"}}}')
    assert problem.message == "The key 'base_url' is missing."
    assert (problem.path, problem.line) == ("$.connections.it", 2)


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("[]", "$", "Expected an object at the top, found a list."),
        ("null", "$", "Expected an object at the top, found null."),
        ("{}", "$", "Expected the connections by name, found nothing."),
        ('{"connections": []}', "$.connections", "Expected the connections by name, found a list."),
        ('{"connections": {"it": "x"}}', "$.connections.it", "Expected an object, found text."),
    ],
)
def test_a_file_of_the_wrong_shape_says_what_is_expected(
    problems: Problems, text: str, path: str, message: str
) -> None:
    (problem,) = problems(text)
    assert (problem.path, problem.message) == (path, message)


def test_a_schema_may_be_named_for_the_editor(load: Load) -> None:
    assert load('{"$schema": "./schema.json", "connections": {}}').connections == {}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('"persona": 5', "Expected text, found a number."),
        ('"persona": true', "Expected text, found a boolean."),
        ('"timeoutMs": true', "Expected a number, found a boolean."),
        ('"timeoutMs": 0', "Expected a positive number of milliseconds."),
        ('"timeoutMs": -1', "Expected a positive number of milliseconds."),
        ('"timeoutMs": null', "Expected a number, found null."),
        ('"followRedirects": "yes"', "Expected true or false, found text."),
        ('"followRedirects": 1', "Expected true or false, found a number."),
        ('"limits": {"maxReplyBytes": 1.5}', "Expected a whole number."),
        ('"limits": {"maxReplyBytes": 0}', "Expected a positive number of bytes."),
        ('"retry": {"attempts": -1}', "Expected a number that is not negative."),
        ('"retry": {"statuses": 429}', "Expected a list, found a number."),
        ('"headers": []', "Expected an object, found a list."),
        (
            '"request": {"method": "DELETE"}',
            "'DELETE' is not one of 'POST', 'GET', 'PUT', 'PATCH'.",
        ),
        ('"request": {"method": ["GET"]}', "Expected one of 'POST', 'GET', 'PUT', 'PATCH', found"),
        ('"responseFieldPath": "a["', "In brackets stands a number"),
        ('"request": {"body": "{{mesage}}"}', "Did you mean {{message}}?"),
        ('"request": {"messageTemplate": "{{message}}"}', "Unknown placeholder {{message}}."),
        ('"auth": {"type": "bearer"}', "Auth of type 'bearer' needs token."),
        ('"auth": {"type": "basic"}', "needs username and password."),
        ('"protocol": "sse", "sse": {"finishValue": 1}', "'finishValue' needs 'finishPath'"),
        ('"protocol": "sse", "sse": {"content": [{}]}', "The key 'path' is missing."),
        ('"protocol": "sse", "sse": {"finish": [{}]}', "A finish rule needs one of"),
        ('"protocol": "sse", "sse": {"errors": [{}]}', "An error rule needs 'when' or 'path'."),
        (
            '"protocol": "sse", "sse": {"content": [{"path": "a", "when": {}}]}',
            "Expected an object of",
        ),
        ('"request": {"body": {}, "bodies": []}', None),
        ('"request": {"body": {}, "bodies": [{}]}', "Write either 'body' or 'bodies', not both."),
    ],
)
def test_a_value_of_the_wrong_kind_says_what_is_expected(
    problems: Problems, load: Load, more: str, message: str | None
) -> None:
    if message is None:
        load(in_connection(more))
        return
    found = problems(in_connection(more))
    assert len(found) == 1
    assert message in found[0].message


def test_every_problem_of_a_file_comes_in_one_error(problems: Problems) -> None:
    found = problems(
        """{
  "conections": {},
  "connections": {
    "one": {
      "base_url": "ftp://a.example",
      "headers": {"X-A": "a\\r\\nb"}
    },
    "two": {
      "base_url": "http://b.example",
      "preset": "no-such-preset",
      "protocol": "sse",
      "sse": {
        "contentPath": "a[",
        "finish": [{"path": "b"}, {"when": {"c[": 1}}, {}],
        "colour": "red"
      },
      "limits": {"idleMs": -1}
    },
    "three": {"timeoutMs": "${LIMIT}"},
    "four": 4
  }
}"""
    )
    assert [(problem.line, problem.path) for problem in found] == [
        (2, "$.conections"),
        (5, "$.connections.one.base_url"),
        (6, "$.connections.one.headers.X-A"),
        (10, "$.connections.two.preset"),
        (13, "$.connections.two.sse.contentPath"),
        (14, '$.connections.two.sse.finish[1].when["c["]'),
        (14, "$.connections.two.sse.finish[2]"),
        (15, "$.connections.two.sse.colour"),
        (17, "$.connections.two.limits.idleMs"),
        (19, "$.connections.three.timeoutMs"),
        (19, "$.connections.three"),
        (20, "$.connections.four"),
    ]


def test_an_unknown_protocol_key_hides_no_problem_of_its_section(problems: Problems) -> None:
    found = problems(
        """{"connections": {"one": {
  "base_url": "htp://a.example",
  "protcol": "sse",
  "sse": {"contentPath": "a["}
}}}"""
    )
    assert [(problem.line, problem.path) for problem in found] == [
        (2, "$.connections.one.base_url"),
        (3, "$.connections.one.protcol"),
        (4, "$.connections.one.sse.contentPath"),
    ]


def test_a_name_that_is_not_there_is_answered_from_the_whole_file(load: Load) -> None:
    text = '{"connections": {"shop": {"base_url": "http://a.example"}, "spare": {}}}'
    config = load(text, only=["shopp"])
    assert config.names == ("shop", "spare")
    with pytest.raises(ConfigError, match="Did you mean 'shop'"):
        config.connection("shopp")


# --- checks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "The scheme must be one of"),
        ("a.example/chat", "it is none"),
        ("ftp://a.example", "it is 'ftp'"),
        ("file:///etc/passwd", "it is 'file'"),
        ("http://", "no host"),
        ("http://:80", "no host"),
        ("http://a.example:99999", "cannot be read"),
        ("http://[::1", "cannot be read"),
        ("http://a.example/a b", "white space"),
        ("http://a.example/\r\nX: 1", "white space or control"),
        ("http://a.example/\x00", "white space or control"),
    ],
)
def test_a_url_that_leads_nowhere_is_refused(problems: Problems, url: str, message: str) -> None:
    (problem,) = problems(json.dumps({"connections": {"it": {"base_url": url}}}))
    assert message in problem.message
    assert problem.path == "$.connections.it.base_url"


@pytest.mark.parametrize(
    "value",
    [
        "a\r\nX-Evil: 1",
        "a\nb",
        "secret-value\n",
        " secret-value",
        "a\x00b",
        "sécret",
        "a\x7fb",
        "日本",
    ],
)
def test_a_header_that_would_not_be_one_is_refused_without_showing_it(
    problems: Problems, value: str
) -> None:
    mapping = {"base_url": "http://a", "headers": {"X-Text": value, "X-Env": "${V}"}}
    found = problems(json.dumps({"connections": {"it": mapping}}), environ={"V": value})
    assert [problem.path for problem in found] == [
        "$.connections.it.headers.X-Text",
        "$.connections.it.headers.X-Env",
    ]
    for problem in found:
        assert value not in str(problem)
        assert value.strip() not in str(problem).replace("NUL", "")
        assert "\r" not in str(problem)


@pytest.mark.parametrize("name", ["A B", "", "é", "X:Y", "X\n", "X\r\nY", "(x)"])
def test_a_header_name_that_would_not_be_one_is_refused(problems: Problems, name: str) -> None:
    mapping = {"base_url": "http://a", "headers": {name: "x"}}
    (problem,) = problems(json.dumps({"connections": {"it": mapping}}))
    assert problem.message.startswith("A header name holds only")


def test_a_secret_of_a_file_is_told_to_be_stripped(problems: Problems) -> None:
    mapping = {"base_url": "http://a", "headers": {"Authorization": "Bearer ${KEY}"}}
    text = json.dumps({"connections": {"it": mapping}})
    (problem,) = problems(text, environ={"KEY": "from-a-file\n"})
    assert "Was it read from a file? Strip it." in problem.message
    assert "from-a-file" not in str(problem)


def test_one_header_in_two_spellings_is_a_contradiction(problems: Problems) -> None:
    (problem,) = problems(in_connection('"headers": {"X-Key": "a", "x-key": "b"}'))
    assert problem.message == "'x-key' and 'X-Key' are the same header."


@pytest.mark.parametrize("value", ["", "x", "a\tb", "Bearer abc.def-_~+/=", "{{message}} {{turn}}"])
def test_an_ordinary_header_is_accepted(connection: Connect, value: str) -> None:
    it = connection(f'"headers": {{"X-A": {json.dumps(value)}}}')
    assert it.headers["X-A"].source == value


def test_a_short_time_limit_is_no_quarrel_with_a_default(connection: Connect) -> None:
    assert connection('"timeoutMs": 50').timeout_ms == 50


def test_a_linger_that_was_written_must_fit_into_the_turn(problems: Problems) -> None:
    (problem,) = problems(in_connection('"timeoutMs": 50, "limits": {"lingerMs": 80}'))
    assert problem.path == "$.connections.it.limits.lingerMs"


def test_files_are_found_from_where_the_config_is(load: Load, tmp_path: Path) -> None:
    config = load(in_connection('"tls": {"caBundle": "ca.pem", "clientCert": "/abs/c.pem"}'))
    tls = config.connection("it").tls
    assert tls.ca_bundle == str(tmp_path / "ca.pem")
    assert tls.client_cert == "/abs/c.pem"


# --- connections by name -------------------------------------------------------------------------


def test_an_unknown_connection_names_the_nearest(load: Load) -> None:
    config = load('{"connections": {"openai": {"base_url": "http://a"}}}')
    with pytest.raises(ConfigError, match=r"no connection 'openia'.*Did you mean 'openai'\?"):
        config.connection("openia")


def test_connections_that_are_not_asked_for_are_not_read(load: Load) -> None:
    text = (
        '{"connections": {"good": {"base_url": "http://a"},'
        ' "bad": {"base_url": "${NOT_SET}", "colour": 1}}}'
    )
    assert list(load(text, only=["good"]).connections) == ["good"]


# --- presets -------------------------------------------------------------------------------------


def test_a_preset_fills_in_what_the_connection_does_not_say(connection: Connect) -> None:
    it = connection('"protocol": "sse", "preset": "openai-chat"')
    assert it.preset == "openai-chat"
    assert it.request.body is not None
    assert it.rules.content_path is not None or it.rules.content


def test_what_a_connection_says_itself_wins_over_its_preset(connection: Connect) -> None:
    plain = connection('"protocol": "sse", "preset": "openai-chat"')
    it = connection(
        '"protocol": "sse", "preset": "openai-chat", "request": {"body": {"mine": "{{message}}"}},'
        ' "sse": {"content": [{"path": "my.text"}], "finishPath": "my.end"}'
    )
    assert it.request.body is not None
    assert it.request.body.source == {"mine": "{{message}}"}, "a body is replaced, never mixed"
    assert [str(rule.path) for rule in it.rules.content] == ["my.text"]
    assert it.rules.content_path is None, "the other form of the same rule is gone"
    assert str(it.rules.finish_path) == "my.end"
    assert it.rules.finish_value is UNSET
    assert it.rules.finish == ()
    assert it.rules.usage_path == plain.rules.usage_path, "the rest stays the preset's"


def test_an_unknown_preset_names_the_nearest(problems: Problems) -> None:
    (problem,) = problems(in_connection('"protocol": "sse", "preset": "openai-chats"'))
    assert problem.message == "Unknown preset 'openai-chats'."
    assert problem.hint == "Did you mean 'openai-chat'?"


# --- from Python ---------------------------------------------------------------------------------


def test_a_connection_may_come_from_a_mapping() -> None:
    it = parse_connection({"base_url": "http://a.example"}, name="mine", trust_env=False)
    assert (it.name, it.base_url, it.trust_env) == ("mine", "http://a.example", False)


def test_a_mapping_has_problems_without_file_and_line() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_connection({"base_url": "http://a", "timeoutMs": "soon", 5: 1})  # type: ignore[dict-item]
    assert [(p.file, p.line, p.path) for p in caught.value.problems] == [
        (None, None, "$.connections.connection.timeoutMs"),
        (None, None, "$.connections.connection[5]"),
    ]


def test_a_missing_driver_is_an_error_where_the_connection_is_asked_for() -> None:
    with pytest.raises(PluginError, match="No driver for protocol 'carrier-pigeon'"):
        parse_connection({"base_url": "http://a", "protocol": "carrier-pigeon"})


def test_a_mapping_that_contains_itself_is_a_problem_like_any_other() -> None:
    mapping: dict[str, Any] = {"base_url": "http://a"}
    mapping["variables"] = {"again": mapping}
    with pytest.raises(ConfigError, match="nested deeper than"):
        parse_connection(mapping)


def test_a_connection_shows_only_where_it_leads() -> None:
    it = parse_connection(
        {
            "base_url": "https://me:hidden-1@a.example:8443/x?key=hidden-2",
            "headers": {"Authorization": "hidden-3"},
        },
        name="it",
    )
    assert repr(it) == "<Connection 'it': http_chat to https://a.example:8443>"
    assert repr(attrs.evolve(it, base_url="ws://[::1]:9/x")).endswith("ws://[::1]:9>")
