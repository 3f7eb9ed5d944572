"""Where the suites are: ``*.turnwire.yaml`` below a folder, or whatever file is named."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from turnwire_core import ConfigError, Problem

SUFFIXES: Final = (
    ".turnwire.yaml",
    ".turnwire.yml",
    ".turnwire.json",
    ".turnwire.jsonc",
    ".turnwire.toml",
)
"""How the file of a suite ends that is to be found by itself."""

_SKIPPED: Final = frozenset({"node_modules", "__pycache__", "site-packages"})


def find_suites(paths: Sequence[str | Path] = ()) -> list[Path]:
    """The files of suites: those that are named, and those below the folders that are named.

    Without paths, below the current folder. Hidden folders, ``node_modules`` and virtual
    environments are left out, unless they are named. Files come in a stable order, each once.

    Raises:
        ConfigError: a path is not there, or a folder that was named has no suites.
    """
    found: dict[Path, Path] = {}
    problems: list[Problem] = []
    for path in [Path(path) for path in paths] or [Path()]:
        if path.is_dir():
            files = sorted(_below(path))
            if paths and not files:
                hint = f"Their names end in {SUFFIXES[0]}, or in .json or .toml instead of .yaml."
                problems.append(Problem("No suites below this folder.", file=str(path), hint=hint))
        elif path.exists():
            files = [path]
        else:
            files = []
            problems.append(Problem("There is no such file or folder.", file=str(path)))
        for file in files:
            found.setdefault(file.resolve(), file)
    if problems:
        raise ConfigError(problems)
    return list(found.values())


def is_suite(file: Path) -> bool:
    """Whether the file's name is that of a suite."""
    return file.name.lower().endswith(SUFFIXES)


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _is_skipped(Path(parent, name))]
        yield from (Path(parent, name) for name in files if is_suite(Path(name)))


def _is_skipped(folder: Path) -> bool:
    hidden = folder.name.startswith(".")
    return hidden or folder.name in _SKIPPED or (folder / "pyvenv.cfg").exists()
