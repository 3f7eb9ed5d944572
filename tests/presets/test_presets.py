"""Presets as such: that each one loads, says which API it is for, and is documented."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import turnwire_http_chat.presets
import turnwire_sse.presets
import turnwire_websocket.presets
from support.presets import APIS
from turnwire_core import load_config, parse_connection

BY_PROTOCOL: dict[str, Mapping[str, Mapping[str, Any]]] = {
    "http_chat": turnwire_http_chat.presets.PRESETS,
    "sse": turnwire_sse.presets.PRESETS,
    "websocket": turnwire_websocket.presets.PRESETS,
}
ALL = [(protocol, name) for protocol, presets in BY_PROTOCOL.items() for name in presets]
PAGE = Path(__file__).parent.parent.parent / "docs" / "presets.md"


@pytest.mark.parametrize(("protocol", "name"), ALL)
def test_a_url_and_a_preset_are_a_connection(protocol: str, name: str) -> None:
    scheme = "ws" if protocol == "websocket" else "http"

    connection = parse_connection({"base_url": f"{scheme}://127.0.0.1:1/", "preset": name})

    assert (connection.protocol, connection.preset) == (protocol, name)
    assert connection.description


@pytest.mark.parametrize(("protocol", "name"), ALL)
def test_a_preset_can_be_written_into_a_file(protocol: str, name: str) -> None:
    preset = BY_PROTOCOL[protocol][name]

    assert json.loads(json.dumps(preset)) == preset


def test_no_name_is_taken_twice() -> None:
    names = [name for _, name in ALL]

    assert sorted(set(names)) == sorted(names)


def test_what_the_connection_says_wins_over_the_preset() -> None:
    connection = parse_connection(
        {
            "base_url": "http://127.0.0.1:1/",
            "preset": "openai-chat",
            "variables": {"model": "mine"},
            "sse": {"contentPath": "choices[0].text"},
        }
    )

    assert connection.variables == {"model": "mine"}
    assert str(connection.rules.content_path) == "choices[0].text"
    assert connection.rules.content == ()
    assert connection.rules.finish


def test_the_page_names_every_preset_and_how_it_was_checked() -> None:
    rows = re.findall(
        r"^\| `([a-z0-9-]+)` \|.*\| (aimock|documentation) \|$", PAGE.read_text(), re.M
    )

    against_aimock = {api.preset for api in APIS}
    expected = {name: "aimock" if name in against_aimock else "documentation" for _, name in ALL}
    assert dict(rows) == expected
    assert len(rows) == len(expected)


EXAMPLES = re.findall(r"^```json\n(.*?)^```$", PAGE.read_text(), re.M | re.S)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_page_load(example: str, tmp_path: Path) -> None:
    file = tmp_path / "turnwire.json"
    file.write_text(example)

    config = load_config(
        file, environ={"OPENAI_API_KEY": "key-of-a-test", "ANTHROPIC_API_KEY": "key-of-a-test"}
    )

    assert config.connections
    assert not config.unavailable
