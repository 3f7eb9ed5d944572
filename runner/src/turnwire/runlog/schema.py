"""The JSON Schema of a line of a run log, made from the classes that write and read it."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Union, get_args, get_origin

import attrs

from turnwire.runlog.entries import ENTRY_TYPES, SCHEMA_VERSION, Entry, camel

Schema = dict[str, Any]

_SCALARS: Final[Mapping[Any, Schema]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    types.NoneType: {"type": "null"},
    Any: {},
}


def log_schema() -> Schema:
    """The schema of one line. Further types and fields are valid, as a reader takes them."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of a Turnwire run log, schemaVersion {SCHEMA_VERSION}",
        "type": "object",
        "properties": {"type": {"type": "string", "minLength": 1}},
        "required": ["type"],
        "allOf": [
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": {"$ref": f"#/$defs/{name}"},
            }
            for name in ENTRY_TYPES
        ],
        "$defs": {name: entry_schema(cls) for name, cls in ENTRY_TYPES.items()},
    }


def entry_schema(cls: type[Entry]) -> Schema:
    """The schema of the entries of one type."""
    fields = fields_of_entry(cls)
    properties = {
        camel(field.name): {"description": field.metadata["doc"], **_schema(field.type)}
        for field in fields
    }
    needed = [camel(field.name) for field in fields if field.default is attrs.NOTHING]
    return {
        "type": "object",
        "description": " ".join((cls.__doc__ or "").split()),
        "properties": {"type": {"const": cls.type}, **properties},
        "required": ["type", *needed],
    }


def fields_of_entry(cls: Any) -> Sequence[attrs.Attribute[Any]]:
    """The fields of an entry in the order in which they are written, types resolved."""
    attrs.resolve_types(cls)
    fields = [field for field in attrs.fields(cls) if field.name != "more"]
    first: Sequence[str] = cls.first
    return sorted(
        fields, key=lambda one: first.index(one.name) if one.name in first else len(first)
    )


def _schema(type_: Any) -> Schema:
    if type_ in _SCALARS:
        return dict(_SCALARS[type_])
    origin, arguments = get_origin(type_), get_args(type_)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(one) for one in arguments]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _schema(arguments[1])}
    if origin is Sequence:
        return {"type": "array", "items": _schema(arguments[0])}
    raise LookupError(f"There is no schema for a field of the type {type_!r}.")
