"""Request templates: JSON with ``{{placeholders}}``, compiled once and filled per turn.

A placeholder that is a whole string is replaced by the typed value, otherwise by its text. Values
are inserted, never parsed again: a message that holds quotes, braces or ``{{message}}`` stays what
it is. ``{{...name}}`` as an item of a list spreads a list into it. A whole-string placeholder with
no value (no persona is set) drops its key or item. ``\\{{`` is a literal ``{{``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from turnwire_core.paths import MISSING, Path, PathSyntaxError

TURN_NAMES: Final = frozenset(
    {"message", "transcript", "messages", "persona", "sessionId", "turnId", "turn"}
)
"""What a request body, query or header may name, besides ``variables.X`` and ``env.X``."""

ENTRY_NAMES: Final = frozenset({"role", "content", "id", "index"})
"""What ``request.messageTemplate``, the shape of one entry of ``{{messages}}``, may name."""

# What stands between the braces is taken as it comes and looked at afterwards: optional white
# space in the pattern would make it cubic on a long run of blanks.
_PLACEHOLDER = re.compile(r"\\\{\{|\{\{([^{}]*)\}\}")
_SPREAD = "..."
_NAME = re.compile(r"[A-Za-z_][\w-]*")
_INTO_VARIABLE = re.compile(r"([A-Za-z_][\w-]*)([.\[].+)")
_DEEPEST = 100

Render = Callable[[Mapping[str, Any]], Any]


class TemplateError(ValueError):
    """A placeholder is unknown or stands where it cannot be filled, or the source is no JSON."""


class Template:
    """A compiled JSON template.

    ``names`` are the placeholders in it (``message``, ``variables.model``, ``env.USER``); of a
    place within a variable (``{{variables.account.id}}``) it is the variable. The repr shows only
    these: the rest of a header or body may be secret.

    Raises:
        TemplateError: a placeholder is unknown or not closed, a spread stands outside a list, or
            the source holds something that JSON does not have.
    """

    __slots__ = ("_render", "names", "source")

    def __init__(self, source: Any, *, names: frozenset[str] = TURN_NAMES) -> None:
        self.source = source
        compiler = _Compiler(names)
        self._render = compiler.value(source)
        self.names = frozenset(compiler.found)

    def __repr__(self) -> str:
        return f"<Template of {', '.join(sorted(self.names)) or 'nothing but itself'}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Template):
            return NotImplemented
        return bool(self.source == other.source)

    def __hash__(self) -> int:
        return hash(self.names)

    def render(self, values: Mapping[str, Any]) -> Any:
        """The template filled with ``values``, keyed by placeholder.

        A whole-string placeholder at the top without a value gives None.
        """
        rendered = self._render(values)
        return None if rendered is MISSING else rendered


class _Compiler:
    """Turns one source into a function of the values; ``found`` collects its placeholders."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.found: set[str] = set()
        self._depth = 0

    def value(self, source: Any) -> Render:
        match source:
            case str():
                return self._string(source)
            case Mapping():
                with self._nested():
                    return self._object(source)
            case list() | tuple():
                with self._nested():
                    return self._list(source)
            case None | bool() | int():
                return _constant(source)
            case float() if math.isfinite(source):
                return _constant(source)
            case _:
                raise TemplateError(
                    f"JSON has no {type(source).__name__} like {source}. Write it in quotes."
                )

    @contextmanager
    def _nested(self) -> Iterator[None]:
        # Also what ends a source that contains itself, as a YAML alias can make it.
        if self._depth == _DEEPEST:
            raise TemplateError(f"A template cannot be nested deeper than {_DEEPEST}.")
        self._depth += 1
        yield
        self._depth -= 1

    def _object(self, source: Mapping[Any, Any]) -> Render:
        members = [(self._key(key), self.value(value)) for key, value in source.items()]
        return lambda values: {
            key(values): rendered
            for key, value in members
            if (rendered := value(values)) is not MISSING
        }

    def _key(self, key: Any) -> Render:
        if not isinstance(key, str):
            raise TemplateError(f"The key {key} is not text. Write it in quotes.")
        return self._text(key)

    def _list(self, source: list[Any] | tuple[Any, ...]) -> Render:
        items: list[tuple[bool, Render]] = []
        for item in source:
            match = _PLACEHOLDER.fullmatch(item) if isinstance(item, str) else None
            inner = match[1].strip() if match and match[1] is not None else ""
            if inner.startswith(_SPREAD):
                items.append((True, self._lookup(inner.removeprefix(_SPREAD))))
            else:
                items.append((False, self.value(item)))

        def render(values: Mapping[str, Any]) -> list[Any]:
            rendered: list[Any] = []
            for spread, item in items:
                value = item(values)
                if value is MISSING:
                    continue
                if spread and isinstance(value, list | tuple):
                    rendered.extend(value)
                else:
                    rendered.append(value)
            return rendered

        return render

    def _string(self, source: str) -> Render:
        match = _PLACEHOLDER.fullmatch(source)
        if match and match[1] is not None:
            return self._lookup(match[1])
        return self._text(source)

    def _text(self, source: str) -> Render:
        parts: list[str | Render] = []
        position = 0
        for match in _PLACEHOLDER.finditer(source):
            parts.append(_literal(source, position, match.start()))
            position = match.end()
            parts.append("{{" if match[1] is None else self._lookup(match[1]))
        parts.append(_literal(source, position, len(source)))
        if all(isinstance(part, str) for part in parts):
            return _constant("".join(part for part in parts if isinstance(part, str)))

        def render(values: Mapping[str, Any]) -> str:
            return "".join(
                part if isinstance(part, str) else _as_text(part(values)) for part in parts
            )

        return render

    def _lookup(self, inner: str) -> Render:
        name = inner.strip()
        if name.startswith(_SPREAD):
            raise TemplateError(f"{{{{{name}}}}} can only stand alone, as an item of a list.")
        space, _, rest = name.partition(".")
        if space == "variables" and (match := _INTO_VARIABLE.fullmatch(rest)):
            return self._inside(name, f"variables.{match[1]}", match[2])
        if name not in self.names and not (space in ("variables", "env") and _NAME.fullmatch(rest)):
            raise self._unknown(name)
        self.found.add(name)
        return lambda values: values.get(name, MISSING)

    def _inside(self, name: str, variable: str, rest: str) -> Render:
        """A place within a variable: ``{{variables.account.id}}``."""
        try:
            path = Path(rest.removeprefix("."))
        except PathSyntaxError as exc:
            raise TemplateError(f"{{{{{name}}}}}: {exc}") from exc
        self.found.add(variable)
        return lambda values: path.get(values.get(variable, MISSING))

    def _unknown(self, name: str) -> TemplateError:
        from difflib import get_close_matches  # for mistakes only

        options = [*sorted(self.names), "variables.NAME", "env.NAME"]
        nearest = get_close_matches(name, options, n=1)
        hint = f"Did you mean {{{{{nearest[0]}}}}}? " if nearest else ""
        return TemplateError(
            f"Unknown placeholder {{{{{name}}}}}. {hint}Known are: {', '.join(options)}."
        )


def _constant(value: Any) -> Render:
    return lambda _values: value


def _literal(source: str, start: int, end: int) -> str:
    """What stands between two placeholders, as long as none was begun in it."""
    begun = source.find("{{", start, end)
    if begun >= 0:
        raise TemplateError(
            f"'{{{{' at column {begun + 1} is not followed by a name and '}}}}'. "
            "A literal '{{' is written '\\{{'."
        )
    return source[start:end]


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is MISSING or value is None:
        return ""
    return json.dumps(value, ensure_ascii=False)
