"""The files of lamdis-runs: how they are recognised, found and read.

A reference is a path below the folder that holds ``assistants/``, ``auth/``, ``requests/`` and so
on, without its extension or with it: ``assistants/dev/v1``. Which folder that is, no file says. So
a reference is looked for beside the file that has it, then in each folder above it, and in the
folder ``configs`` of each; what is found first counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, Final

from turnwire.suites.model import Origin
from turnwire.suites.sources import Ledger, Source

_HIGHEST: Final = 8
"""How many folders up a reference is looked for."""

_TEST_KEYS: Final = frozenset(
    {"script", "assertions", "objective", "judgeConfig", "iterate", "personaId"}
)

_LISTS: Final = ("personas", "requests")
"""What its files define, each file a list; our own define them by name."""


def is_lamdis(data: Any) -> bool:
    """Whether a file's data has the shape of one of lamdis-runs."""
    if not isinstance(data, Mapping):
        return False
    tests = data.get("tests")
    return (
        "lamdis" in str(data.get("$schema", ""))
        or bool({"assistantRef", "assistants"} & set(data))
        or _has(data.get("env"), "baseUrl", "channel")
        or _has(data.get("imports"), "personas", "requests")
        or _has(tests, "includeFiles", "includeFolders", "includeIds")
        or (isinstance(tests, list) and any(map(_is_test, tests)))
        or (tests is None and any(isinstance(data.get(one), list) for one in _LISTS))
    )


def _has(value: Any, *keys: str) -> bool:
    return isinstance(value, Mapping) and any(key in value for key in keys)


def _is_test(test: Any) -> bool:
    if not isinstance(test, Mapping):
        return False
    steps = test.get("steps")
    typed = isinstance(steps, list) and any(
        isinstance(step, Mapping) and isinstance(step.get("type"), str) for step in steps
    )
    return typed or bool(_TEST_KEYS & set(test))


class Finder:
    """Follows references from file to file."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def open(self, reference: str, origin: Origin, what: str) -> Source | None:
        """The file behind a reference; None where there is none, which is noted."""
        file = self._found(reference, FilePath(origin.file))
        if file is None:
            message = f"There is no {what} {reference!r}."
            hint = (
                f"It is looked for as {_file_name(reference)}, here and in the folders above, "
                "and in the folder 'configs' of each."
            )
            self._ledger.add(origin, message, hint)
            return None
        return self.source(file, origin)

    def source(self, file: FilePath, origin: Origin) -> Source | None:
        """A file's data as it is: what is in ``${…}`` is looked at where it stands."""
        with self._ledger.at(origin):
            document = self._ledger.read(file)
            return Source(document, document.data)
        return None

    def folder(self, reference: str, origin: Origin) -> list[FilePath] | None:
        """The JSON files in a folder; None where there is none, which is noted."""
        for base in _bases(FilePath(origin.file)):
            folder = base / reference
            if folder.is_dir():
                return sorted(folder.rglob("*.json"))
        self._ledger.add(origin, f"There is no folder {reference!r}, here or above.")
        return None

    def _found(self, reference: str, asking: FilePath) -> FilePath | None:
        for base in _bases(asking):
            for name in (reference, _file_name(reference)):
                if (base / name).is_file():
                    return base / name
        return None


def _file_name(reference: str) -> str:
    return reference if reference.endswith(".json") else f"{reference}.json"


def _bases(file: FilePath) -> Iterator[FilePath]:
    """The folders in which references of a file are looked for, the nearest first."""
    folder = file.parent
    for _ in range(_HIGHEST):
        yield folder
        yield folder / "configs"
        if (folder / ".git").exists() or folder.resolve() == folder.resolve().parent:
            return
        folder = folder / ".." if folder.name in ("", "..", ".") else folder.parent
