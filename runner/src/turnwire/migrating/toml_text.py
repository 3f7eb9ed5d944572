"""Edits of TOML, line by line: tables with headers of their own, and values on one line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import attrs

from turnwire.migrating.edits import CannotEdit, Change, Location, TextEdit, line_end, newline_of

_HEADER: Final = re.compile(
    r"[ \t]*\[(?P<array>\[)?[ \t]*(?P<name>[^\]]+?)[ \t]*\]\]?[ \t]*(?:#.*)?$"
)
_ENTRY: Final = re.compile(
    r"""[ \t]*(?P<key>[\w-]+|"[^"]*"|'[^']*')[ \t]*=[ \t]*"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"|'[^']*'|[\w.+:-]+)[ \t]*(?:\#.*)?$"""
)
_PART: Final = re.compile(r"\"([^\"]*)\"|'([^']*)'|([\w-]+)")


@attrs.define
class _Table:
    """The lines below one header."""

    name: Location
    start: int
    end: int
    """Behind the last line that says something."""
    values: dict[str, tuple[int, int]] = attrs.field(factory=dict)


def toml_edits(text: str, change: Change) -> list[TextEdit]:
    """What has to become of the text.

    Raises:
        CannotEdit: the table has no header of its own.
    """
    around, key = change.location[:-1], change.location[-1]
    tables = _tables(text)
    own = next((table for table in tables if table.name == around), None)
    newline = newline_of(text)
    if isinstance(change.value, Mapping):
        below = [table for table in tables if table.name[: len(around)] == around]
        if not below:
            raise CannotEdit(f"There is no line [{'.'.join(around)}] to go by.")
        end = max(table.end for table in below)
        lines = [f"[{'.'.join(map(_key, change.location))}]"]
        lines += [f"{_key(name)} = {_value(value)}" for name, value in change.value.items()]
        return [TextEdit(end, end, newline + "".join(newline + line for line in lines))]
    if own is None:
        raise CannotEdit(f"There is no line [{'.'.join(around)}] to go by.")
    if key in own.values:
        start, end = own.values[key]
        literal = (
            text[start] == "'" and isinstance(change.value, str) and change.value.isprintable()
        )
        is_literal = literal and "'" not in change.value
        return [TextEdit(start, end, f"'{change.value}'" if is_literal else _value(change.value))]
    end = own.end
    if change.after in own.values:
        end = line_end(text, own.values[change.after][1])
    return [TextEdit(end, end, f"{newline}{_key(key)} = {_value(change.value)}")]


def _tables(text: str) -> list[_Table]:
    tables = [_Table((), 0, 0)]
    position = 0
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\r\n")
        header = _HEADER.match(bare)
        entry = _ENTRY.match(bare)
        if header is not None:
            name = tuple(a or b or c for a, b, c in _PART.findall(header["name"]))
            tables.append(_Table(name, position, position + len(bare)))
        elif bare.strip() and not bare.lstrip().startswith("#"):
            tables[-1].end = position + len(bare)
            if entry is not None:
                (a, b, c) = _PART.findall(entry["key"])[0]
                span = entry.span("value")
                tables[-1].values[a or b or c] = (position + span[0], position + span[1])
        position += len(line)
    return tables


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else json.dumps(name, ensure_ascii=False)


def _value(value: Any) -> str:
    match value:
        case Mapping():
            inner = ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items())
            return f"{{ {inner} }}" if inner else "{}"
        case list() | tuple():
            return f"[{', '.join(map(_value, value))}]"
        case None:
            raise CannotEdit("TOML has no null.")
        case str():
            # A basic string has the escapes of JSON, and U+007F besides.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
