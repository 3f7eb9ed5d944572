"""The JSON Schema says what the loader says, for our drivers and for anybody's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar

import attrs
import jsonschema
import pytest
from click.testing import CliRunner

from turnwire.assistant import demo_connections
from turnwire.cli import cli
from turnwire.jsonschema import config_schema
from turnwire_core.contracts.connection import Connection, Milliseconds, option
from turnwire_core.contracts.driver import API_VERSION, Driver, Session
from turnwire_core.plugins import Plugins

OPENAI = {
    "base_url": "https://api.openai.com/v1/chat/completions",
    "protocol": "sse",
    "headers": {"Authorization": "Bearer ${OPENAI_API_KEY}"},
    "responseFieldPath": "choices[0].message.content",
    "timeoutMs": 60000,
    "sse": {
        "contentPath": "choices[0].delta.content",
        "finishPath": "choices[0].finish_reason",
        "finishValue": ["stop", "length"],
    },
}
CLAUDE = {
    "baseUrl": "https://api.anthropic.com/v1/messages",
    "protocol": "sse",
    "sse": {"contentPath": "delta.text", "finishPath": "type", "finishValue": "message_stop"},
}
LONG_FORM = {
    "url": "http://127.0.0.1/",
    "protocol": "sse",
    "timeout_ms": "${TIMEOUT:-1000}",
    "auth": {"type": "bearer", "token": "${TOKEN}"},
    "tls": {"verify": False, "ca_bundle": None},
    "retry": {"attempts": 2, "statuses": [429]},
    "request": {"body": {"q": "{{message}}"}, "query": {"v": "1"}},
    "sse": {
        "content": [
            {"path": "delta", "when": {"type": "response.output_text.delta"}, "mode": "delta"}
        ],
        "finish": [{"when": {"type": ["a", "b"]}}, {"sentinel": "[DONE]"}],
        "errors": [{"when": {"type": "error"}, "path": "error.message"}],
        "usagePath": "response.usage",
        "capture": {"sessionId": "conversation_id"},
    },
}
WEBSOCKET = {
    "base_url": "wss://example.org/chat",
    "protocol": "websocket",
    "websocket": {
        "messageFormat": "json",
        "messageField": "message",
        "contentPath": "content",
        "finishPath": "done",
        "finishValue": True,
    },
}


def installed_schema(*options: str) -> dict[str, Any]:
    result = CliRunner().invoke(cli, ["schema", *options])
    assert result.exit_code == 0, result.output
    schema: dict[str, Any] = json.loads(result.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


def accepts(schema: Mapping[str, Any], *connections: Mapping[str, Any]) -> bool:
    file = {"connections": {f"c{index}": one for index, one in enumerate(connections)}}
    return jsonschema.Draft202012Validator(schema).is_valid(file)


@pytest.mark.parametrize("connection", [OPENAI, CLAUDE, LONG_FORM, WEBSOCKET])
def test_documented_connections_are_valid(connection: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(installed_schema()).validate({"connections": {"x": connection}})


def test_the_connections_of_the_built_in_assistant_are_valid() -> None:
    file = {"$schema": "./turnwire.schema.json"}
    connections = demo_connections("http://127.0.0.1:8000")
    jsonschema.Draft202012Validator(installed_schema()).validate(
        file | {"connections": connections}
    )


@pytest.mark.parametrize(
    "connection",
    [
        {"protocol": "sse"},
        OPENAI | {"protocl": "sse"},
        OPENAI | {"timeoutMs": -1},
        OPENAI | {"timeoutMs": "soon"},
        OPENAI | {"auth": {"token": "x"}},
        OPENAI | {"sse": {"contentPth": "x"}},
        OPENAI | {"sse": {"content": [{"path": "x", "mode": "sum"}]}},
        OPENAI | {"request": {"method": "BREW"}},
        OPENAI | {"headers": ["a"]},
    ],
)
def test_what_the_loader_refuses_is_not_valid(connection: dict[str, Any]) -> None:
    assert not accepts(installed_schema(), connection)


def test_every_key_is_explained() -> None:
    schema = installed_schema()

    def undocumented(node: Any) -> list[str]:
        if not isinstance(node, dict):
            return []
        own = [
            key
            for key, value in node.get("properties", {}).items()
            if "description" not in value and key not in ("$schema",)
        ]
        return own + [key for value in node.values() for key in undocumented(value)]

    assert undocumented(schema["$defs"]) == []


def test_the_reply_rules_stand_in_every_section() -> None:
    connection = installed_schema()["$defs"]["connection"]["properties"]
    for protocol in Plugins().protocols():
        assert {"contentPath", "finish", "capture"} <= set(connection[protocol]["properties"])


def test_one_protocol_can_be_asked_for() -> None:
    connection = installed_schema("--protocol", "sse")["$defs"]["connection"]["properties"]
    assert "sse" in connection
    assert "websocket" not in connection


def test_an_unknown_protocol_says_what_to_install() -> None:
    result = CliRunner().invoke(cli, ["schema", "--protocol", "grpc"])
    assert result.exit_code == 4
    assert "No driver for protocol 'grpc'" in result.stderr


@attrs.frozen
class Auth:
    """A class whose name the core has already."""

    realm: str = option("Where.", "x")


@attrs.frozen
class GrpcOptions:
    """Options of a driver that somebody else wrote."""

    service: str = option("The service.", aliases=("svc",))
    poll_ms: Milliseconds = option("How often.", Milliseconds(2.5))
    login: Auth | None = option("A nested section.", None)
    colour: complex | None = option("A type that only the driver knows.", None)


class GrpcDriver(Driver[GrpcOptions]):
    name: ClassVar[str] = "grpc"
    api_version: ClassVar[int] = API_VERSION
    options: ClassVar[type[Any]] = GrpcOptions

    def connect(
        self, connection: Connection, options: GrpcOptions
    ) -> AbstractAsyncContextManager[Session]:
        raise NotImplementedError


def test_a_foreign_driver_completes_like_our_own() -> None:
    schema = config_schema({"grpc": GrpcDriver()}, broken=["odd"])
    jsonschema.Draft202012Validator.check_schema(schema)
    section = schema["$defs"]["connection"]["properties"]["grpc"]
    assert section["properties"]["pollMs"]["default"] == 2.5
    good = {"base_url": "x", "protocol": "grpc", "auth": {"type": "bearer"}}
    assert accepts(schema, good | {"grpc": {"svc": "chat", "login": {"realm": "y"}}})
    assert accepts(schema, good | {"grpc": {"service": "chat", "colour": [1, 2]}})
    assert accepts(schema, good | {"grpc": {"pollMs": 3}})  # a preset may name the service
    assert not accepts(schema, good | {"grpc": {"service": 1}})
    assert not accepts(schema, good | {"grpc": {"service": "chat", "login": {"type": "bearer"}}})
    assert accepts(schema, {"base_url": "x", "protocol": "odd", "odd": {"anything": 1}})
