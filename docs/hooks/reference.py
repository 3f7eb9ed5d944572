"""Fills pages with what the code itself says, so that the docs cannot drift from it.

    <!-- keys: package.module:Class -->     a table of the keys of a config section
    <!-- help: chat -->                     what `turnwire chat --help` prints
    <!-- presets: sse -->                   a table of the presets of a protocol

All are made from the installed packages each time the site is built.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal, Union, get_args, get_origin

import attrs
from click.testing import CliRunner

from turnwire.cli import cli
from turnwire_core.config import camel, fields_of
from turnwire_core.contracts.connection import UNSET
from turnwire_core.plugins import Plugins

_MARKER = re.compile(r"^<!-- (keys|help|presets): (\S+) -->$", re.MULTILINE)

_TYPE_NAMES = {
    str: "text",
    bool: "true or false",
    int: "whole number",
    float: "number",
    Any: "any value",
    "JsonValue": "any value",
    "Milliseconds": "milliseconds",
    "ByteCount": "bytes",
    "Secret": "text, kept secret",
    "DocumentPath": "file name",
    "Path": "path",
    "Template": "template",
    "EntryTemplate": "template",
    "Condition": "condition",
}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """What mkdocs calls for each page, before it is rendered."""
    return _MARKER.sub(lambda match: fill(match[1], match[2]), markdown)


def fill(kind: str, name: str) -> str:
    """The Markdown that stands for a marker."""
    if kind == "help":
        return f"```text\n{command_help(name)}\n```"
    if kind == "presets":
        return presets_table(name)
    module, _, attribute = name.partition(":")
    return keys_table(getattr(import_module(module), attribute))


def keys_table(section: type[Any]) -> str:
    """A Markdown table of the keys of a config class: name, type, default, meaning."""
    lines = ["| key | value | default | |", "|---|---|---|---|"]
    for field in fields_of(section):
        cells = (
            f"`{camel(field.name)}`",
            type_name(field.type),
            default_of(field),
            field.metadata["doc"],
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def presets_table(protocol: str) -> str:
    """A Markdown table of a protocol's presets: name, and what API that is."""
    presets = Plugins().presets(protocol)
    rows = [f"| `{name}` | {preset['description']} |" for name, preset in sorted(presets.items())]
    return "\n".join(["| preset | API |", "|---|---|", *rows])


def type_name(annotation: Any) -> str:
    """What to write for a key of this type, in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(type_name(one) for one in arguments if one is not types.NoneType)
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in arguments)
    if origin in (tuple, list):
        return f"list of {type_name(arguments[0])}s"
    if origin is not None and issubclass(origin, Mapping):
        return f"object of {type_name(arguments[1])}s"
    name = _TYPE_NAMES.get(annotation) or _TYPE_NAMES.get(getattr(annotation, "__name__", ""))
    if name is None and attrs.has(annotation):
        name = "object"
    if name is None:
        raise LookupError(f"The reference has no words for values of type {annotation!r}.")
    return name


def default_of(field: attrs.Attribute[Any]) -> str:
    """The default as it would stand in a file; empty where leaving the key out means "none"."""
    default = field.default
    if default is attrs.NOTHING:
        return "**required**"
    if default is None or default is UNSET or isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # attrs types Factory as a function
        return ""
    match default:
        case bool():
            return f"`{str(default).lower()}`"
        case float():
            return f"`{default:g}`" if default < 1e6 else f"`{int(default)}`"
        case tuple():
            return f"`{list(default)}`" if default else ""
        case str() if not default:
            return ""
    return f"`{default}`"


def command_help(name: str) -> str:
    """The help text of a command; the name ``turnwire`` stands for the group itself."""
    arguments = ["--help"] if name == "turnwire" else [name, "--help"]
    result = CliRunner().invoke(cli, arguments, prog_name="turnwire", terminal_width=88)
    if result.exit_code != 0:
        raise RuntimeError(f"turnwire {' '.join(arguments)} failed:\n{result.output}")
    return result.output.strip()
