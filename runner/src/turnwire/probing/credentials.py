"""Which credential went along, and where in the config it comes from. Its value is never shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from turnwire.probing.heads import RequestHead
from turnwire_core import Connection
from turnwire_core.secrets import MASK

_NAMED: Final = ("authorization", "cookie")
_MARKS: Final = ("api-key", "apikey", "api_key", "auth", "token", "secret", "signature")


def credentials_sent(connection: Connection, request: RequestHead) -> list[str]:
    """``Authorization: Bearer *** (from 'headers.Authorization')``, for each that was sent."""
    found = [
        f"{_title(name)}: {_masked(value)} (from {_origin_of(connection, name)})"
        for name, value in request.headers.items()
        if _is_credential(connection, name) and not name.startswith("sec-websocket")
    ]
    for name, _ in parse_qsl(urlsplit(request.target).query):
        if _is_credential(connection, name) or name == "key":
            found.append(f"?{name}={MASK} (from {_origin_of_query(connection, name)})")
    return found


def _is_credential(connection: Connection, name: str) -> bool:
    auth = connection.auth
    own = (auth.header, auth.query) if auth is not None else ()
    low = name.lower()
    return (
        low in _NAMED
        or any(mark in low for mark in _MARKS)
        or any(low == one.lower() for one in own if one)
    )


def _masked(value: str) -> str:
    """The scheme of an Authorization header stays: a missing ``Bearer`` is a usual mistake."""
    scheme, space, rest = value.partition(" ")
    if space and rest and scheme.isalpha() and len(scheme) <= 12:
        return f"{scheme} {MASK}"
    return MASK if value else "(empty)"


def _origin_of(connection: Connection, name: str) -> str:
    written = _as_written(connection.headers, name)
    if written is not None:
        return f"'headers.{written}'"
    if connection.auth is not None:
        return f"'auth' ({connection.auth.type})"
    if urlsplit(connection.base_url).username is not None:
        return "the user in base_url"
    return "a cookie that the target has set" if name == "cookie" else "the driver"


def _origin_of_query(connection: Connection, name: str) -> str:
    if connection.auth is not None and connection.auth.query == name:
        return f"'auth' ({connection.auth.type})"
    return "'request.query'" if name in connection.request.query else "base_url"


def _as_written(headers: Mapping[str, object], name: str) -> str | None:
    return next((one for one in headers if one.lower() == name), None)


def _title(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))
