"""A distribution declares what it imports: no more, and no less."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("core", "drivers/http_chat", "drivers/sse", "drivers/websocket", "runner")

DRIVERS = {"turnwire-http-chat", "turnwire-sse", "turnwire-websocket"}

IMPORTED_FOR_US = {"trio", "uvloop"}
"""The contract tests run on trio, and the command line on uvloop; anyio imports them."""

_PROVIDERS = metadata.packages_distributions()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _declared(folder: str) -> set[str]:
    """The names in dependencies and extras, without drivers: those are found by entry point."""
    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    extras = project.get("optional-dependencies", {})
    wanted = [*project["dependencies"], *(one for items in extras.values() for one in items)]
    names = {_normal(re.match(r"[\w.-]+", one)[0]) for one in wanted}  # type: ignore[index]
    return names - DRIVERS


def _imported(folder: str) -> set[str]:
    """The distributions of all modules that any file of the package imports, wherever in it."""
    names = set()
    for file in (ROOT / folder / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
    (own,) = [one.name for one in (ROOT / folder / "src").iterdir() if one.is_dir()]
    foreign = names - set(sys.stdlib_module_names) - {own}
    # What is installed editable provides no names: ours are called like their distributions.
    return {_normal(_PROVIDERS.get(name, [name])[0]) for name in foreign}


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_imported_is_declared(folder: str) -> None:
    assert _imported(folder) - _declared(folder) == set()


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_declared_is_imported(folder: str) -> None:
    assert _declared(folder) - _imported(folder) - IMPORTED_FOR_US == set()
