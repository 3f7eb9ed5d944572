"""``${NAME}``, ``${NAME:-default}`` and ``$${`` in the strings of a config file.

Filled once, when the file is loaded. What came from the environment is secret from then on.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from turnwire_core.config.documents import Location
from turnwire_core.config.structuring import Finding
from turnwire_core.secrets import Secrets

_REFERENCE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{")

_DEEPEST = 100


def interpolate(
    data: Any, environ: Mapping[str, str], secrets: Secrets
) -> tuple[Any, list[Finding]]:
    """A copy of ``data`` with every reference filled, and what could not be.

    All missing names are found, not only the first. An empty variable counts as missing where a
    default is given (as in the shell), and as empty text elsewhere. What comes out is plain JSON:
    other numbers and what is nested beyond reason are findings too.
    """
    findings: list[Finding] = []

    def fill(value: Any, location: Location) -> Any:
        match value:
            case str():
                return fill_string(value, location)
            case dict() | list() if len(location) == _DEEPEST:
                message = f"The file is nested deeper than {_DEEPEST} levels."
                findings.append(Finding(location[:2], message))
                return None
            case float() if not math.isfinite(value):
                findings.append(Finding(location, f"JSON has no number {value}."))
                return value
            case dt.date() | dt.time():
                # TOML has them; JSON and YAML 1.2 read the same characters as text.
                return value.isoformat()
            case dict():
                return {key: fill(item, (*location, key)) for key, item in value.items()}
            case list():
                return [fill(item, (*location, index)) for index, item in enumerate(value)]
            case _:
                return value

    def fill_string(text: str, location: Location) -> str:
        def replace(match: re.Match[str]) -> str:
            name, default = match[1], match[2]
            if match[0] == "$${":
                return "${"
            if name is None:
                message = "A broken reference to the environment."
                hint = "Write ${NAME} or ${NAME:-default}; a literal '${' is written '$${'."
                findings.append(Finding(location, message, hint))
                return match[0]
            found = environ.get(name)
            if found or (found is not None and default is None):
                hide_environment_value(found, secrets)
                if "{{" in found:
                    message = f"The value of {name} holds '{{{{', which begins a placeholder."
                    hint = f"In a template write {{{{env.{name}}}}}: it is never parsed."
                    findings.append(Finding(location, message, hint))
                return found
            if default is not None:
                return default
            message = f"The environment variable {name} is not set."
            findings.append(Finding(location, message, f"Set it, or write ${{{name}:-default}}."))
            return ""

        return _REFERENCE.sub(replace, text)

    return fill(data, ()), findings


_HARMLESS = frozenset({"true", "false", "null", "none", "localhost"})
"""Words that are no secret anywhere; masking them would spoil every log."""

_SHORTEST_URL_SECRET = 8
"""Shorter parts of a URL (``chat``, ``v1``) are words, not credentials."""


def hide_environment_value(value: str, secrets: Secrets) -> None:
    """Hide a value of the environment; of a URL only what can be a credential; of a word nothing.

    An error that cannot say which host was not reached helps nobody, so the origin stays. User
    and password are hidden, and every long part of path and query.
    """
    parts = _url_parts(value)
    if parts is not None:
        hide_url_credentials(value, secrets)
        longer = [*parts.path.split("/"), *(item for _, item in parse_qsl(parts.query))]
        for part in longer:
            if len(part) >= _SHORTEST_URL_SECRET:
                secrets.add(part)
    elif value.lower() not in _HARMLESS:
        secrets.add(value)


def _url_parts(value: str) -> SplitResult | None:
    """The parts of a value that is a URL with a host, of whatever scheme; else None."""
    try:
        parts = urlsplit(value) if "://" in value else None
    except ValueError:
        return None
    return parts if parts is not None and parts.scheme and parts.hostname else None


def hide_url_credentials(url: str, secrets: Secrets) -> None:
    """Hide the user and the password of a URL, in the form written and in the form meant."""
    parts = urlsplit(url)
    for part in (parts.username, parts.password):
        if part:
            secrets.add(part)
            secrets.add(unquote(part))
