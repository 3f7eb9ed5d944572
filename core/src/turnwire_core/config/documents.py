"""Reading a config file: JSON (with comments), YAML or TOML, and where in it everything stands.

Lines are found when somebody first asks for one: a good file of connections costs nothing extra.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path as FilePath
from typing import Any

import attrs

from turnwire_core.errors import ConfigError, Problem

Location = tuple[str | int, ...]
"""The keys and indexes that lead to a value, from the root of a document."""

_MAX_BYTES = 16 * 1024 * 1024
_MAX_YAML_DEPTH = 200
"""Of brackets within brackets: the library takes ten seconds to find a thousand too many."""
_MAX_YAML_NODES = 200_000
"""Counted with aliases expanded: a bomb of nested aliases ends here, not in our memory."""


@attrs.frozen
class Document:
    """A parsed file. ``data`` is plain JSON data."""

    data: Any
    file: str
    text: str = attrs.field(repr=False)
    format: str

    def line_of(self, location: Location) -> int | None:
        """The 1-based line of a value, or of the nearest thing around it that can be found."""
        match self.format:
            case "json":
                return _locate_json(self.text, location)
            case "yaml":
                return _locate_yaml(self.text, self.file, location)
            case _:
                return _locate_toml(self.text, location)


def read_document(file: FilePath, text: str | None = None) -> Document:
    """Read and parse a file by its extension; with ``text``, as if that stood in it.

    Raises:
        ConfigError: it cannot be read, its extension is unknown, or its syntax is broken.
    """
    formats = {".json": "json", ".jsonc": "json", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml"}
    name = str(file)
    format_ = formats.get(file.suffix.lower())
    if format_ is None:
        raise _problem(
            name, f"Unknown kind of file {file.suffix!r}.", f"Known: {', '.join(formats)}."
        )
    if text is None:
        text = _read_text(file, name)
    parse = {"json": _parse_json, "yaml": _parse_yaml, "toml": _parse_toml}[format_]
    return Document(parse(text, name), name, text, format_)


def _read_text(file: FilePath, name: str) -> str:
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise _problem(name, f"The file is larger than {_MAX_BYTES} bytes.")
        return file.read_text(encoding="utf-8-sig")
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise _problem(name, f"Cannot read the file: {reason}.") from exc
    except UnicodeDecodeError as exc:
        raise _problem(name, "The file is not UTF-8 text.", f"Byte {exc.start} is not.") from exc


def _problem(
    file: str, message: str, hint: str | None = None, line: int | None = None
) -> ConfigError:
    return ConfigError([Problem(message, hint=hint, file=file, line=line)])


# --- JSON -----------------------------------------------------------------------------------

_JSON_NOISE = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA = re.compile(r",\s*([}\]])")
_NOT_NEWLINE = re.compile(r"[^\n]")
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


def _blank_comments(text: str) -> str:
    """Comments become spaces, so that every offset and line stays what it was."""
    return _JSON_NOISE.sub(
        lambda match: match[0] if match[0][0] == '"' else _NOT_NEWLINE.sub(" ", match[0]), text
    )


def _parse_json(text: str, file: str) -> Any:
    doubled: list[tuple[dict[str, Any], str]] = []

    def unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            doubled.extend((members, key) for key, count in counts.items() if count > 1)
        return members

    bare = _blank_comments(text)
    try:
        data = json.loads(bare, object_pairs_hook=unique)
    except json.JSONDecodeError as exc:
        comma = _LAST_COMMA.match(bare, max(0, bare.rfind(",", 0, exc.pos + 1)))
        if comma is not None and exc.pos < comma.end():
            line = bare.count("\n", 0, comma.start()) + 1
            message = f"Broken JSON: a comma before the closing {comma[1]}."
            raise _problem(file, message, "Remove it: nothing follows.", line) from exc
        hint = f"Column {exc.colno}."
        raise _problem(file, f"Broken JSON: {exc.msg}.", hint, exc.lineno) from exc
    except RecursionError as exc:
        raise _problem(file, "The file is nested too deeply.") from exc
    except ValueError as exc:
        raise _problem(file, "A number in the file has too many digits.") from exc
    if doubled:
        places = {id(found): location for location, found in _objects(data)}
        raise ConfigError(
            [
                Problem(
                    f"The key {key!r} is there twice in one object.",
                    path=as_path((*places.get(id(found), ()), key)),
                    file=file,
                    line=_locate_json(text, (*places.get(id(found), ()), key)),
                )
                for found, key in doubled
            ]
        )
    return data


def _objects(data: Any) -> Iterator[tuple[Location, dict[str, Any]]]:
    """Every object in the data, with where it stands. Does not recurse: data may be deep."""
    rest: list[tuple[Location, Any]] = [((), data)]
    while rest:
        location, value = rest.pop()
        if isinstance(value, dict):
            yield location, value
            rest += (((*location, key), item) for key, item in value.items())
        elif isinstance(value, list):
            rest += (((*location, index), item) for index, item in enumerate(value))


def _locate_json(text: str, location: Location) -> int:
    lines = _json_lines(text)
    while location not in lines:
        location = location[:-1]
    return lines[location]


@functools.lru_cache(maxsize=4)
def _json_lines(text: str) -> dict[Location, int]:
    """The line of every key and of every item of a list. Of a key that is there twice, the first's.

    Does not recurse: a document may be deep.
    """
    text = _blank_comments(text)
    newlines = [match.start() for match in re.finditer("\n", text)]
    lines: dict[Location, int] = {(): 1}
    around: list[tuple[Location, Iterator[int] | None]] = []
    place: Location = ()
    awaits_key = False
    for match in _JSON_TOKEN.finditer(text):
        word = match[0]
        if word in ("}", "]"):
            around.pop()
            awaits_key = False
        elif word == ",":
            outer, items = around[-1]
            awaits_key = items is None
            place = (*outer, next(items)) if items else outer
        elif word != ":":
            if awaits_key:
                place = (*place, json.loads(word))
            lines.setdefault(place, bisect.bisect_left(newlines, match.start()) + 1)
            awaits_key = word == "{"
            if word == "{":
                around.append((place, None))
            elif word == "[":
                items = itertools.count()
                around.append((place, items))
                place = (*place, next(items))
    return lines


# --- YAML -----------------------------------------------------------------------------------


_YAML_BRACKET = re.compile(r"[\[\]{}]")


@functools.lru_cache(maxsize=4)
def _compose_yaml(text: str, file: str) -> Any:
    """The nodes of a document. The next question about it is most often about its lines."""
    try:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError
    except ImportError as exc:
        advice = 'Install what reads it: pip install "turnwire-core[yaml]".'
        raise _problem(file, "Reading YAML needs ruamel.yaml.", advice) from exc
    try:
        _check_yaml_depth(text, file, YAML(typ="safe", pure=True))
        return YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else None
        raise _problem(file, f"Broken YAML: {exc.problem or exc.context}.", line=line) from exc
    except (YAMLError, RecursionError, ValueError) as exc:
        raise _problem(file, f"Broken YAML: {type(exc).__name__}.") from exc


def _check_yaml_depth(text: str, file: str, library: Any) -> None:
    """Refuse what is nested too deeply. Only where brackets suggest it the events are asked."""
    opened = (1 if bracket in "[{" else -1 for bracket in _YAML_BRACKET.findall(text))
    if max(itertools.accumulate(opened), default=0) <= _MAX_YAML_DEPTH:
        return
    depth = 0
    for event in library.parse(text):
        kind = type(event).__name__
        depth += kind in ("SequenceStartEvent", "MappingStartEvent")
        depth -= kind in ("SequenceEndEvent", "MappingEndEvent")
        if depth > _MAX_YAML_DEPTH:
            line = event.start_mark.line + 1
            raise _problem(file, "The file is nested too deeply.", line=line)


def _parse_yaml(text: str, file: str) -> Any:
    node = _compose_yaml(text, file)
    if node is None:
        return None
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import SafeConstructor

    # Scalars are resolved by the library (YAML 1.2: `no` is text, not false); mappings and
    # sequences by us, because that is where aliases multiply and keys double.
    constructor: Any = SafeConstructor(loader=YAML(typ="safe", pure=True))
    budget = _MAX_YAML_NODES
    problems: list[Problem] = []
    open_nodes: set[int] = set()

    def build(node: Any, location: Location) -> Any:
        nonlocal budget
        budget -= 1
        if budget < 0:
            raise _problem(file, f"More than {_MAX_YAML_NODES} values, counting aliases.")
        line = node.start_mark.line + 1
        if node.id == "scalar":
            return build_scalar(node, location, line)
        if id(node) in open_nodes:
            message = "An alias that contains itself."
            raise ConfigError([Problem(message, as_path(location), file=file, line=line)])
        open_nodes.add(id(node))
        try:
            if node.id == "sequence":
                return [build(item, (*location, n)) for n, item in enumerate(node.value)]
            return build_mapping(node, location)
        finally:
            open_nodes.discard(id(node))

    def report(message: str, location: Location, line: int) -> None:
        problems.append(Problem(message, path=as_path(location), file=file, line=line))

    def build_mapping(node: Any, location: Location) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.id != "scalar" or key_node.tag.endswith(":merge"):
                message = "Keys are plain text; '<<' and complex keys are not supported."
                report(message, location, line)
                continue
            key = key_node.value
            if key in members:
                report(f"The key {key!r} is there twice in one mapping.", (*location, key), line)
            members[key] = build(value_node, (*location, key))
        return members

    def build_scalar(node: Any, location: Location, line: int) -> Any:
        tag = node.tag.rpartition(":")[2]
        if tag in ("str", "timestamp"):
            return node.value
        if tag not in ("null", "bool", "int", "float"):
            report(f"The tag {node.tag!r} is not allowed.", location, line)
            return None
        try:
            return constructor.construct_object(node)
        except Exception as exc:  # noqa: BLE001 # the library raises whatever int() and float() do
            report(f"Not a valid {tag}: {type(exc).__name__}.", location, line)
            return None

    data = build(node, ())
    if problems:
        raise ConfigError(problems)
    return data


def _locate_yaml(text: str, file: str, location: Location) -> int | None:
    node = _compose_yaml(text, file)
    if node is None:
        return None
    line: int = node.start_mark.line + 1
    for step in location:
        if node.id == "mapping":
            found = next(((k, v) for k, v in node.value if k.value == step), None)
            if found is None:
                break
            key_node, node = found
            line = key_node.start_mark.line + 1
        elif node.id == "sequence" and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line


# --- TOML -----------------------------------------------------------------------------------

_TOML_HEADER = re.compile(r"^\s*\[\[?\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
_TOML_KEY = re.compile(
    r"^\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*="
)
_TOML_PART = re.compile(r"\"([^\"]*)\"|'([^']*)'|([\w-]+)")


def _parse_toml(text: str, file: str) -> Any:
    import tomllib  # as long to import as ten such files take to read, and few write TOML

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        match = re.search(r"line (\d+)", str(exc))
        line = int(match[1]) if match else None
        raise _problem(file, f"Broken TOML: {exc}.", line=line) from exc
    except RecursionError as exc:
        raise _problem(file, "The file is nested too deeply.") from exc
    except ValueError as exc:
        raise _problem(file, "A number in the file has too many digits.") from exc


def _locate_toml(text: str, location: Location) -> int | None:
    """The longest prefix of the location that some header or key spells.

    tomllib gives no positions; this finds tables, keys and dotted keys, and the line of the key
    for what is inside inline values.
    """
    lines = _toml_lines(text)
    while location and location not in lines:
        location = location[:-1]
    return lines.get(location)


@functools.lru_cache(maxsize=4)
def _toml_lines(text: str) -> dict[Location, int]:
    """The first line that spells each table and key."""
    lines: dict[Location, int] = {}
    last: dict[Location, int] = {}
    """Of each array of tables the index of the one that was begun last."""
    table: Location = ()
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _TOML_HEADER.match(line):
            table = ()
            *outer, name = _toml_parts(header[1]) or ("",)
            for part in outer:
                table = (*table, part)
                table = (*table, last[table]) if table in last else table
            table = (*table, name)
            lines.setdefault(table, number)
            if line.lstrip().startswith("[["):
                last[table] = last.get(table, -1) + 1
                table = (*table, last[table])
                lines[table] = number
        elif key := _TOML_KEY.match(line):
            parts = _toml_parts(key[1])
            for length in range(1, len(parts) + 1):
                lines.setdefault((*table, *parts[:length]), number)
    return lines


def _toml_parts(text: str) -> tuple[str, ...]:
    return tuple(a or b or c for a, b, c in _TOML_PART.findall(text))


def as_path(location: Location) -> str:
    """``("connections", "my bot", 0)`` as ``$.connections["my bot"][0]``."""
    text = "$"
    for step in location:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.fullmatch(r"[\w$-]+", step):
            text += f".{step}"
        else:
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
    return text
