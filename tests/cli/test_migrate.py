"""`turnwire migrate`: a diff, a proof, and a file that changes in these lines only."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from support.command_line import invoke
from turnwire.assistant import Assistant
from turnwire_core import Connection, load_config

JSON = """\
// What we talk to.
{
    "connections": {
        "bot": {
            "base_url": "URL/chat", // local
            "headers": {"X-Tenant": "north"},
            "responseFieldPath": "reply"   // where the answer is
        }
    }
}
"""

YAML = """\
# What we talk to.
connections:
    bot:
        base_url: 'URL/chat'   # local
        headers: {X-Tenant: north}
        responseFieldPath: reply   # where the answer is

    # the end
"""

TOML = """\
# What we talk to.
[connections.bot]
base_url = "URL/chat" # local
headers = { X-Tenant = "north" }
responseFieldPath = "reply"
"""

FILES = {"turnwire.json": JSON, "turnwire.yaml": YAML, "turnwire.toml": TOML}

Write = Callable[[str], Path]


@pytest.fixture
def write(folder: Path, assistant: Assistant) -> Write:
    def write_file(name: str) -> Path:
        file = folder / name
        file.write_text(FILES[name].replace("URL", assistant.url))
        return file

    return write_file


def _bot(file: Path) -> Connection:
    return load_config(file).connections["bot"]


@pytest.mark.parametrize("name", FILES)
def test_there_and_back_again_means_what_it_did(
    write: Write, assistant: Assistant, name: str
) -> None:
    file = write(name)
    before, lines = _bot(file), file.read_text().splitlines()
    there = invoke(
        "migrate", "bot", "--to", "sse", "--url", f"{assistant.url}/chat/stream", "--write"
    )
    assert there.exit_code == 0, there.output
    moved = _bot(file)
    assert (moved.protocol, str(moved.rules.content_path)) == ("sse", "content")
    assert (str(moved.rules.finish_path), moved.rules.finish_value) == ("done", True)
    assert "Said over it: sse  finished" in there.stderr
    assert {line for line in lines if "/chat" not in line and '"reply"' not in line} <= {
        *file.read_text().splitlines()
    }

    back = invoke(
        "migrate", "bot", "--to", "http_chat", "--url", f"{assistant.url}/chat", "--write"
    )
    assert back.exit_code == 0, back.output
    assert _bot(file) == before
    assert "Said over it: http_chat  finished" in back.stderr


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_without_write_the_change_is_only_shown(
    write: Write, assistant: Assistant, backend: str
) -> None:
    file = write("turnwire.json")
    text = file.read_text()
    url = f"{assistant.url.replace('http', 'ws')}/ws"
    result = invoke(
        *("migrate", "bot", "--to", "websocket", "--url", url),
        *("--quiet", "0.5", "--backend", backend),
    )

    assert result.exit_code == 0, result.output
    assert file.read_text() == text
    assert f'-            "base_url": "{assistant.url}/chat", // local' in result.stdout
    assert f'+            "base_url": "{url}", // local' in result.stdout
    assert '+                "messageFormat": "json",' in result.stdout
    assert "Said over it: websocket  finished" in result.stderr
    assert "Nothing was written" in result.stderr


def test_without_a_probe_it_derives_what_it_can(folder: Path) -> None:
    (folder / "turnwire.json").write_text(
        '{"connections": {"bot": {"base_url": "https://a.example/v1", "request": {"body": '
        '{"stream": false, "messages": "{{messages}}"}}, '
        '"responseFieldPath": "choices[0].message.content"}}}'
    )
    result = invoke("migrate", "bot", "--to", "sse", "--no-probe", "--write")

    assert result.exit_code == 0, result.output
    assert '"stream": true' in result.stdout
    assert '"sse": {"contentPath": "choices[0].delta.content"}' in result.stdout
    assert "It was not tried" in result.stderr
    invoke("migrate", "bot", "--to", "websocket", "--no-probe", "--write")
    moved = _bot(folder / "turnwire.json")
    assert (moved.base_url, moved.protocol) == ("wss://a.example/v1", "websocket")
    assert str(moved.rules.content_path) == "choices[0].delta.content"


def test_a_document_is_no_proof_of_a_stream_also_where_the_section_is_there(
    write: Write, assistant: Assistant
) -> None:
    file = write("turnwire.yaml")
    text = f"{file.read_text()}        sse: {{contentPath: content, finishPath: done}}\n"
    file.write_text(text)
    result = invoke("migrate", "bot", "--to", "sse", "--write")

    assert result.exit_code == 2, result.output
    assert "it does not stream there" in result.stderr
    assert file.read_text() == text


def test_what_does_not_work_is_not_written(write: Write, assistant: Assistant) -> None:
    file = write("turnwire.yaml")
    text = file.read_text()
    for arguments, code, reason in (
        (("--to", "sse"), 2, "it does not stream there"),
        (("--to", "sse", "--url", f"{assistant.url}/none"), 3, "answered 404"),
        (("--to", "websocket"), 3, ""),
        (("--to", "carrier_pigeon"), 2, "No driver for protocol 'carrier_pigeon'"),
    ):
        result = invoke("migrate", "bot", *arguments, "--write")
        assert (result.exit_code, file.read_text()) == (code, text), result.output
        assert reason in result.output


def test_mode_and_link_survive_and_nothing_is_left_behind(
    write: Write, assistant: Assistant, folder: Path
) -> None:
    file = write("turnwire.yaml")
    file.chmod(0o640)
    real = folder / "real" / "bot.yaml"
    real.parent.mkdir()
    file.rename(real)
    file.symlink_to(real)
    result = invoke("migrate", "bot", "--to", "sse", "--no-probe", "--write")

    assert result.exit_code == 0, result.output
    assert file.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert os.listdir(real.parent) == ["bot.yaml"]  # noqa: PTH208 - hidden files too
    assert "protocol: sse" in real.read_text()


def test_a_secret_in_the_file_is_not_shown(folder: Path) -> None:
    secret = "sk-live-0123456789"
    (folder / "turnwire.yaml").write_text(
        "connections:\n  bot:\n    base_url: https://a.example/\n"
        f"    headers: {{Authorization: Bearer {secret}}}\n"
    )
    result = invoke("migrate", "bot", "--to", "sse", "--no-probe")

    assert result.exit_code == 0, result.output
    assert "***" in result.stdout
    assert secret not in result.output


@pytest.mark.parametrize(
    ("text", "arguments", "reason"),
    [
        ("preset: rasa", ("--to", "sse"), "has the preset 'rasa', which is for http_chat"),
        ("timeoutMs: 5", ("--to", "http_chat"), "speaks http_chat already"),
        ("timeoutMs: 5", ("--to", "sse", "--url", "ftp://x/"), "must be one of"),
    ],
)
def test_what_cannot_be_moved_is_said(
    folder: Path, text: str, arguments: tuple[str, ...], reason: str
) -> None:
    (folder / "turnwire.yaml").write_text(
        f"connections:\n  bot:\n    base_url: https://a.example/\n    {text}\n"
    )
    assert reason in invoke("migrate", "bot", *arguments, "--no-probe").output


def test_a_file_that_cannot_be_edited_comes_with_what_to_write(folder: Path) -> None:
    text = 'connections = { bot = { base_url = "https://a.example/" } }\n'
    (folder / "turnwire.toml").write_text(text)
    result = invoke("migrate", "bot", "--to", "sse", "--no-probe", "--write")

    assert result.exit_code == 2
    assert '"protocol": "sse"' in result.stderr
    assert "left as it is" in result.stderr
    assert (folder / "turnwire.toml").read_text() == text


def test_the_wire_can_be_looked_at_while_it_is_proved(write: Write, assistant: Assistant) -> None:
    write("turnwire.json")
    result = invoke("migrate", "bot", "--to", "sse", "--url", f"{assistant.url}/chat/stream", "-vv")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("POST /chat/stream HTTP/1.1") == 2
    assert "POST" not in result.stdout
