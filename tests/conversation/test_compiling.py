"""What a connection says is compiled once for all conversations that are open at a time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from turnwire_core import Connection, parse_connection
from turnwire_core.conversation.conversation import _compiled_for
from turnwire_core.reader import compile_rules

CONNECTION = parse_connection(
    {"base_url": "http://h/", "protocol": "sse", "sse": {"contentPath": "a"}}, trust_env=False
)


def other(**settings: Any) -> Connection:
    return parse_connection({"base_url": "http://h/", "protocol": "sse", **settings})


def test_one_connection_is_compiled_once() -> None:
    first = _compiled_for(CONNECTION)
    assert _compiled_for(CONNECTION) is first
    assert _compiled_for(attrs.evolve(CONNECTION, base_url="http://h/other")) is first


@pytest.mark.parametrize(
    "changed",
    [
        {"rules": other(sse={"contentPath": "b"}).rules},
        {"limits": other(limits={"maxEventValues": 7}).limits},
        {"response_field_path": other(responseFieldPath="c").response_field_path},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_another_rule_is_not_mistaken_for_it(changed: dict[str, Any]) -> None:
    first = _compiled_for(CONNECTION)
    assert _compiled_for(attrs.evolve(CONNECTION, **changed)) is not first


def test_nothing_else_of_a_connection_is_compiled() -> None:
    parts = {name: getattr(CONNECTION, name) for name in ("rules", "limits", "response_field_path")}
    only_these: Any = SimpleNamespace(**parts)
    assert compile_rules(only_these).content
