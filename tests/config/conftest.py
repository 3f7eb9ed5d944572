"""Config files written on the spot, and the problems that loading them brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from turnwire_core import Config, ConfigError, Connection, Plugins, Problem, load_config

_PLUGINS = Plugins()

Load = Callable[..., Config]
Problems = Callable[..., list[Problem]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """``load(text, "name.yaml", environ={…})``."""

    def write_and_load(
        text: str, name: str = "c.json", *, environ: Mapping[str, str] | None = None, **more: Any
    ) -> Config:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return load_config(file, plugins=_PLUGINS, environ=environ or {}, **more)

    return write_and_load


@pytest.fixture
def problems(load: Load) -> Problems:
    """What is wrong with a file, in the order reported."""

    def of(text: str, name: str = "c.json", **more: Any) -> list[Problem]:
        with pytest.raises(ConfigError) as caught:
            load(text, name, **more)
        assert all(problem.file is not None for problem in caught.value.problems)
        return list(caught.value.problems)

    return of


@pytest.fixture
def connection(load: Load) -> Callable[..., Connection]:
    """A connection from the keys that follow ``base_url``, as JSON text."""

    def of(more: str = "", **options: Any) -> Connection:
        rest = f", {more}" if more else ""
        text = f'{{"connections": {{"it": {{"base_url": "https://a.example/x"{rest}}}}}}}'
        return load(text, **options).connection("it")

    return of
