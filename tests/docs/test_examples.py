"""What the README and the docs show is run: every config, every program, every command."""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from ruamel.yaml import YAML

from support.background import assistant_in_background
from support.pages import PAGES, ROOT, Example, examples, examples_of
from turnwire_core import ConfigError, load_config

SHOWN_URL = "127.0.0.1:8765"
"""Where the built-in assistant is, in every example."""

CONFIG_LANGUAGES = {"json": ".json", "yaml": ".yaml", "toml": ".toml"}


@pytest.fixture(scope="session")
def here() -> Iterator[str]:
    """Where the assistant really is: ``HOST:PORT``."""
    with assistant_in_background() as assistant:
        yield assistant.url.removeprefix("http://")


def _parsed(example: Example) -> object:
    """The data that is shown. A block that begins with a key is a part of a connection."""
    match example.language:
        case "json" if example.body.startswith('"'):
            part = json.loads(f"{{{example.body}}}")
            protocol = next((key for key in part if key in ("sse", "websocket")), "http_chat")
            scheme = "wss" if protocol == "websocket" else "https"
            target = {"base_url": f"{scheme}://assistant.example.com/", "protocol": protocol}
            return {"connections": {"part": {**target, **part}}}
        case "json":
            return json.loads(example.body)
        case "yaml":
            return YAML(typ="safe").load(example.body)
        case _:
            return tomllib.loads(example.body)


@pytest.mark.parametrize("example", examples(*CONFIG_LANGUAGES), ids=str)
def test_a_config_that_is_shown_loads(example: Example, tmp_path: Path) -> None:
    data = _parsed(example)
    if not isinstance(data, dict) or "tests" in data or "connections" not in data:
        return
    file = tmp_path / f"config{CONFIG_LANGUAGES[example.language]}"
    is_part = example.body.startswith('"')
    file.write_text(json.dumps(data) if is_part else example.body)
    names = re.findall(r"\$\{(\w+)\}", example.body)
    environ = dict.fromkeys(names, "a-value")
    if example.title and example.title.startswith("wrong"):
        with pytest.raises(ConfigError):
            load_config(file, environ=environ)
        return
    config = load_config(file, environ=environ)
    assert config.connections.keys() == data["connections"].keys()


@pytest.fixture(scope="session")
def folder_with_a_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logged")
    assert "Hello!" in _run('turnwire chat demo-sse "Hello" --log runs/ --record tapes', folder)
    return folder


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("example", examples("python"), ids=str)
def test_a_program_that_is_shown_runs(
    example: Example,
    backend: str,
    here: str,
    folder_with_a_log: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder_with_a_log)
    monkeypatch.setattr(anyio, "run", functools.partial(anyio.run, backend=backend))
    assert set(re.findall(r"127\.0\.0\.1:\d+", example.body)) <= {SHOWN_URL}
    source = example.body.replace(SHOWN_URL, here)
    exec(compile(source, str(example), "exec"), {"__name__": "__main__"})
    if "print(" in source:
        assert capsys.readouterr().out


PAGES_WITH_COMMANDS = [
    page
    for page in PAGES
    if any(
        re.search(r"^\$ (?:turnwire|pytest)", one.body, re.MULTILINE)
        for one in examples_of(page)
        if one.language == "console"
    )
]


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_print_what_it_shows(page: Path, here: str, tmp_path: Path) -> None:
    for example in examples_of(page):
        if example.title:
            _write(example, tmp_path, here)
        if example.language == "console":
            for command, shown in _commands(example):
                if command.startswith(("turnwire", "pytest")) and "serve-demo" not in command:
                    printed = _run(command.replace(SHOWN_URL, here), tmp_path)
                    assert _comparable(printed, here) == _comparable(shown, here), example


def test_the_make_targets_that_are_shown_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = {
        target
        for page in PAGES
        for line in re.findall(r"(?:^\$ |`)make((?: [a-z-]+)+)", page.read_text(), re.MULTILINE)
        for target in line.split()
    }
    assert shown
    assert shown <= targets


def _commands(example: Example) -> Iterator[tuple[str, str]]:
    """Each command of a console block, with the output that is shown for it."""
    for part in re.split(r"^\$ ", example.body, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command.partition("  #")[0].strip(), shown


def _write(example: Example, folder: Path, here: str) -> Path:
    assert example.title
    file = folder / example.title
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(example.body.replace(SHOWN_URL, here))
    return file


def _run(command: str, folder: Path) -> str:
    words = shlex.split(command)
    inherited = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**inherited, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


def _comparable(text: str, here: str) -> list[str]:
    """The lines without what may differ from run to run: numbers, their signs and widths."""
    # Nor what a busy machine has it say of itself.
    text = re.sub(r"; because of this machine, [^)\n]*| \(\d+ spoilt\)", "", text)
    text = re.sub(r"^.*because of this machine.*\n", "", text, flags=re.MULTILINE)
    without = re.sub(r"runs/\S+\.jsonl", "runs/LOG", text.replace(here, SHOWN_URL))
    without = re.sub(r"[+-]?\d+(?:[.,]\d+)?", "N", without)
    without = re.sub(r"([=_─])\1+", r"\1", without)
    lines = [" ".join(line.split()) for line in without.splitlines()]
    return [line for line in lines if line]
