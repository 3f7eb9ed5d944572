"""`turnwire demo` shows all that Turnwire does, and `serve-demo` lets you try it yourself."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.command_line import invoke
from turnwire.assistant import Assistant
from turnwire.runlog import read_log
from turnwire.runlog.entries import AssistantReply
from turnwire_core import plugins


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_conversation_over_each_protocol_is_held_shown_and_logged(
    folder: Path, backend: str
) -> None:
    result = invoke("demo", "--pace", "fast", "--backend", backend)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.count("Your name is Ada.") == 3
    rows = re.findall(
        r"^(\w+) +([123]) +finished +([\d.]+) +(\d+) +([\d.]+)$", result.stdout, re.MULTILINE
    )
    assert [row[:2] for row in rows] == [
        (protocol, turn)
        for protocol in ("http_chat", "sse", "websocket")
        for turn in ("1", "2", "3")
    ]
    assert result.stderr.count("  finished  firstTokenMs ") == 9
    (path,) = (folder / "runs").iterdir()
    assert f"Run log: runs/{path.name}" in result.stderr
    replies = [entry for entry in read_log(path) if isinstance(entry, AssistantReply)]
    assert [reply.protocol for reply in replies] == [row[0] for row in rows]
    assert [str(reply.stream_chunks) for reply in replies] == [row[3] for row in rows]
    assert {reply.conversation for reply in replies} == {"c1", "c2", "c3"}
    assert all(reply.verdict == "finished" for reply in replies)


def test_protocols_and_log_can_be_chosen(folder: Path) -> None:
    result = invoke("demo", "--pace", "fast", "--protocol", "sse", "--log", "a.jsonl")
    assert result.exit_code == 0
    assert "http_chat" not in result.output
    assert (folder / "a.jsonl").exists()


def test_a_missing_driver_is_said_with_its_install_and_the_others_are_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = plugins.announced("turnwire.drivers")
    others = [one for one in installed if one.entry_point.name != "websocket"]
    monkeypatch.setattr(plugins, "announced", lambda group: others)
    result = invoke("demo", "--pace", "fast")
    assert result.exit_code == 4
    assert "No driver for protocol 'websocket'" in result.stderr
    assert "pip install turnwire-websocket" in result.stderr
    assert result.stdout.count("Your name is Ada.") == 2


@contextmanager
def served(*options: str, **environment: str) -> Iterator[str]:
    """`turnwire serve-demo` as a process; the value is what it prints: its URL."""
    import os

    with subprocess.Popen(
        [sys.executable, "-m", "turnwire", "serve-demo", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "curl -N" in err


def test_it_serves_until_ctrl_c_and_writes_a_config_to_talk_to_it(folder: Path) -> None:
    with served("--first-ms", "1", "--gap-ms", "1", "--write-config", "demo.json") as url:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
        result = invoke("chat", "demo-sse", "Thanks", "--config", "demo.json")
        assert result.exit_code == 0, result.stderr
        assert result.stdout == "You are welcome!\n"
        assert invoke("validate", "demo.json").exit_code == 0


def test_a_token_is_asked_for_and_stays_out_of_the_config(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "demo-token-123"
    with served("--first-ms", "1", "--write-config", "demo.json", TURNWIRE_DEMO_TOKEN=token):
        assert token not in (folder / "demo.json").read_text()
        monkeypatch.setenv("TURNWIRE_DEMO_TOKEN", token)
        assert invoke("chat", "demo-http", "Thanks", "--config", "demo.json").exit_code == 0
        monkeypatch.setenv("TURNWIRE_DEMO_TOKEN", "wrong-token")
        result = invoke("chat", "demo-http", "Thanks", "--config", "demo.json")
        assert result.exit_code == 3
        assert "401" in result.stderr
        assert "wrong-token" not in result.stderr


def test_a_port_that_is_taken_is_said(assistant: Assistant) -> None:
    result = invoke("serve-demo", "--port", str(assistant.port))
    assert result.exit_code == 2
    assert f"Cannot listen on 127.0.0.1, port {assistant.port}" in result.stderr
    assert "--port 0" in result.stderr
