"""Changing a few values of a config file, and not one byte of the rest.

A change is said in terms of the data and made in the text, by the positions of what stands there:
so comments, order, quotes and layout stay what they are, whatever library would have written. The
text that comes out is parsed again, and must hold what the data would with the same changes; a file
that is written in a way that is not understood here is refused, not damaged.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from turnwire_core.config import Document, as_path, read_document
from turnwire_core.errors import ConfigError

Location = tuple[str, ...]
"""The keys that lead to a value, from the root of a document."""


@attrs.frozen
class Change:
    """A key is to have a value; what it had before is replaced. ``after`` is the key that a new
    one is to stand behind, if that is there."""

    location: Location
    value: Any
    after: str | None = None


@attrs.frozen
class TextEdit:
    """A part of a text is to become another; of no length, something is put in."""

    start: int
    end: int
    text: str


class CannotEdit(Exception):
    """A file is written in a way in which the change cannot be made; says in which."""


def edit(document: Document, text: str, changes: Sequence[Change]) -> str:
    """``text``, which ``document`` was parsed from, with the changes made, one after the other.

    Raises:
        CannotEdit: it is written in a way that is not understood.
    """
    for change in changes:
        wanted = changed(document.data, change)
        text = _apply(text, _edits(document.format, text, change))
        try:
            document = read_document(Path(document.file), text)
        except ConfigError as exc:
            raise CannotEdit(f"{as_path(change.location)} could not be changed.") from exc
        if document.data != wanted:
            raise CannotEdit(
                f"{as_path(change.location)} cannot be changed here without changing something "
                "else: perhaps it is an alias of another place."
            )
    return text


def changed(data: Any, change: Change) -> Any:
    """A copy of the data with the change made."""
    data = copy.deepcopy(data)
    around = data
    for key in change.location[:-1]:
        around = around[key]
    around[change.location[-1]] = change.value
    return data


def _edits(format_: str, text: str, change: Change) -> list[TextEdit]:
    match format_:
        case "json":
            from turnwire.migrating.json_text import json_edits

            return json_edits(text, change)
        case "yaml":
            from turnwire.migrating.yaml_text import yaml_edits

            return yaml_edits(text, change)
    from turnwire.migrating.toml_text import toml_edits

    return toml_edits(text, change)


def _apply(text: str, edits: Sequence[TextEdit]) -> str:
    """All edits at once; of two at one place the first comes first."""
    parts: list[str] = []
    position = 0
    for one in sorted(edits, key=lambda one: one.start):
        parts += (text[position : one.start], one.text)
        position = one.end
    return "".join([*parts, text[position:]])


def newline_of(text: str) -> str:
    """What ends the lines of a text."""
    return "\r\n" if "\r\n" in text else "\n"


def line_start(text: str, position: int) -> int:
    """Where the line of a position begins."""
    return text.rfind("\n", 0, position) + 1


def line_end(text: str, position: int) -> int:
    """Where the line of a position ends, before what ends it."""
    end = text.find("\n", position)
    end = len(text) if end < 0 else end
    return end - 1 if text[:end].endswith("\r") and end > position else end


def column_of(text: str, position: int) -> int:
    """How many characters stand before a position in its line."""
    return position - line_start(text, position)


def indent_of(text: str, position: int) -> str:
    """The white space that the line of a position begins with."""
    start = line_start(text, position)
    line = text[start:position]
    return line[: len(line) - len(line.lstrip())]
