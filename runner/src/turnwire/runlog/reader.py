"""Reading a run log, also one whose writer was killed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from turnwire.runlog.entries import SCHEMA_VERSION, Entry, entry_from_json
from turnwire.runlog.writer import RunLogError


def read_log(path: Path | str) -> Iterator[Entry]:
    """The entries of a run log, in the order of the file, read as they are asked for.

    A last line without its newline is what a killed process leaves: it is left out. Types and
    fields that this version does not know are kept (``UnknownEntry``, ``Entry.more``).

    Raises (while iterating):
        RunLogError: the file cannot be read, is no run log, was written by a newer Turnwire, or a
            line inside it is broken; the message names the line.
    """
    try:
        with Path(path).open("rb") as file:
            # Binary lines end at \n alone. Text mode would not do: a reply may hold any of the
            # other characters that some call a line break.
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    return
                yield parse_line(line, number, path)
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise RunLogError(f"Cannot read the run log {path}: {reason}.") from exc


def parse_line(line: bytes, number: int, path: Path | str) -> Entry:
    """The entry on a line, counted from 1, of the log at ``path``.

    Raises:
        RunLogError: it holds none; see :func:`read_log`.
    """
    where = f"{path}:{number}"
    try:
        data: Any = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise RunLogError(f"{where}: not a line of a run log: {exc}.") from exc
    if not isinstance(data, dict):
        raise RunLogError(f"{where}: not a line of a run log: no JSON object.")
    if number == 1:
        _check_version(data, where)
    try:
        return entry_from_json(data)
    except ValueError as exc:
        raise RunLogError(f"{where}: {exc}.") from exc


def _check_version(first: dict[str, Any], where: str) -> None:
    version = first.get("schemaVersion")
    if first.get("type") != "run_started" or not isinstance(version, int):
        raise RunLogError(
            f"{where}: not a run log: the first line must be a 'run_started' with a "
            "'schemaVersion'."
        )
    if version > SCHEMA_VERSION:
        raise RunLogError(
            f"{where}: written by a newer Turnwire (schema {version}; this one reads up to "
            f"{SCHEMA_VERSION}). Upgrade: pip install -U turnwire."
        )
