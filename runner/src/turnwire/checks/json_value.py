"""Checks on a reply that is JSON: it parses, fits a JSON Schema, has a value at a path."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import attrs

from turnwire.checks.contract import Check, CheckContext, CheckError, CheckResult
from turnwire.checks.each import Outcome, each_text
from turnwire.checks.showing import bounded, excerpt, value_excerpt
from turnwire_core.contracts.connection import UNSET, JsonValue, option
from turnwire_core.paths import MISSING, Path
from turnwire_core.reader.conditions import same_json

_FENCE = re.compile(r"^```[\w+-]*[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)

_PROBLEMS_SHOWN: Final = 3


@attrs.frozen
class JsonOptions:
    """What the JSON must be."""

    path: Path | None = option("The place that is looked at; without it the whole.", None)
    equals: JsonValue = option("The value there; `true` is not `1`.", UNSET)
    schema: Mapping[str, JsonValue] | None = option(
        "A JSON Schema for the value there; draft 2020-12, if it does not say `$schema`.", None
    )
    fenced: bool = option(
        "The JSON stands in the first fenced code block (```), with other text around it.", False
    )

    def __attrs_post_init__(self) -> None:
        if self.schema is not None:
            check_schema(self.schema)


class JsonCheck(Check):
    """The text is JSON, and of a certain shape."""

    kind = "json"
    reads_events = False
    options = JsonOptions
    doc = "The text is JSON; also with a value at a path, or one that fits a JSON Schema."

    async def evaluate(self, options: JsonOptions, context: CheckContext) -> CheckResult:
        """See :meth:`Check.evaluate`."""
        expected = ["JSON"]
        if options.fenced:
            expected.append("in a code block")
        if options.path is not None:
            expected.append(f"with a value at {options.path}")
        if options.equals is not UNSET:
            expected.append(f"equal to {value_excerpt(options.equals)}")
        if options.schema is not None:
            expected.append("that fits the schema")
        return each_text(context, " ".join(expected), lambda text: _test(text, options))


def _test(text: str, options: JsonOptions) -> Outcome:
    if options.fenced:
        block = _FENCE.search(text)
        if block is None:
            return False, f"no code block in {excerpt(text)}"
        text = block[1]
    try:
        data = parse_json(text)
    except ValueError as exc:
        at = exc.pos if isinstance(exc, json.JSONDecodeError) else 0
        reason = exc.msg if isinstance(exc, json.JSONDecodeError) else str(exc)
        return False, f"no JSON, {reason} at character {at + 1} of {excerpt(text, at)}"
    value = options.path.get(data) if options.path is not None else data
    if value is MISSING:
        return False, f"nothing at {options.path} in {value_excerpt(data)}"
    if options.equals is not UNSET and not same_json(value, options.equals):
        return False, value_excerpt(value)
    if options.schema is not None and (problems := _violations(value, options.schema)):
        return False, bounded(f"{value_excerpt(value, 150)}: {problems}", 450)
    return True, value_excerpt(value)


def parse_json(text: str) -> Any:
    """JSON as the standard has it (RFC 8259): no NaN, no Infinity.

    Raises:
        ValueError: it is none, or nested deeper than can be read.
    """
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError as exc:
        raise ValueError("it is nested too deeply") from exc


def _no_constant(name: str) -> Any:
    raise ValueError(f"JSON has no {name}")


def check_schema(schema: Mapping[str, Any]) -> None:
    """See that this is a JSON Schema.

    Raises:
        ValueError: it is none.
    """
    # Here, not at the top: it takes some 100 ms to import, and few suites need it.
    from jsonschema import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for

    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as exc:
        where = ".".join(map(str, exc.absolute_path)) or "its root"
        raise ValueError(f"This is no JSON Schema, at {where}: {bounded(exc.message)}.") from exc


def _violations(value: Any, schema: Mapping[str, Any]) -> str:
    """What in a value does not fit, or nothing.

    Raises:
        CheckError: the schema refers to something that is not in it.
    """
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    # A registry of nothing: by default a reference to another document is fetched from the net.
    validator = validator_for(schema, default=Draft202012Validator)(schema, registry=Registry())
    try:
        errors = sorted(validator.iter_errors(value), key=lambda error: error.json_path)
    except Unresolvable as exc:
        raise CheckError(
            f"The schema refers to {exc.ref!r}, which is not in it; nothing is fetched."
        ) from exc
    shown = [f"{one.json_path}: {bounded(one.message, 120)}" for one in errors[:_PROBLEMS_SHOWN]]
    if len(errors) > len(shown):
        shown.append(f"and {len(errors) - len(shown)} more")
    return "; ".join(shown)
