"""The ready connections, and the same as files in ``examples/``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from turnwire.assistant import demo_connections
from turnwire_core import Verdict, load_config, open_conversation
from turnwire_core.plugins import parse_connection

EXAMPLES = Path(__file__).parents[2] / "examples"
SERVE_DEMO = "http://127.0.0.1:8765"
NAMES = list(demo_connections(SERVE_DEMO))


@pytest.mark.parametrize("name", ["connections.json", "connections.yaml"])
def test_the_example_files_are_the_ready_connections(name):
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    document = json.loads(text) if name.endswith("json") else YAML(typ="safe").load(text)
    assert document == {"connections": demo_connections(SERVE_DEMO)}


@pytest.mark.parametrize("name", ["connections.json", "connections.yaml"])
def test_the_example_files_load(name):
    assert list(load_config(EXAMPLES / name).connections) == NAMES


@pytest.mark.anyio
@pytest.mark.parametrize("name", NAMES)
async def test_a_conversation_over_each_of_them_remembers_what_was_said(assistant, name):
    mapping = demo_connections(assistant.url)[name]
    connection = parse_connection(mapping, name=name, trust_env=False)
    async with open_conversation(connection) as conversation:
        first = await conversation.send("I ordered 4711")
        second = await conversation.send("Where is my order?")
    assert (first.verdict, second.verdict) == (Verdict.FINISHED, Verdict.FINISHED), second.error
    assert second.content == "Order 4711 has shipped and arrives on Thursday."
    assert second.metrics.stream_chunks == (1 if name == "demo-http" else 8)
