"""What must hold of any connection, whatever its protocol, and what in it is secret."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs

from turnwire_core.config.interpolation import hide_url_credentials
from turnwire_core.config.structuring import Finding, fields_of
from turnwire_core.contracts.connection import Connection, Limits, Secret

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
"""RFC 9110 §5.6.2."""

_FIELD_VALUE = re.compile(r"(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?\Z")
"""RFC 9110 §5.5 without obs-text: what is not ASCII has no agreed meaning in a header."""

_SECRET_NAME = re.compile(r"auth|token|secret|passw|key|cookie|credential|session|signature", re.I)

_PLACEHOLDER = re.compile(r"\{\{[^{}]*\}\}")
"""What placeholders bring is checked when they are filled."""

_WEB = ("http", "https", "ws", "wss")


def header_problem(name: str, value: str) -> str | None:
    """Why a header must not be sent, without quoting its value, or None."""
    if not _TOKEN.match(name):
        return "A header name holds only letters, digits and !#$%&'*+-.^_`|~."
    if _FIELD_VALUE.match(value):
        return None
    if value.strip() != value and _FIELD_VALUE.match(value.strip()):
        return (
            f"The value of the header {name!r} begins or ends with white space or a line break. "
            "Was it read from a file? Strip it."
        )
    if re.search(r"[\r\n\x00]", value):
        return f"The value of the header {name!r} holds a line break or NUL: it is not sent."
    return f"The value of the header {name!r} holds characters that are not printable ASCII."


def check_written(raw: Mapping[str, Any], schemes: tuple[str, ...] | None) -> Iterator[Finding]:
    """Findings about the URLs and headers of a connection, as they are written.

    ``schemes`` are those of the driver, None where there is no driver to ask. What is not even
    text is left to the structuring.
    """
    for key in ("base_url", "baseUrl", "url"):
        if isinstance(raw.get(key), str):
            yield from _check_url(key, raw[key], schemes)
    if isinstance(raw.get("proxy"), str) and raw["proxy"]:
        yield from _check_url("proxy", raw["proxy"], ("http", "https"))
    headers = raw.get("headers")
    spellings: dict[str, str] = {}
    for name, value in headers.items() if isinstance(headers, Mapping) else ():
        other = spellings.setdefault(str(name).lower(), str(name))
        if other != name:
            message = f"{name!r} and {other!r} are the same header."
            yield Finding(("headers", name), message, "Keep one.")
        if not isinstance(value, str):
            yield Finding(("headers", name), "A header's value is text.", "Put it in quotes.")
        elif problem := header_problem(str(name), _PLACEHOLDER.sub("x", value)):
            yield Finding(("headers", name), problem)


def check_limits(connection: Connection) -> Iterator[Finding]:
    """Findings about limits that contradict each other."""
    linger_ms = connection.limits.linger_ms
    if linger_ms > connection.timeout_ms and linger_ms != Limits().linger_ms:
        message = "lingerMs is longer than timeoutMs, the bound on the whole turn."
        yield Finding(("limits", "lingerMs"), message)


def _check_url(key: str, url: str, schemes: tuple[str, ...] | None) -> Iterator[Finding]:
    known = schemes or _WEB
    example = "https://api.example.com/chat" if "https" in known else f"{known[0]}://HOST:PORT"
    hint = f"Write a whole URL, such as {example}."
    if re.search(r"[\x00-\x20\x7f]", url):
        yield Finding((key,), "The URL holds white space or control characters.", hint)
        return
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        yield Finding((key,), "The URL cannot be read.", hint)
        return
    if not parts.scheme or (schemes is not None and parts.scheme not in schemes):
        # Without "://" the word before the colon may be anything, a key for example.
        found = repr(parts.scheme) if "://" in url and parts.scheme else "none"
        yield Finding((key,), f"The scheme must be one of {', '.join(known)}; it is {found}.", hint)
    elif not host and parts.scheme in _WEB:
        yield Finding((key,), "The URL has no host.", hint)


def hide_credentials(connection: Connection) -> None:
    """Teach the connection's secrets everything in it that is a credential."""
    secrets = connection.secrets
    for url in filter(None, (connection.base_url, connection.proxy)):
        try:
            hide_url_credentials(url, secrets)
            query = parse_qsl(urlsplit(url).query)
        except ValueError:
            continue  # check_connection reports it
        for name, value in query:
            if _SECRET_NAME.search(name):
                secrets.add(value)
    fixed = [*connection.headers.items(), *connection.request.query.items()]
    for name, template in fixed:
        if _SECRET_NAME.search(name) and isinstance(template.source, str) and not template.names:
            secrets.add(template.source)
            # "Bearer abc": the scheme is no secret, what follows it is.
            secrets.add(template.source.rpartition(" ")[2])
    for part in (connection, connection.options):
        for value in _secret_fields(part):
            secrets.add(value)
    auth = connection.auth
    if auth is not None and auth.username and auth.password:
        secrets.add(f"{auth.username}:{auth.password}")


def _secret_fields(value: Any) -> Iterator[str]:
    """The values of all fields of type Secret, in nested config classes too."""
    if not attrs.has(type(value)):
        return
    for field in fields_of(type(value)):
        item = getattr(value, field.name)
        if isinstance(item, str) and field.type in (Secret, Secret | None):
            yield item
        else:
            yield from _secret_fields(item)
