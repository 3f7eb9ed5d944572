"""Suites as files: written into a folder, loaded, and what was wrong with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from turnwire.kinds import Kinds
from turnwire.suites.loading import load_suite
from turnwire.suites.model import Suite
from turnwire_core import ConfigError, Problem

KINDS = Kinds(discover=False)
"""The built-in kinds, whatever is installed."""

SAYS_HI: dict[str, Any] = {"message": "Hi", "checks": [{"contains": "Hello"}]}
"""A step that says something and checks the reply."""


def a_test(name: str = "Says hello", **more: Any) -> dict[str, Any]:
    """A test as in a file, with one step unless ``steps`` says otherwise."""
    return {"name": name, "steps": [SAYS_HI], **more}


class Files:
    """A folder of files. ``problems`` loads a suite that must not load."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ: dict[str, str] = {}

    def write(self, name: str, content: Any) -> Path:
        """A file; anything but text is written as JSON."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content, indent=1)
        file.write_text(text, encoding="utf-8")
        return file

    def load(
        self, content: Any = None, name: str = "shop.turnwire.json", *, kinds: Kinds = KINDS
    ) -> Suite:
        """The suite of a file, written first if there is ``content``."""
        file = self.folder / name if content is None else self.write(name, content)
        return load_suite(file, kinds, environ=self.environ)

    def problems(
        self, content: Any = None, name: str = "shop.turnwire.json", *, kinds: Kinds = KINDS
    ) -> list[Problem]:
        """What is wrong with it."""
        with pytest.raises(ConfigError) as caught:
            self.load(content, name, kinds=kinds)
        return list(caught.value.problems)

    def problem(self, content: Any = None, name: str = "shop.turnwire.json") -> Problem:
        """The one thing that is wrong with it."""
        problems = self.problems(content, name)
        assert len(problems) == 1, "\n".join(map(str, problems))
        return problems[0]

    def suite_with(self, *tests: Mapping[str, Any], **more: Any) -> Suite:
        """A suite of these tests over one connection."""
        return self.load({"connections": ["bot"], "tests": list(tests), **more})

    def problem_in(self, *tests: Mapping[str, Any], **more: Any) -> Problem:
        """The one thing that is wrong with such a suite."""
        return self.problem({"connections": ["bot"], "tests": list(tests), **more})
