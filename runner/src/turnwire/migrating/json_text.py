"""Edits of JSON with comments."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import attrs

from turnwire.migrating.edits import (
    CannotEdit,
    Change,
    Location,
    TextEdit,
    column_of,
    indent_of,
    newline_of,
)

_TOKEN: Final = re.compile(
    r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/|[{}\[\]:,]|[^\s{}\[\]:,"/]+', re.DOTALL
)


@attrs.define
class Node:
    """A value in the text, from ``start`` to ``end``; an object with its members, in order."""

    start: int
    end: int = 0
    is_object: bool = False
    members: dict[str, Member] = attrs.field(factory=dict)


@attrs.frozen
class Member:
    """One member of an object: where its key begins, and its value."""

    key_start: int
    value: Node


def json_edits(text: str, change: Change) -> list[TextEdit]:
    """What has to become of the text.

    Raises:
        CannotEdit: the place is not there.
    """
    root = parse(text)
    around = find(root, change.location[:-1])
    key = change.location[-1]
    if key in around.members:
        value = around.members[key].value
        return [TextEdit(value.start, value.end, json.dumps(change.value, ensure_ascii=False))]
    return insertion(text, around, change, step=_step(text, root))


def parse(text: str, start: int = 0) -> Node:
    """The value that begins at or after ``start``; the text is known to be good JSON."""
    tokens = [match for match in _TOKEN.finditer(text, start) if match[0][:2] not in ("//", "/*")]
    root = Node(tokens[0].start())
    open_nodes: list[Node] = []
    key: tuple[str, int] | None = None
    node = root
    for match in tokens:
        word = match[0]
        if word in ("}", "]"):
            closed = open_nodes.pop()
            closed.end = match.end()
            if not open_nodes:
                break
        elif word == ",":
            key = None
        elif word != ":":
            around = open_nodes[-1] if open_nodes else None
            if around is not None and around.is_object and key is None:
                key = (json.loads(word), match.start())
                continue
            node = root if around is None else Node(match.start())
            node.end = match.end()
            if around is not None and around.is_object and key is not None:
                around.members[key[0]] = Member(key[1], node)
            if word in ("{", "["):
                node.is_object = word == "{"
                open_nodes.append(node)
                key = None
            elif not open_nodes:
                break
    return root


def find(root: Node, location: Location) -> Node:
    """The object at a place.

    Raises:
        CannotEdit: there is none.
    """
    node = root
    for key in location:
        member = node.members.get(key)
        if member is None:
            raise CannotEdit(f"There is no object at {'.'.join(location)}.")
        node = member.value
    return node


def insertion(text: str, around: Node, change: Change, *, step: int) -> list[TextEdit]:
    """Put a new member into an object, in the way in which its members are written."""
    key = json.dumps(change.location[-1], ensure_ascii=False)
    if not around.members:
        inner = f"{{{key}: {json.dumps(change.value, ensure_ascii=False)}}}"
        return [TextEdit(around.start, around.end, inner)]
    members = list(around.members.values())
    chosen = around.members.get(change.after or "", members[-1])
    is_last = chosen is members[-1]
    following = around.end - 1 if is_last else members[members.index(chosen) + 1].key_start
    newline = newline_of(text)
    if "\n" not in text[around.start : members[0].key_start]:
        # The members begin beside the brace: in one line, or in a column below the first.
        in_lines = any("\n" in text[around.start : one.key_start] for one in members)
        break_ = newline + " " * column_of(text, members[0].key_start) if in_lines else " "
        value = json.dumps(change.value, ensure_ascii=False)
        return [TextEdit(chosen.value.end, chosen.value.end, f",{break_}{key}: {value}")]
    indent = indent_of(text, members[0].key_start)
    value = _indented(change.value, indent, step, newline)
    comma = _comma_after(text, chosen.value.end, following)
    if comma is None:
        edits = [TextEdit(chosen.value.end, chosen.value.end, ",")]
        end = _end_of_comments(text, chosen.value.end, following)
        return [*edits, TextEdit(end, end, f"{newline}{indent}{key}: {value}")]
    end = _end_of_comments(text, comma + 1, following)
    if "\n" not in text[end:following]:
        return [TextEdit(end, end, f" {key}: {value},")]
    return [TextEdit(end, end, f"{newline}{indent}{key}: {value},")]


def _comma_after(text: str, start: int, end: int) -> int | None:
    return next((m.start() for m in _TOKEN.finditer(text, start, end) if m[0] == ","), None)


def _end_of_comments(text: str, start: int, end: int) -> int:
    """Where what stands in the line of ``start`` ends, with a comment that belongs to it."""
    position = start
    for match in _TOKEN.finditer(text, start, end):
        if match[0][:2] not in ("//", "/*") or "\n" in text[position : match.start()]:
            break
        position = match.end()
    return position - 1 if text[:position].endswith("\r") else position


def _indented(value: Any, indent: str, step: int, newline: str) -> str:
    written = json.dumps(value, ensure_ascii=False, indent=step)
    return written.replace("\n", newline + indent)


def _step(text: str, root: Node) -> int:
    """By how much the file indents: from its first member that stands on a line of its own."""
    for member in root.members.values():
        if "\n" in text[root.start : member.key_start]:
            return max(1, column_of(text, member.key_start) - column_of(text, root.start))
    return 2
