"""The JSON Schema of a config file, made from the classes that the loader itself uses.

Every key's documentation, type, default and spellings come from the attrs field that reads it, so
the schema cannot say something else than the loader does. A driver's options are read the same
way: a protocol that somebody else adds completes in an editor like our own.
"""

from __future__ import annotations

import math
import types
from collections.abc import Collection, Mapping
from typing import Any, Final, Literal, Union, get_args, get_origin

import attrs

from turnwire_core.config import camel, fields_of
from turnwire_core.contracts.connection import (
    ByteCount,
    Condition,
    Connection,
    DocumentPath,
    EntryTemplate,
    JsonValue,
    Milliseconds,
    ReplyRules,
    Secret,
)
from turnwire_core.contracts.driver import Driver
from turnwire_core.paths import Path
from turnwire_core.templates import Template

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_FROM_ENVIRONMENT: Final[Schema] = {"$ref": "#/$defs/fromEnvironment"}

_SCALARS: Final[Mapping[Any, Schema]] = {
    str: {"type": "string"},
    Secret: {"type": "string"},
    DocumentPath: {"type": "string"},
    Path: {"$ref": "#/$defs/path"},
    bool: {"anyOf": [{"type": "boolean"}, _FROM_ENVIRONMENT]},
    int: {"anyOf": [{"type": "integer", "minimum": 0}, _FROM_ENVIRONMENT]},
    float: {"anyOf": [{"type": "number"}, _FROM_ENVIRONMENT]},
    Milliseconds: {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, _FROM_ENVIRONMENT]},
    ByteCount: {"anyOf": [{"type": "integer", "minimum": 1}, _FROM_ENVIRONMENT]},
    Condition: {"$ref": "#/$defs/condition"},
    # Any JSON: what a placeholder stands for is known only when the turn is made.
    Template: {},
    EntryTemplate: {},
    JsonValue: {},
}

_DEFINITIONS: Final[Schema] = {
    "fromEnvironment": {
        "description": "`${NAME}` or `${NAME:-default}`, filled when the file is loaded.",
        "type": "string",
        "pattern": r"\$\{",
    },
    "path": {
        "description": "A path into JSON: `a.b[0].c`, `[-1]`, `[*]`, `a | b`; `$` is the whole.",
        "type": "string",
        "minLength": 1,
    },
    "condition": {
        "description": "Paths and the value that each must have: a value, a list of values, or "
        "true (is there). `$event` is the name of the SSE event.",
        "type": "object",
        "minProperties": 1,
    },
}


def config_schema(
    drivers: Mapping[str, Driver[Any]],
    *,
    presets: Collection[str] = (),
    broken: Collection[str] = (),
) -> Schema:
    """The schema of a whole config file.

    ``drivers`` are those whose sections it describes; protocols in ``broken`` may be named, but
    nothing is known of their section. ``presets`` are offered as values, not demanded.
    """
    definitions = _Definitions()
    connection = definitions.object_of(Connection)
    properties = connection["properties"]
    known = [*drivers, *broken]
    properties["protocol"] = _suggesting(known, Connection, "protocol")
    if presets:
        properties["preset"] = _suggesting(sorted(presets), Connection, "preset")
    for protocol, driver in drivers.items():
        # What a driver's options demand is not demanded here: a preset may bring it.
        section = definitions.object_of(ReplyRules)
        own = definitions.object_of(driver.options)
        section["properties"] |= own["properties"]
        section["patternProperties"] |= own["patternProperties"]
        section["description"] = f"What only {protocol} has, and how its replies are read."
        properties[protocol] = section
    for protocol in broken:
        text = "The installed driver is broken: nothing is known of its keys."
        properties[protocol] = {"type": "object", "description": text}
    return {
        "$schema": DIALECT,
        "title": "Turnwire config",
        "type": "object",
        "properties": {
            "$schema": {"type": "string"},
            "connections": {
                "description": "The connections, by name.",
                "type": "object",
                "additionalProperties": {"$ref": "#/$defs/connection"},
            },
        },
        "required": ["connections"],
        "additionalProperties": False,
        "$defs": {**_DEFINITIONS, **definitions.schemas, "connection": connection},
    }


