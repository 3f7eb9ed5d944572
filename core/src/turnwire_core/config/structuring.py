"""From plain data to frozen attrs classes, by one cattrs converter that collects every problem.

cattrs dispatches on the types; the hooks here are strict (no text becomes a number by accident),
read both spellings of each key, and name the nearest known one for a key that nobody knows.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import attrs
import cattrs

from turnwire_core.config.documents import Location
from turnwire_core.contracts.connection import (
    ByteCount,
    Condition,
    DocumentPath,
    EntryTemplate,
    JsonValue,
    Milliseconds,
    Secret,
)
from turnwire_core.paths import Path, PathSyntaxError
from turnwire_core.templates import ENTRY_NAMES, TURN_NAMES, Template, TemplateError

T = TypeVar("T")

_LARGEST = 10**15
"""Beyond any count, size or time; below where float and int part."""


@attrs.frozen
class Finding:
    """A problem at a place that is relative to whatever is being structured."""

    location: Location
    message: str
    hint: str | None = None

    def under(self, *steps: str | int) -> Finding:
        """The same, seen from further up."""
        return attrs.evolve(self, location=(*steps, *self.location))


class Findings(Exception):
    """What a structuring hook raises: all that is wrong in its value."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(f"{len(findings)} problems")
        self.findings = findings


def wrong(message: str, hint: str | None = None) -> Findings:
    """One finding, at the value itself."""
    return Findings([Finding((), message, hint)])


def camel(name: str) -> str:
    """``first_content_ms`` as ``firstContentMs``; ``base_url`` alone is documented as it is."""
    if name == "base_url":
        return name
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def keys_of(cls: type[Any]) -> dict[str, attrs.Attribute[Any]]:
    """Every spelling of every key of a config class, and the field it means."""
    spellings: dict[str, attrs.Attribute[Any]] = {}
    for field in fields_of(cls):
        for spelling in (field.name, camel(field.name), *field.metadata["aliases"]):
            spellings[spelling] = field
    return spellings


def fields_of(cls: type[Any]) -> list[attrs.Attribute[Any]]:
    """The fields of a config class that are keys, with their types resolved."""
    attrs.resolve_types(cls)
    return [field for field in attrs.fields(cls) if "doc" in field.metadata]


def nearest(word: str, known: list[str]) -> str:
    """``Did you mean 'x'?``, or the list of what is known."""
    from difflib import get_close_matches  # for mistakes only

    matches = get_close_matches(word, known, n=1, cutoff=0.6)
    if not matches:
        lowered = {name.lower(): name for name in known}
        matches = [
            lowered[match]
            for match in get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.6)
        ]
    if matches:
        return f"Did you mean {matches[0]!r}?"
    return f"Known here: {', '.join(sorted(known))}." if known else "Nothing is known here."


