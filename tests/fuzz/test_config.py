"""Whatever stands in a config file, it is loaded, or all that is wrong comes as one ConfigError."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from support.fuzzing import any_json, damaged, fuzz, json_data, scalars, soup
from turnwire_core import ConfigError, Plugins, load_config, parse_connection
from turnwire_core.config import keys_of
from turnwire_core.contracts.connection import (
    Auth,
    Connection,
    ContentRule,
    FinishRule,
    Limits,
    ReplyRules,
    Request,
    Retry,
    Tls,
)

PLUGINS = Plugins()
CLASSES = (
    Auth, Connection, ContentRule, FinishRule, Limits, ReplyRules, Request, Retry, Tls,
    *(record.driver.options for record in PLUGINS.inventory() if record.driver is not None),
)  # fmt: skip

keys = st.sampled_from(
    sorted({key for kind in CLASSES for key in keys_of(kind)} | {"sse", "websocket", "http_chat"})
)
values = scalars | st.sampled_from(
    ["http://127.0.0.1:1/", "ws://[::1", "http://a:99999/", "sse", "websocket", "openai-chat",
     "bearer", "a[0].b", "a | $", "a[", "{{message}}", "{{", "{{...messages}}", "${HOME}", "${",
     "$${", "json", "POST", -1, 0, 1e308, 10**400, "\ud800", "\x00", "a\r\nb"]
)  # fmt: skip
connection_data = st.dictionaries(keys, json_data(values, keys), max_size=6)
config_data = st.fixed_dictionaries(
    {"connections": st.dictionaries(st.text(max_size=8), connection_data, max_size=3)}
)

JSON_WORDS = [b'{"connections"', b":", b"{", b"}", b"[", b"]", b",", b'"', b'"a"', b"//", b"/*",
              b"*/", b"null", b"1e999", b"-", b"\n", b"\\", b"\\ud800", b'"\\u0000"',
              b"NaN"]  # fmt: skip
YAML_WORDS = [b"connections:", b"a: ", b"- ", b"\n", b"\n  ", b"&x ", b"*x",
              b"!!python/object:os ", b"!!binary ", b"<<: ", b"{", b"}", b"[", b"]", b"? ", b"|",
              b">", b"'", b'"', b"#", b"%YAML 1.1\n", b"---\n", b"...\n", b"2001-01-01", b"0x",
              b".inf", b"!!int ", b"\t", b"~", b", "]  # fmt: skip
TOML_WORDS = [b"[connections]", b"[[", b"]]", b"[", b"]", b"a = ", b"a.b", b'"', b"'''", b"\n",
              b"1979-05-27", b"0x", b"inf", b"{", b"}", b",", b"#", b"=", b'"a\\u0000"',
              b"07:32:00", b"true"]  # fmt: skip


def load(file: Path, data: bytes) -> None:
    """Load a file with this in it. A problem stands in a line of the file."""
    file.write_bytes(data)
    try:
        load_config(file, plugins=PLUGINS, environ={"HOME": "/home/ada"})
    except ConfigError as exc:
        problems = exc.problems
    else:
        return
    assert problems
    lines = data.count(b"\n") + data.count(b"\r") + 1
    for problem in problems:
        assert problem.file == str(file)
        assert problem.line is None or 1 <= problem.line <= lines


@fuzz
@given(
    data=soup(JSON_WORDS)
    | damaged(config_data.map(lambda data: json.dumps(data, indent=1).encode()))
)
@example(data=b'{"a": ' + b"[" * 5000)
@example(data=b'{"a": ' + b"9" * 5000 + b"}")
def test_json(data: bytes, tmp_path: Path) -> None:
    load(tmp_path / "config.json", data)


@fuzz
@given(data=soup(YAML_WORDS) | damaged(config_data.map(lambda data: json.dumps(data).encode())))
@example(data=b"a: " + b"[" * 3000)
@example(data=b"- " * 3000)
@example(data=b"a: " + b"9" * 5000)
@example(data=b"connections: &x {a: *x}")
def test_yaml(data: bytes, tmp_path: Path) -> None:
    load(tmp_path / "config.yaml", data)


@fuzz
@given(data=soup(TOML_WORDS))
@example(data=b"a = " + b"[" * 3000)
@example(data=b"a = " + b"9" * 5000)
@example(data=b"[" + b"a." * 3000 + b"a]")
@example(data=b"connections = 1979-05-27")
@example(data=b"[connections.a]\nbase_url = 1979-05-27T07:32:00Z\ntimeoutMs = nan")
def test_toml(data: bytes, tmp_path: Path) -> None:
    load(tmp_path / "config.toml", data)


@fuzz
@given(data=config_data | any_json)
def test_data_that_is_well_formed(data: Any, tmp_path: Path) -> None:
    text = json.dumps(data, indent=2)
    load(tmp_path / "config.json", text.encode())
    load(tmp_path / "config.yaml", text.encode())


@fuzz
@given(connection_data)
def test_a_mapping_becomes_a_connection_or_an_error(mapping: dict[str, Any]) -> None:
    try:
        connection = parse_connection(mapping, plugins=PLUGINS, environ={})
    except ConfigError as exc:
        problems = exc.problems
    else:
        assert repr(connection)
        return
    assert problems