class _Definitions:
    """Schemas of config classes; what they nest is collected for ``$defs``."""

    def __init__(self) -> None:
        self.schemas: Schema = {}
        self._keys: dict[type[Any], str] = {}

    def object_of(self, cls: type[Any]) -> Schema:
        """A config class as an object. Editors offer one spelling of a key, and accept all."""
        properties: Schema = {}
        others: Schema = {}
        required: list[Schema] = []
        for field in fields_of(cls):
            # The one key that the documentation spells with an underscore.
            name = field.name if field.name == "base_url" else camel(field.name)
            aliases = field.metadata.get("aliases", ())
            spellings = sorted({field.name, camel(field.name), *aliases} - {name})
            properties[name] = self.key(field)
            if spellings:
                others[f"^({'|'.join(spellings)})$"] = self.key(field)
            if field.default is attrs.NOTHING:
                required.append({"anyOf": [{"required": [key]} for key in (name, *spellings)]})
        schema: Schema = {
            "type": "object",
            "description": _first_paragraph(cls),
            "properties": properties,
            "patternProperties": others,
            "additionalProperties": False,
        }
        if required:
            schema["allOf"] = required
        return schema

    def key(self, field: attrs.Attribute[Any]) -> Schema:
        """One key of a config class."""
        schema = {"description": field.metadata["doc"], **self._type(field.type)}
        default = field.default
        if isinstance(default, bool | int | str):
            schema["default"] = default
        elif isinstance(default, float) and math.isfinite(default):
            schema["default"] = int(default) if default.is_integer() else default
        return schema

    def _type(self, type_: Any) -> Schema:
        if type_ in _SCALARS:
            return dict(_SCALARS[type_])
        origin, arguments = get_origin(type_), get_args(type_)
        if origin in (Union, types.UnionType):
            options = [self._type(one) for one in arguments if one is not types.NoneType]
            if {} in options:
                return {}
            if types.NoneType in arguments:
                options.append({"type": "null"})
            return {"anyOf": options}
        if origin is Literal:
            return {"anyOf": [{"enum": list(arguments)}, _FROM_ENVIRONMENT]}
        if origin in (tuple, list):
            return {"type": "array", "items": self._type(arguments[0])}
        if origin in (Mapping, dict):
            return {"type": "object", "additionalProperties": self._type(arguments[1])}
        if isinstance(type_, type) and attrs.has(type_):
            return {"$ref": f"#/$defs/{self._define(type_)}"}
        # A type that only its driver knows: the loader judges it, the schema lets it pass.
        return {}

    def _define(self, cls: type[Any]) -> str:
        if cls not in self._keys:
            base = cls.__name__[0].lower() + cls.__name__[1:]
            taken = {*self._keys.values(), *_DEFINITIONS, "connection"}
            # Two drivers may each have a class of the same name.
            candidates = (base, *(f"{base}{number}" for number in range(2, len(taken) + 3)))
            self._keys[cls] = next(name for name in candidates if name not in taken)
            self.schemas[self._keys[cls]] = self.object_of(cls)
        return self._keys[cls]


def _suggesting(values: Collection[str], cls: type[Any], name: str) -> Schema:
    """Text for which an editor offers ``values``."""
    field = getattr(attrs.fields(cls), name)
    schema = _Definitions().key(field)
    for constraint in ("type", "anyOf"):
        schema.pop(constraint, None)
    return schema | {"anyOf": [{"enum": list(values)}, {"type": "string"}]}


def _first_paragraph(cls: type[Any]) -> str:
    return " ".join((cls.__doc__ or "").strip().partition("\n\n")[0].split())
