"""Every combination that the project promises, installed from wheels into a fresh environment."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest

pytestmark = pytest.mark.packaging

PROTOCOLS = {"http_chat": "http-chat", "sse": "sse", "websocket": "websocket"}
"""Each protocol, and the extra of the runner that brings its driver."""

ONE_OR_ALL = [*combinations(PROTOCOLS, 1), tuple(PROTOCOLS)]

LIST_DRIVERS = """
import sys
from turnwire_core import Plugins
print(*Plugins().protocols())
"""

CONNECT = """
import anyio, sys
from turnwire_core import open_conversation, parse_connection

async def main():
    connection = parse_connection(PARSED, trust_env=False)
    async with open_conversation(connection) as conversation:
        first = await conversation.send("echo one")
        second = await conversation.send("echo two")
    for reply in (first, second):
        assert reply.ok, (reply.verdict, reply.error)
    print(first.content, second.content, second.metrics.stream_chunks > 0)

anyio.run(main)
assert "turnwire" not in sys.modules
"""


def test_the_core_alone_imports_without_an_http_library(fresh) -> None:
    environment = fresh("turnwire-core")
    assert "httpx" not in environment.installed()
    loaded = environment.evaluate("import sys, turnwire_core; print(*sys.modules)").split()
    assert not {"httpx", "httpcore", "h11", "asyncio", "trio", "click"} & set(loaded)


def test_the_core_alone_has_no_driver_and_says_which_to_install(fresh) -> None:
    environment = fresh("turnwire-core")
    assert environment.evaluate(LIST_DRIVERS) == ""
    said = environment.evaluate(
        "from turnwire_core import parse_connection, PluginError\n"
        "try: parse_connection({'base_url': 'http://127.0.0.1:1/', 'protocol': 'sse'})\n"
        "except PluginError as exc: print(exc)"
    )
    assert "pip install turnwire-sse" in said


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_core_and_one_driver_hold_a_conversation_without_the_runner(
    protocol, fresh, assistant
) -> None:
    environment = fresh(f"turnwire-{PROTOCOLS[protocol]}")
    assert environment.evaluate(LIST_DRIVERS) == protocol
    assert "turnwire" not in environment.installed()
    said = environment.evaluate(CONNECT.replace("PARSED", repr(assistant[protocol])))
    assert said == "one two True"


def test_the_runner_alone_lists_no_driver_and_says_what_to_install(fresh, tmp_path) -> None:
    environment = fresh("turnwire")
    assert "httpx" not in environment.installed()
    listed = environment.run("turnwire", "drivers")
    assert listed.stdout == ""
    assert "pip install" in listed.stderr
    config = _config(tmp_path, {"bot": {"protocol": "sse", "base_url": "http://127.0.0.1:1/"}})
    said = environment.run("turnwire", "chat", "bot", "Hello", "--config", config, code=4).stderr
    assert "No driver for protocol 'sse'" in said
    assert "pip install turnwire-sse" in said


@pytest.mark.parametrize("protocols", ONE_OR_ALL, ids="+".join)
def test_the_runner_talks_over_the_protocols_that_are_installed(
    protocols, fresh, assistant, tmp_path
) -> None:
    extras = "all" if len(protocols) == len(PROTOCOLS) else PROTOCOLS[protocols[0]]
    environment = fresh(f"turnwire[{extras}]")
    assert environment.evaluate(LIST_DRIVERS).split() == sorted(protocols)
    config = _config(tmp_path, {one: assistant[one] for one in protocols})
    for protocol in protocols:
        done = environment.run("turnwire", "chat", protocol, "echo pong", "--config", config)
        assert "pong" in done.stdout


@pytest.mark.parametrize("protocols", ONE_OR_ALL, ids="+".join)
def test_the_demo_runs_over_the_protocols_that_are_installed(protocols, fresh, tmp_path) -> None:
    extras = "all" if len(protocols) == len(PROTOCOLS) else PROTOCOLS[protocols[0]]
    named = [f"--protocol={one}" for one in protocols] if extras != "all" else []
    command = ["turnwire", "demo", "--pace=fast", "--log", tmp_path / "log.jsonl", *named]
    shown = fresh(f"turnwire[{extras}]").run(*command).stdout
    rows = [line.split() for line in shown.splitlines()]
    assert {row[0] for row in rows if row[2:3] == ["finished"]} == set(protocols)


def _config(folder: Path, connections: dict[str, object]) -> Path:
    file = folder / "connections.json"
    file.write_text(json.dumps({"connections": connections}))
    return file
