"""Request templates: JSON with ``{{placeholders}}``, compiled once and filled per turn.

A placeholder that is a whole string is replaced by the typed value, otherwise by its text. Values
are inserted, never parsed again: a message that holds quotes, braces or ``{{message}}`` stays what
it is. ``{{...name}}`` as an item of a list spreads a list into it. A whole-string placeholder with
no value (no persona is set) drops its key or item. ``\\{{`` is a literal ``{{``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from turnwire_core.paths import MISSING

TURN_NAMES: Final = frozenset(
    {"message", "transcript", "messages", "persona", "sessionId", "turnId", "turn"}
)
"""What a request body, query or header may name, besides ``variables.X`` and ``env.X``."""

ENTRY_NAMES: Final = frozenset({"role", "content", "id", "index"})
"""What ``request.messageTemplate``, the shape of one entry of ``{{messages}}``, may name."""

_PLACEHOLDER = re.compile(r"\\\{\{|\{\{\s*(\.\.\.)?\s*([^{}]*?)\s*\}\}")
_NAME = re.compile(r"[A-Za-z_][\w-]*\Z")

Render = Callable[[Mapping[str, Any]], Any]


class TemplateError(ValueError):
    """A placeholder is unknown or stands where it cannot be filled."""


class Template:
    """A compiled JSON template.

    ``names`` are the placeholders in it (``message``, ``variables.model``, ``env.USER``).

    Raises:
        TemplateError: a placeholder is unknown, or a spread stands outside a list.
    """

    __slots__ = ("_render", "names", "source")

    def __init__(self, source: Any, *, names: frozenset[str] = TURN_NAMES) -> None:
        self.source = source
        found: set[str] = set()
        self._render = _compile(source, names, found)
        self.names = frozenset(found)

    def __repr__(self) -> str:
        return f"Template({self.source!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and self.source == other.source

    def __hash__(self) -> int:
        return hash(json.dumps(self.source, sort_keys=True, default=str))

    def render(self, values: Mapping[str, Any]) -> Any:
        """The template filled with ``values``, keyed by placeholder.

        A whole-string placeholder at the top without a value gives None.
        """
        rendered = self._render(values)
        return None if rendered is MISSING else rendered


def _compile(source: Any, names: frozenset[str], found: set[str]) -> Render:
    match source:
        case str():
            return _compile_string(source, names, found)
        case Mapping():
            members = [
                (_compile_text(key, names, found), _compile(value, names, found))
                for key, value in source.items()
            ]
            return lambda values: {
                key(values): rendered
                for key, value in members
                if (rendered := value(values)) is not MISSING
            }
        case Sequence():
            return _compile_list(source, names, found)
        case _:
            return lambda values: source


def _compile_list(source: Sequence[Any], names: frozenset[str], found: set[str]) -> Render:
    items: list[tuple[bool, Render]] = []
    for item in source:
        match = _PLACEHOLDER.fullmatch(item) if isinstance(item, str) else None
        if match and match[1]:
            items.append((True, _lookup(_checked(match[2], names, found))))
        else:
            items.append((False, _compile(item, names, found)))

    def render(values: Mapping[str, Any]) -> list[Any]:
        rendered: list[Any] = []
        for spread, item in items:
            value = item(values)
            if value is MISSING:
                continue
            if spread and isinstance(value, list):
                rendered.extend(value)
            else:
                rendered.append(value)
        return rendered

    return render


def _compile_string(source: str, names: frozenset[str], found: set[str]) -> Render:
    match = _PLACEHOLDER.fullmatch(source)
    if match and match[2] is not None:
        if match[1]:
            raise TemplateError(f"{source} can only stand as an item of a list.")
        return _lookup(_checked(match[2], names, found))
    return _compile_text(source, names, found)


def _compile_text(source: str, names: frozenset[str], found: set[str]) -> Render:
    parts: list[str | Render] = []
    position = 0
    for match in _PLACEHOLDER.finditer(source):
        parts.append(source[position : match.start()])
        position = match.end()
        if match[2] is None:
            parts.append("{{")
        elif match[1]:
            raise TemplateError(f"{match[0]} can only stand alone, as an item of a list.")
        else:
            parts.append(_lookup(_checked(match[2], names, found)))
    parts.append(source[position:])
    if all(isinstance(part, str) for part in parts):
        literal = "".join(part for part in parts if isinstance(part, str))
        return lambda values: literal

    def render(values: Mapping[str, Any]) -> str:
        return "".join(part if isinstance(part, str) else _as_text(part(values)) for part in parts)

    return render


def _checked(name: str, names: frozenset[str], found: set[str]) -> str:
    space, _, rest = name.partition(".")
    known = name in names or (space in ("variables", "env") and _NAME.match(rest))
    if not known:
        options = ", ".join(sorted(names)) + ", variables.NAME, env.NAME"
        raise TemplateError(f"Unknown placeholder {{{{{name}}}}}. Known are: {options}.")
    found.add(name)
    return name


def _lookup(name: str) -> Render:
    return lambda values: values.get(name, MISSING)


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is MISSING or value is None:
        return ""
    return json.dumps(value, ensure_ascii=False)
