"""The built-in assistant, fast and behind a config file, for tests that run the command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.background import assistant_in_background
from turnwire.assistant import Assistant

SSE = {"contentPath": "content", "finishPath": "done"}


@pytest.fixture(scope="module")
def assistant() -> Iterator[Assistant]:
    with assistant_in_background() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: what the command finds in it is what the test put there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def config(folder: Path, assistant: Assistant) -> Callable[..., None]:
    """Writes ./turnwire.json with one connection ``bot`` to the assistant."""

    def write(
        query: str = "", *, name: str = "bot", path: str = "/chat/stream", **more: Any
    ) -> None:
        connection = {
            "base_url": f"{assistant.url}{path}{query}",
            "protocol": "sse",
            "sse": SSE,
        }
        text = json.dumps({"connections": {name: connection | more}})
        (folder / "turnwire.json").write_text(text)

    return write
