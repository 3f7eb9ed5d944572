"""The report as JSON: all that the run log says of each test, merged and in one document."""

from __future__ import annotations

import json
from typing import Any, Final

import attrs

from turnwire.reports.model import RunReport
from turnwire.runlog.entries import camel
from turnwire.view.text import json_line

SCHEMA_VERSION: Final = 1
"""Changes when something that is there today is to be read differently; new keys may come."""


def render(report: RunReport) -> str:
    """The document. Keys are those of the run log; times in ms end in ``Ms``."""
    return dump(
        {
            "schemaVersion": SCHEMA_VERSION,
            **to_json(report),
            "counts": to_json(report.counts),
        }
    )


def dump(document: Any) -> str:
    """JSON data as text that no terminal and no CI system obeys."""
    # json_line first: it takes what JSON does not have, and what a terminal could obey.
    text = json.dumps(json.loads(json_line(document)), indent=2, ensure_ascii=True)
    # ## begins a command to some CI systems when it stands on stdout; a # stands in strings only.
    return text.replace("##", "\\u0023\\u0023") + "\n"


def to_json(value: Any) -> Any:
    """JSON data of a value of a report: objects as they are in Python, keys in camelCase."""
    if attrs.has(type(value)):
        return {
            camel(field.name): to_json(getattr(value, field.name))
            for field in attrs.fields(type(value))
        }
    match value:
        case dict():
            return {key: to_json(item) for key, item in value.items()}
        case list() | tuple():
            return [to_json(item) for item in value]
        case _:
            return value
