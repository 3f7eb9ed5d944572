"""Templates of a suite, filled; one that names what has no value is an error, never empty text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from turnwire.checks.structuring import PLACEHOLDERS
from turnwire.steps.contract import StepError
from turnwire_core.templates import Template

_PLACEHOLDER = re.compile(r"(?<!\\)\{\{[^{}]*\}\}")


def fill(template: Template, values: Mapping[str, Any]) -> Any:
    """A template filled with ``values``, keyed by placeholder.

    Raises:
        StepError: a placeholder in it has no value (kind ``config``).
    """
    if template.names:
        for written, alone in _placeholders_of(template):
            # As the item of a list: what has no value is left out, and null is not.
            if not alone.render(values):
                raise StepError(f"{written} has no value here.{_known(values)}", kind="config")
    return template.render(values)


@lru_cache(maxsize=1024)
def _placeholders_of(template: Template) -> tuple[tuple[str, Template], ...]:
    """Each placeholder as it is written, and as a template of its own."""
    written = {found for text in _texts(template.source) for found in _PLACEHOLDER.findall(text)}
    spread = "{{..."
    return tuple(
        (one, Template([one.replace(spread, "{{")], names=PLACEHOLDERS)) for one in sorted(written)
    )


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for key, item in value.items():
                yield key
                yield from _texts(item)
        case list() | tuple():
            for item in value:
                yield from _texts(item)


def _known(values: Mapping[str, Any]) -> str:
    names = sorted(name for name in values if name.startswith("variables."))
    return f" There are {', '.join(names)}." if names else ""
