"""Fills pages with what the code itself says, so that the docs cannot drift from it.

    <!-- keys: package.module:Class -->     a table of the keys of a section of a file
    <!-- help: chat -->                     what `turnwire chat --help` prints
    <!-- presets: sse -->                   a table of the presets of a protocol
    <!-- check: contains -->                a kind of check, with its keys
    <!-- step: message -->                  a kind of step, with its keys
    <!-- entry: check -->                   a type of run-log entry: fields, example, JSON Schema

All are made from the installed packages each time the site is built.
"""

from __future__ import annotations

import inspect
import json
import re
import types
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Literal, Union, get_args, get_origin

import attrs
from click.testing import CliRunner

from turnwire.checks.contract import Check
from turnwire.cli import cli
from turnwire.kinds import Kinds
from turnwire.runlog.entries import ENTRY_TYPES
from turnwire.runlog.schema import entry_schema, fields_of_entry
from turnwire.steps.contract import Step
from turnwire_core.config import camel, fields_of
from turnwire_core.contracts.connection import UNSET
from turnwire_core.plugins import Plugins

_MARKER = re.compile(r"^<!-- (keys|help|presets|check|step|entry): (\S+) -->$", re.MULTILINE)

_KINDS = Kinds(discover=False)

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
    "CheckSpec": "check",
    "Expectation": "expectation",
}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """What mkdocs calls for each page, before it is rendered."""
    return _MARKER.sub(lambda match: fill(match[1], match[2]), markdown)


def fill(kind: str, name: str) -> str:
    """The Markdown that stands for a marker."""
    match kind:
        case "help":
            return f"```text\n{command_help(name)}\n```"
        case "presets":
            return presets_table(name)
        case "check":
            return kind_section(_KINDS.check(name))
        case "step":
            return kind_section(_KINDS.step(name))
        case "entry":
            return entry_section(name)
    module, _, attribute = name.partition(":")
    return keys_table(getattr(import_module(module), attribute))


def kind_section(kind: Check | Step) -> str:
    """A kind of check or step: what it is, its short form, its keys."""
    paragraphs = [f"### `{kind.kind}` {{#{kind.kind}}}", kind.doc]
    explained = prose(type(kind)).partition("\n\n")[2]
    paragraphs += [explained] if explained else []
    if kind.shorthand is not None:
        key = camel(kind.shorthand)
        paragraphs.append(f"Short form: a value that is no object stands for `{key}`.")
    if fields_of(kind.options):
        paragraphs.append(keys_table(kind.options))
    elif isinstance(kind, Check):
        paragraphs.append(f"It has no keys of its own: `{kind.kind}: true`.")
    return "\n\n".join(paragraphs)


def entry_section(name: str) -> str:
    """A type of entry: what it tells, its fields, an example, its JSON Schema."""
    cls = ENTRY_TYPES[name]
    rows = ["| field | | |", "|---|---|---|"]
    for field in fields_of_entry(cls):
        cells = (f"`{camel(field.name)}`", type_name(field.type, nulls=True), field.metadata["doc"])
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    example = json.dumps({"type": name, **cls.example}, ensure_ascii=False)
    schema = json.dumps(entry_schema(cls), ensure_ascii=False, indent=2)
    return "\n\n".join(
        [
            f"### `{name}` {{#{name}}}",
            prose(cls),
            "\n".join(rows),
            f"```json\n{example}\n```",
            _folded("JSON Schema", f"```json\n{schema}\n```"),
        ]
    )


def _folded(title: str, markdown: str) -> str:
    indented = "\n".join(f"    {line}".rstrip() for line in markdown.splitlines())
    return f'??? note "{title}"\n\n{indented}'


def prose(cls: type[Any]) -> str:
    """A docstring as Markdown."""
    text = inspect.cleandoc(cls.__doc__ or "")
    text = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", text)
    return text.replace("``", "`")


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


def type_name(annotation: Any, *, nulls: bool = False) -> str:
    """What to write for a key of this type, in words; with ``nulls``, also that it may be null."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        names = [type_name(one) for one in arguments if one is not types.NoneType]
        names += ["null"] if nulls and types.NoneType in arguments else []
        return " or ".join(names)
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in arguments)
    if origin in (tuple, list, Sequence):
        return f"list of {_plural(type_name(arguments[0]))}"
    if origin is not None and issubclass(origin, Mapping):
        return f"object of {_plural(type_name(arguments[1]))}"
    name = _TYPE_NAMES.get(annotation) or _TYPE_NAMES.get(getattr(annotation, "__name__", ""))
    if name is None and attrs.has(annotation):
        name = "object"
    if name is None:
        raise LookupError(f"The reference has no words for values of type {annotation!r}.")
    return name


def _plural(name: str) -> str:
    if name.startswith("`"):
        return f"these: {name}"
    head, of, rest = name.partition(" of ")
    return f"{head}s{of}{rest}"


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
