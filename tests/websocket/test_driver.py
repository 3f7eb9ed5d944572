"""The plugin, its options, and what it refuses before anything is opened."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

import turnwire_websocket
from support.ws_client import connection
from turnwire_core.contracts.connection import Connection, ReplyRules, Request
from turnwire_core.contracts.driver import API_VERSION
from turnwire_core.paths import Path
from turnwire_core.templates import Template
from turnwire_websocket import OpeningMessage, WebSocketDriver, WebSocketOptions, plugin

URL = "wss://api.example.com/chat"


def check(target: Connection | None = None, **options: Any) -> list[str]:
    return list(WebSocketDriver().check(target or connection(URL), WebSocketOptions(**options)))


def test_the_public_names_are_these() -> None:
    assert turnwire_websocket.__all__ == ["OpeningMessage", "WebSocketDriver", "WebSocketOptions"]


def test_the_plugin_gives_the_driver_and_its_presets() -> None:
    driver = plugin.turnwire_driver()
    assert (driver.name, driver.api_version) == ("websocket", API_VERSION)
    assert all(preset["protocol"] == "websocket" for preset in plugin.turnwire_presets().values())


def test_no_option_takes_the_name_of_a_reply_rule() -> None:
    rules = {field.name for field in attrs.fields(ReplyRules)}
    assert not rules & {field.name for field in attrs.fields(WebSocketOptions)}


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ({}, {"message": "{{message}}"}),
        ({"message_field": Path("text")}, {"text": "{{message}}"}),
        ({"message_field": Path("data.user.text")}, {"data": {"user": {"text": "{{message}}"}}}),
        ({"message_field": Path('["a b"].c')}, {"a b": {"c": "{{message}}"}}),
        ({"message_format": "text"}, "{{message}}"),
    ],
)
def test_without_a_body_the_message_goes_where_the_options_say(
    options: dict[str, Any], body: Any
) -> None:
    assert WebSocketDriver().default_body(WebSocketOptions(**options)) == body


@pytest.mark.parametrize(
    "url", ["ws://h/", "wss://h:8443/a?b=c", "http://localhost", "https://[::1]:1/"]
)
def test_the_schemes_of_websocket_and_of_http_are_accepted(url: str) -> None:
    assert check(connection(url)) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"base_url": "ftp://h/"}, "'base_url' must begin with ws:// or wss://"),
        ({"base_url": "h/path"}, "'base_url'"),
        ({"base_url": "ws://h/#top"}, "fragment"),
        ({"request": Request(method="PUT")}, "'request.method' has no use"),
        ({"headers": {"sec-websocket-protocol": Template("x")}}, "'protocols'"),
        ({"headers": {"Upgrade": Template("x")}}, "'headers.Upgrade'"),
        ({"headers": {"Sec-WebSocket-Key": Template("x")}}, "leave it out"),
    ],
)
def test_a_connection_that_cannot_work_is_refused(fields: dict[str, Any], said: str) -> None:
    (problem,) = check(attrs.evolve(connection(URL), **fields))
    assert said in problem


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"protocols": ("a b",)}, "token"),
        ({"protocols": ("",)}, "token"),
        ({"protocols": ("a\n",)}, "token"),
        ({"protocols": ("a", "b", "a")}, "twice"),
        ({"max_fragments": 0}, "'maxFragments'"),
        ({"message_field": Path("a[0]")}, "'messageField' must be names"),
        ({"message_field": Path("a | b")}, "'messageField' must be names"),
        ({"message_field": Path("$")}, "'messageField' must be names"),
        ({"message_field": Path("text"), "message_format": "text"}, "no use"),
        (
            {"opening": (OpeningMessage(send=Template({"a": "{{messages}}"})),)},
            "'opening[0].send' names {{messages}}",
        ),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any], said: str) -> None:
    (problem,) = check(**options)
    assert said in problem


def test_an_opening_may_name_what_outlasts_a_turn() -> None:
    step = OpeningMessage(send=Template(["{{persona}}", "{{variables.model}}", "{{env.USER}}"]))
    assert check(opening=(step,)) == []


def test_a_message_field_beside_a_body_would_be_read_and_ignored() -> None:
    target = attrs.evolve(connection(URL), request=Request(body=Template({"m": "{{message}}"})))
    (problem,) = check(target, message_field=Path("text"))
    assert "'messageField' has no use beside 'request.body'" in problem
    assert check(target) == []


def test_what_makes_sense_is_accepted() -> None:
    assert check(protocols=("chat.v1", "json"), max_fragments=1, binary="text") == []
