"""`turnwire infer`: the connection on stdout, why on stderr, and credentials on neither."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.captures import RECORDINGS
from support.command_line import invoke
from turnwire.assistant import Assistant
from turnwire_core import load_config

SECRET = "sk-live-0123456789abcdef"
COMMAND = (
    "curl https://api.acme.example/v1/chat "
    f"-H 'Authorization: Bearer {SECRET}' "
    """-d '{"messages": [{"role": "user", "content": "greet me"}], "stream": true}'"""
)
REPLY = str(RECORDINGS / "openai-chat.think-first.http")


def test_a_command_and_its_reply_make_a_whole_config(folder: Path) -> None:
    result = invoke("infer", COMMAND, "greet me", "--reply", REPLY)

    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["connections"]["assistant"] == {
        "base_url": "https://api.acme.example/v1/chat",
        "protocol": "sse",
        "headers": {"Authorization": "Bearer ${ACME_API_KEY}"},
        "request": {"body": {"messages": "{{messages}}", "stream": True}},
        "sse": {
            "contentPath": "choices[0].delta.content",
            "finishPath": "choices[0].finish_reason",
            "usagePath": "usage",
        },
    }
    assert "text in 6 of 17 events, together 34 characters" in result.stderr
    assert "is finished, 34 characters: Hello! It costs 12 €" in result.stderr
    assert "Set in the environment before you use it: ACME_API_KEY." in result.stderr
    assert SECRET not in result.output


def test_a_recorded_reply_is_enough_for_how_it_is_read(folder: Path) -> None:
    result = invoke("infer", REPLY, "--format", "yaml", "--name", "gpt")

    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("connections:\n  gpt:\n    base_url: ${ASSISTANT_URL}\n")
    assert "Set in the environment before you use it: ASSISTANT_URL." in result.stderr


@pytest.mark.parametrize("source", [(), ("-",)])
def test_standard_input_is_read_where_nothing_is_named(source: tuple[str, ...]) -> None:
    result = invoke("infer", *source, input=COMMAND)

    assert result.exit_code == 0, result.stderr
    assert '"protocol": "sse"' in result.stdout
    assert "There is no reply to look at" in result.stderr
    assert SECRET not in result.output


@pytest.mark.parametrize("file", ["turnwire.json", "turnwire.yaml"])
def test_what_is_written_is_a_config_that_loads(folder: Path, file: str) -> None:
    (folder / "call.sh").write_text(COMMAND)
    result = invoke("infer", "call.sh", "--reply", REPLY, "--write", file)

    assert result.exit_code == 0, result.stderr
    config = load_config(folder / file, environ={"ACME_API_KEY": "x"})
    assert config.connections["assistant"].protocol == "sse"

    again = invoke("infer", "call.sh", "--reply", REPLY, "--write", file)
    assert again.exit_code == 2
    assert "nothing is overwritten" in again.stderr


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (
            "turnwire.json",
            '{"connections": {\n  // ours\n  "a": {"base_url": "https://a.example/"}\n}}',
        ),
        ("turnwire.yaml", "connections:\n  a:  # ours\n    base_url: https://a.example/\n"),
        ("turnwire.toml", '[connections.a] # ours\nbase_url = "https://a.example/"\n'),
    ],
)
def test_it_is_added_to_a_config_that_is_there(folder: Path, file: str, text: str) -> None:
    (folder / file).write_text(text)
    result = invoke("infer", COMMAND, "--reply", REPLY, "--write", file, "--name", "b")

    assert result.exit_code == 0, result.stderr
    assert "ours" in (folder / file).read_text()
    config = load_config(folder / file, environ={"ACME_API_KEY": "x"})
    assert [one.protocol for one in config.connections.values()] == ["http_chat", "sse"]


def test_what_a_target_wrote_cannot_move_the_terminal(folder: Path) -> None:
    pieces = [f'data: {{"\x1b[2J": "It is\\u202e tea {n} and"}}\n\n' for n in range(3)]
    (folder / "reply").write_text("".join(pieces))
    for format_ in ("json", "yaml"):
        result = invoke("infer", "reply", "--format", format_)
        assert "\x1b" not in result.output
        assert "\u202e" not in result.output


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("missing.txt",), "cannot be read"),
        (("curl -s ",), "no URL"),
        (("https://a.example/chat",), "Say what to send"),
        (("gopher://a.example/", "Hi"), "No driver is known for gopher://"),
        ((REPLY, "--write", "out.txt"), "no name of a config file"),
        (("run.jsonl",), "That is a run log of Turnwire"),
        (("-",), "Nothing came on standard input"),
        ((REPLY, "--header", "nonsense"), "is not 'NAME: VALUE'"),
    ],
)
def test_what_cannot_be_done_is_a_usage_error(
    folder: Path, args: tuple[str, ...], reason: str
) -> None:
    (folder / "run.jsonl").write_text('{"type": "run_started", "schemaVersion": 1}\n')
    result = invoke("infer", *args)

    assert result.exit_code == 2
    assert reason in result.stderr


def test_a_reply_without_an_answer_fails(folder: Path) -> None:
    (folder / "reply").write_text('data: {"id": "a-1234567"}\n\n' * 3)
    result = invoke("infer", "reply")

    assert result.exit_code == 1
    assert "no text in the reply" in result.stderr


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/chat", {"protocol": "http_chat", "responseFieldPath": "reply"}),
        ("/chat/stream", {"protocol": "sse", "sse": {"contentPath": "content"}}),
        ("/ndjson", {"protocol": "sse", "sse": {"contentPath": "content"}}),
        ("/ws", {"protocol": "websocket", "websocket": {"contentPath": "content"}}),
    ],
)
def test_a_live_target_is_asked_and_then_talked_to(
    assistant: Assistant, path: str, expected: dict[str, object], backend: str
) -> None:
    url = f"{assistant.url}{path}"
    url = url.replace("http://", "ws://") if path == "/ws" else url
    result = invoke("infer", url, "Thanks", "--quiet", "0.5", "--backend", backend)

    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["connections"]["assistant"]
    assert found["base_url"] == url
    assert found["protocol"] == expected["protocol"]
    assert found.get("responseFieldPath") == expected.get("responseFieldPath")
    for section in ("sse", "websocket"):
        if section in expected:
            assert found[section]["contentPath"] == "content"
            assert (found[section]["finishPath"], found[section]["finishValue"]) == ("done", True)
    assert f"Said again over it: {expected['protocol']}  finished" in result.stderr


def test_the_wire_of_every_turn_can_be_looked_at_without_its_credentials(
    assistant: Assistant,
) -> None:
    url = f"{assistant.url}/chat/stream"
    result = invoke("infer", url, "Hello", "-H", f"X-Api-Key: {SECRET}", "-vv")

    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("POST /chat/stream HTTP/1.1") == 2
    assert "X-Api-Key: ***" in result.stderr
    assert SECRET not in result.output
    assert json.loads(result.stdout)["connections"].keys() == {"assistant"}


def test_a_command_is_called_with_another_message_and_its_credentials(
    assistant: Assistant,
) -> None:
    url = f"{assistant.url}/v1/chat/completions"
    body = '{"model": "m", "stream": true, "messages": [{"role": "user", "content": "Hello"}]}'
    command = f"curl {url} -H 'Authorization: Bearer {SECRET}' -d '{body}'"
    result = invoke("infer", command, "Thanks", "--call", "-H", "X-Tenant: north")

    assert result.exit_code == 0, result.stderr
    assert '"messages": "{{messages}}"' in result.stdout
    assert '"X-Tenant": "north"' in result.stdout
    assert "is finished, 16 characters: You are welcome!" in result.stderr
    assert SECRET not in result.output


def test_a_target_that_refuses_is_a_failure_of_the_target(assistant: Assistant) -> None:
    result = invoke("infer", f"{assistant.url}/nowhere", "Hello")

    assert result.exit_code == 3
    assert "answered 404" in result.stderr
    assert "There is no POST /nowhere" in result.stderr


@pytest.mark.parametrize("connection", ["demo-openai", "demo-websocket", "demo-http"])
def test_what_was_recorded_is_evidence(folder: Path, connection: str) -> None:
    chat = invoke("chat", connection, "Thanks", "--record", "recorded")
    assert chat.exit_code == 0, chat.stderr
    result = invoke("infer", "recorded")

    assert result.exit_code == 0, result.stderr
    assert "request.body" in result.stderr
    assert "certain: {{message" in result.stderr
    assert "You are welcome!" in result.stderr