def describe(value: Any) -> str:
    """What a value is, without showing it: it may be secret."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case Mapping():
            return "an object"
        case list() | tuple():
            return "a list"
    return f"a {type(value).__name__}"


_placeholders: ContextVar[frozenset[str]] = ContextVar("_placeholders", default=TURN_NAMES)
"""What the templates in the value that is being structured may name."""


@contextmanager
def _naming(names: frozenset[str] | None) -> Iterator[None]:
    if names is None:
        yield
        return
    token = _placeholders.set(names)
    try:
        yield
    finally:
        _placeholders.reset(token)


def structure(value: Any, cls: type[T], *, names: frozenset[str] | None = None) -> T:
    """Build ``cls`` from plain data.

    ``names`` are the placeholders that templates in it may hold, instead of those of a turn.

    Raises:
        Findings: with everything that is wrong, not only the first.
    """
    with _naming(names):
        built: T = _structure_any(value, cls)
    return built


def _structure_any(value: Any, type_: Any) -> Any:
    """cattrs wants a class, and dispatches on any annotation all the same."""
    return _converter.structure(value, type_)


def structure_mapping(
    value: Any,
    cls: type[T],
    *,
    ignore: frozenset[str] = frozenset(),
    more_keys: tuple[str, ...] = (),
    advise: Callable[[str], str | None] = lambda _key: None,
    names: frozenset[str] | None = None,
) -> T:
    """Like :func:`structure`, for one attrs class.

    ``ignore`` are keys that somebody else reads; ``more_keys`` are named among the known ones.
    ``advise`` may know better than the nearest name what an unknown key was meant to be.
    ``names`` are the placeholders that templates may hold, instead of those of a turn.
    """
    if not isinstance(value, Mapping):
        raise wrong(f"Expected an object, found {describe(value)}.")
    spellings = keys_of(cls)
    findings: list[Finding] = []
    arguments: dict[str, Any] = {}
    written: dict[str, str] = {}
    for key, item in value.items():
        if key in ignore:
            continue
        field = spellings.get(key)
        if field is None:
            known = [camel(field.name) for field in fields_of(cls)] + list(more_keys)
            hint = advise(str(key)) or nearest(str(key), known)
            findings.append(Finding((key,), f"Unknown key {key!r}.", hint))
            continue
        if field.name in written:
            message = f"{key!r} and {written[field.name]!r} are the same key."
            findings.append(Finding((key,), message, "Keep one."))
            continue
        written[field.name] = key
        try:
            with _naming(names):
                arguments[field.alias or field.name] = _structure_any(item, field.type)
        except Findings as exc:
            findings.extend(finding.under(key) for finding in exc.findings)
    for field in fields_of(cls):
        if field.default is attrs.NOTHING and field.name not in written:
            findings.append(Finding((), f"The key {camel(field.name)!r} is missing."))
    if findings:
        raise Findings(findings)
    try:
        return cls(**arguments)
    except ValueError as exc:
        raise wrong(str(exc)) from exc


def _structure_tuple(value: Any, type_: Any) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise wrong(f"Expected a list, found {describe(value)}.", "Put it in [ ].")
    item_type = get_args(type_)[0]
    items: list[Any] = []
    findings: list[Finding] = []
    for index, item in enumerate(value):
        try:
            items.append(_structure_any(item, item_type))
        except Findings as exc:
            findings.extend(finding.under(index) for finding in exc.findings)
    if findings:
        raise Findings(findings)
    return tuple(items)


def _structure_mapping_type(value: Any, type_: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise wrong(f"Expected an object, found {describe(value)}.")
    item_type = get_args(type_)[1]
    items: dict[str, Any] = {}
    findings: list[Finding] = []
    for key, item in value.items():
        try:
            items[str(key)] = _structure_any(item, item_type)
        except Findings as exc:
            findings.extend(finding.under(str(key)) for finding in exc.findings)
    if findings:
        raise Findings(findings)
    return items


def _structure_optional(value: Any, type_: Any) -> Any:
    if value is None:
        return None
    inner = [arg for arg in get_args(type_) if arg is not types.NoneType]
    return _structure_any(value, inner[0])


def _structure_literal(value: Any, type_: Any) -> Any:
    choices = get_args(type_)
    if value in choices:
        return value
    if not isinstance(value, str):
        raise wrong(f"Expected one of {', '.join(map(repr, choices))}, found {describe(value)}.")
    hint = nearest(value, [str(choice) for choice in choices])
    raise wrong(f"{value!r} is not one of {', '.join(map(repr, choices))}.", hint)


def _structure_str(value: Any, _: Any) -> str:
    if not isinstance(value, str):
        raise wrong(f"Expected text, found {describe(value)}.", "Put it in quotes.")
    return value


def _structure_bool(value: Any, _: Any) -> bool:
    # A value of the environment is always text; these two words are not ambiguous.
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    if not isinstance(value, bool):
        raise wrong(f"Expected true or false, found {describe(value)}.")
    return value


def _number(value: Any) -> float:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise wrong("Expected a number, found text.") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong(f"Expected a number, found {describe(value)}.")
    if not -_LARGEST <= value <= _LARGEST:  # false for NaN too
        raise wrong("Expected a number of a sensible size.")
    return value


def _structure_float(value: Any, _: Any) -> float:
    return float(_number(value))


def _structure_int(value: Any, _: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise wrong("Expected a whole number.")
    if number < 0:
        raise wrong("Expected a number that is not negative.")
    return int(number)


def _structure_milliseconds(value: Any, _: Any) -> Milliseconds:
    number = _number(value)
    if number <= 0:
        raise wrong("Expected a positive number of milliseconds.")
    return Milliseconds(float(number))


def _structure_bytes(value: Any, _: Any) -> ByteCount:
    number = _structure_int(value, int)
    if number == 0:
        raise wrong("Expected a positive number of bytes.")
    return ByteCount(number)


def _structure_path(value: Any, _: Any) -> Path:
    text = _structure_str(value, str)
    try:
        return Path(text)
    except PathSyntaxError as exc:
        raise wrong(str(exc)) from exc


def _structure_template(value: Any, _: Any) -> Template:
    return _template(value, _placeholders.get())


def _structure_entry_template(value: Any, _: Any) -> EntryTemplate:
    return EntryTemplate(_template(value, ENTRY_NAMES))


def _template(value: Any, names: frozenset[str]) -> Template:
    try:
        return Template(value, names=names)
    except TemplateError as exc:
        raise wrong(str(exc)) from exc


def _structure_condition(value: Any, _: Any) -> Condition:
    if not isinstance(value, Mapping) or not value:
        raise wrong(
            f"Expected an object of paths and values, found {describe(value)}.",
            'For example {"type": "message"}.',
        )
    tests: list[tuple[Path | None, JsonValue]] = []
    findings: list[Finding] = []
    for key, wanted in value.items():
        try:
            path = None if key == "$event" else _structure_path(key, Path)
            tests.append((path, wanted))
        except Findings as exc:
            findings.extend(finding.under(str(key)) for finding in exc.findings)
    if findings:
        raise Findings(findings)
    return Condition(tuple(tests))


def _is_optional(type_: Any) -> bool:
    return get_origin(type_) in (Union, types.UnionType) and types.NoneType in get_args(type_)


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=False)

    def by_origin(origins: tuple[Any, ...], hook: Callable[[Any, Any], Any]) -> None:
        converter.register_structure_hook_func(lambda type_: get_origin(type_) in origins, hook)

    converter.register_structure_hook_func(
        lambda type_: isinstance(type_, type) and attrs.has(type_),
        lambda value, type_: structure_mapping(value, type_),
    )
    by_origin((tuple, list), _structure_tuple)
    by_origin((Mapping, dict), _structure_mapping_type)
    by_origin((Literal,), _structure_literal)
    converter.register_structure_hook_func(_is_optional, _structure_optional)
    hooks: dict[Any, Callable[[Any, Any], Any]] = {
        str: _structure_str,
        bool: _structure_bool,
        int: _structure_int,
        float: _structure_float,
        Secret: lambda value, _: Secret(_structure_str(value, _)),
        DocumentPath: _structure_str,
        Milliseconds: _structure_milliseconds,
        ByteCount: _structure_bytes,
        Path: _structure_path,
        Template: _structure_template,
        EntryTemplate: _structure_entry_template,
        Condition: _structure_condition,
    }
    for type_, hook in hooks.items():
        converter.register_structure_hook(type_, hook)
    return converter


_converter = _make_converter()
