"""Edits of YAML, by the marks that ruamel.yaml sets.

Its round trip would keep comments too, but write anew what it did not change: quotes, indents and
the breaks of lines. With the marks every other byte stays.
"""

from __future__ import annotations

import io
import json
from typing import Any, Final

from turnwire.migrating.edits import (
    CannotEdit,
    Change,
    TextEdit,
    column_of,
    line_end,
    newline_of,
)

_STEP: Final = 2


def yaml_edits(text: str, change: Change) -> list[TextEdit]:
    """What has to become of the text.

    Raises:
        CannotEdit: the place is not there, or is no mapping.
    """
    from ruamel.yaml import YAML

    root = YAML(typ="safe", pure=True).compose(text)
    around = root
    for key in change.location[:-1]:
        found = _member(around, key)
        if found is None or found[1].id != "mapping":
            raise CannotEdit(f"There is no mapping at {'.'.join(change.location[:-1])}.")
        around = found[1]
    key = change.location[-1]
    present = _member(around, key)
    if present is not None:
        node = present[1]
        if node.id != "scalar":
            raise CannotEdit(f"{key!r} is no single value.")
        start, end = node.start_mark.index, node.end_mark.index
        return [TextEdit(start, end, _scalar(change.value, node.style))]
    if around.flow_style:
        return _into_flow(around, change)
    return _into_block(text, root, around, change)


def _member(mapping: Any, key: str) -> tuple[Any, Any] | None:
    return next(((k, v) for k, v in mapping.value if k.value == key), None)


def _into_flow(around: Any, change: Change) -> list[TextEdit]:
    """``{a: 1}``: JSON is YAML, and fits in."""
    entry = f"{_plain(change.location[-1])}: {json.dumps(change.value, ensure_ascii=False)}"
    if not around.value:
        return [TextEdit(around.start_mark.index, around.end_mark.index, f"{{{entry}}}")]
    chosen = _member(around, change.after) if change.after else None
    end = (chosen or around.value[-1])[1].end_mark.index
    return [TextEdit(end, end, f", {entry}")]


def _into_block(text: str, root: Any, around: Any, change: Change) -> list[TextEdit]:
    """A line for each key: a new one goes below the lines of the one before it."""
    if not around.value:
        raise CannotEdit("An empty mapping has no lines to go by.")
    first = around.value[0][0].start_mark.index
    indent = " " * column_of(text, first)
    chosen = _member(around, change.after) if change.after else None
    end = line_end(text, _end(text, (chosen or around.value[-1])[1]))
    newline = newline_of(text)
    lines = _block(change.location[-1], change.value, _step(text, root)).splitlines()
    return [TextEdit(end, end, "".join(f"{newline}{indent}{line}" for line in lines))]


def _end(text: str, node: Any) -> int:
    """Where a value ends in the text. A block's own mark is where the next thing begins."""
    if node.id in ("mapping", "sequence") and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if node.id == "mapping" else last)
    end: int = node.end_mark.index
    if node.id == "scalar" and node.style in ("|", ">"):
        return _end_of_block_scalar(text, node.start_mark.index, end)
    return end


def _end_of_block_scalar(text: str, start: int, end: int) -> int:
    """Where the last line of a block scalar ends (YAML 1.2.2 §8.1.1.2).

    Its mark is where the next token begins, beyond blank lines and comments. Comments are indented
    less than the text is; a line that begins with ``#`` in the text is text.
    """
    header, *lines = text[start:end].splitlines(keepends=True)
    last = position = start + len(header)
    indent: int | None = None
    for line in lines:
        depth = len(line) - len(line.lstrip(" "))
        if line.strip():
            indent = depth if indent is None else indent
            if depth < indent:
                break
            last = position + len(line)
        position += len(line)
    return start + len(text[start:last].rstrip())


def _step(text: str, root: Any) -> int:
    """By how much the file indents: from the first mapping below another."""
    for key, value in root.value:
        if value.id == "mapping" and not value.flow_style and value.value:
            inner = value.value[0][0].start_mark.index
            return max(1, column_of(text, inner) - column_of(text, key.start_mark.index))
    return _STEP


def _block(key: str, value: Any, step: int) -> str:
    from ruamel.yaml import YAML

    yaml = YAML(pure=True)
    yaml.default_flow_style = False
    yaml.indent(mapping=step, sequence=step + 2 if step > 1 else 2, offset=step if step > 1 else 0)
    yaml.width = 100
    stream = io.StringIO()
    yaml.dump({key: value}, stream)
    return stream.getvalue()


def _plain(key: str) -> str:
    return key if key.replace("_", "").isalnum() else json.dumps(key, ensure_ascii=False)


def _scalar(value: Any, style: str | None) -> str:
    """A value in the quotes of the one whose place it takes."""
    if not isinstance(value, str) or style == '"':
        return json.dumps(value, ensure_ascii=False)
    if style == "'":
        return "'" + value.replace("'", "''") + "'"
    return _block("x", value, _STEP).removeprefix("x:").strip()
