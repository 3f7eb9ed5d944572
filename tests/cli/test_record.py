"""`--record DIR`: every byte of the conversations of a command, each in a file of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.command_line import invoke
from turnwire.recordings import load_recordings

Config = Callable[..., None]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_chat_records_its_conversation_beside_what_it_shows(
    config: Config, folder: Path, backend: str
) -> None:
    config()
    result = invoke("chat", "bot", "Thanks", "--record", "tapes", "-vv", "--backend", backend)
    assert result.exit_code == 0, result.stderr
    assert "POST /chat/stream" in result.stderr
    (recording,) = load_recordings(folder / "tapes")
    assert recording.messages == ("Thanks",)
    assert recording.outcomes[0].content == "You are welcome!"
    assert recording.test is None


def test_run_records_each_test_under_its_id(config: Config, folder: Path) -> None:
    config()
    (folder / "shop.turnwire.yaml").write_text(
        "connections: [bot]\n"
        "tests:\n"
        "  - name: Thanks\n"
        "    steps:\n"
        "      - message: Thanks\n"
        "        checks: [{contains: welcome}]\n"
        "  - name: Hello\n"
        "    steps:\n"
        "      - message: Hello\n"
        "        checks: [{length: {min: 1}}]\n"
    )
    result = invoke("run", "--record", "tapes")
    assert result.exit_code == 0, result.stderr
    recordings = load_recordings(folder / "tapes")
    assert {one.test: one.messages for one in recordings} == {
        "shop::thanks[bot]": ("Thanks",),
        "shop::hello[bot]": ("Hello",),
    }
    assert len({one.run for one in recordings}) == 1
    assert {one.path.name for one in recordings} == {
        "shop-thanks-bot.recording.jsonl",
        "shop-hello-bot.recording.jsonl",
    }


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_sent(
    config: Config, folder: Path
) -> None:
    config()
    (folder / "tapes").write_text("")
    result = invoke("chat", "bot", "Thanks", "--record", "tapes")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == "Error: Cannot make the folder tapes: File exists.\n"
