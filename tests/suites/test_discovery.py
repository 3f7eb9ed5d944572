"""Where suites are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.suite_files import Files
from turnwire.suites.discovery import SUFFIXES, find_suites, is_suite
from turnwire_core import ConfigError


def test_suites_below_a_folder_are_found_by_their_names(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "b.turnwire.yaml",
        "a.turnwire.toml",
        "deep/er/c.turnwire.JSON",
        "other.yaml",
        "turnwire.yaml",
        ".hidden/d.turnwire.yaml",
        "node_modules/e.turnwire.yaml",
        "env/pyvenv.cfg",
        "env/f.turnwire.yaml",
    ):
        files.write(name, "")
    monkeypatch.chdir(files.folder)
    assert find_suites() == [
        Path("a.turnwire.toml"),
        Path("b.turnwire.yaml"),
        Path("deep/er/c.turnwire.JSON"),
    ]


def test_what_is_named_is_taken_whatever_its_name_and_each_file_once(files: Files) -> None:
    odd = files.write("tests/p1.json", "")
    suite = files.write("tests/a.turnwire.yaml", "")
    assert find_suites([odd, files.folder / "tests", suite]) == [odd, suite]
    hidden = files.write(".hidden/d.turnwire.yaml", "")
    assert find_suites([hidden.parent]) == [hidden]


def test_without_any_suite_nothing_is_found_but_a_named_folder_must_have_one(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files.folder)
    assert find_suites() == []
    with pytest.raises(ConfigError) as caught:
        find_suites([files.folder, "none.yaml"])
    assert [one.message for one in caught.value.problems] == [
        "No suites below this folder.",
        "There is no such file or folder.",
    ]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_suite_is_known_by_its_suffix(suffix: str) -> None:
    assert is_suite(Path(f"shop{suffix}"))
    assert not is_suite(Path(suffix.replace(".turnwire", "")))
