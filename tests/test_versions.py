"""The five distributions are released together, under one version."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("core", "drivers/http_chat", "drivers/sse", "drivers/websocket", "runner")

PROJECTS: dict[str, dict[str, Any]] = {
    folder: tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    for folder in FOLDERS
}
VERSION = PROJECTS["core"]["version"]

_OURS = re.compile(r"(turnwire(?:-[a-z-]+)?)(?:\[[a-z,-]+\])?(.*)")


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_distribution_has_the_version_of_the_core(folder: str) -> None:
    assert PROJECTS[folder]["version"] == VERSION


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_distribution_wants_its_siblings_in_exactly_this_version(folder: str) -> None:
    project = PROJECTS[folder]
    extras = project.get("optional-dependencies", {})
    wanted = [*project["dependencies"], *(item for items in extras.values() for item in items)]
    ours = [match for item in wanted if (match := _OURS.fullmatch(item))]
    assert {match[2] for match in ours} <= {f"=={VERSION}"}
    if folder != "core":
        assert ours, "only the core stands alone"


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_installed_is_what_is_here(folder: str) -> None:
    assert metadata.version(PROJECTS[folder]["name"]) == VERSION


@pytest.mark.parametrize("field", ["requires-python", "license", "authors"])
def test_the_distributions_agree_on(field: str) -> None:
    assert len({str(project[field]) for project in PROJECTS.values()}) == 1


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_distribution_carries_the_licence(folder: str) -> None:
    assert (ROOT / folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_the_runner_with_all_has_every_driver_that_has_an_extra() -> None:
    extras = dict(PROJECTS["runner"]["optional-dependencies"])
    everything = set(extras.pop("all"))
    drivers = {f"{PROJECTS[f]['name']}=={VERSION}" for f in FOLDERS if f.startswith("drivers/")}
    assert everything == drivers
    assert drivers <= {item for items in extras.values() for item in items}
