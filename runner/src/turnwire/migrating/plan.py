"""What changes in a connection that moves to another protocol."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from turnwire.migrating.edits import Change
from turnwire_core.config import keys_of
from turnwire_core.contracts.connection import Connection, ReplyRules
from turnwire_core.contracts.driver import Driver

_SOCKET_SCHEMES: Final = {"http": "ws", "https": "wss"}
_WEB_SCHEMES: Final = {"ws": "http", "wss": "https"}
_URL_KEYS: Final = ("base_url", "baseUrl", "url")
_KEPT_RULES: Final = ("errors", "capture", "usagePath", "usage_path")
"""Rules of the old section that the new one keeps where it has none of its own."""


class MigrationError(Exception):
    """A connection cannot be moved; says why, and what to do."""


@attrs.frozen
class Plan:
    """The changes of one connection.

    ``has_section`` says that the file has a section for the new protocol already, which stays as it
    is. Else ``derived`` is what can be known of one without asking the target.
    """

    name: str
    protocol: str
    changes: tuple[Change, ...]
    derived: dict[str, Any]
    has_section: bool
    response_field_path: str | None = None
    """What to write for it where the new protocol needs one and the connection has none."""

    def with_section(self, section: Mapping[str, Any]) -> tuple[Change, ...]:
        """All changes, the section last."""
        place = ("connections", self.name)
        changes = list(self.changes)
        if self.response_field_path is not None:
            path = (*place, "responseFieldPath")
            changes.append(Change(path, self.response_field_path, "protocol"))
        if section and not self.has_section:
            changes.append(Change((*place, self.protocol), dict(section)))
        return tuple(changes)


def plan_migration(
    name: str, raw: Mapping[str, Any], connection: Connection, driver: Driver[Any], url: str | None
) -> Plan:
    """What to change in ``raw``, the part of the file, which was loaded as ``connection``.

    ``driver`` is that of the new protocol; ``url`` where the target speaks it, if that is another.

    Raises:
        MigrationError: a preset speaks for the old protocol, or the new one needs another URL.
    """
    protocol = driver.name
    if "preset" in raw:
        raise MigrationError(
            f"The connection has the preset {raw['preset']!r}, which is for {connection.protocol}. "
            f"Choose one for {protocol} instead, or write out what it fills in."
        )
    place = ("connections", name)
    changes: list[Change] = []
    url_key = next((key for key in _URL_KEYS if key in raw), "base_url")
    new_url = url if url is not None else _moved_url(str(raw[url_key]), connection, driver)
    if new_url != raw[url_key]:
        changes.append(Change((*place, url_key), new_url))
    if raw.get("protocol", "http_chat") != protocol:
        changes.append(Change((*place, "protocol"), protocol, after=url_key))
    streams = protocol != "http_chat"
    request = raw.get("request")
    body = request.get("body") if isinstance(request, Mapping) else None
    if isinstance(body, Mapping) and body.get("stream") is (not streams):
        changes.append(Change((*place, "request", "body", "stream"), streams))
    derived = _derived(raw, connection, protocol)
    return Plan(
        name=name,
        protocol=protocol,
        changes=tuple(changes),
        derived=derived,
        has_section=protocol in raw,
        response_field_path=_whole_path(raw, connection) if protocol == "http_chat" else None,
    )


def merged_section(plan: Plan, inferred: Mapping[str, Any]) -> dict[str, Any]:
    """The section that was found out, with what else the old one said."""
    rules = keys_of(ReplyRules)
    own = {key: value for key, value in plan.derived.items() if key not in rules}
    kept = {
        key: value
        for key, value in plan.derived.items()
        if key in _KEPT_RULES and key not in inferred
    }
    return {**own, **inferred, **kept}


def _moved_url(written: str, connection: Connection, driver: Driver[Any]) -> str:
    """The URL with the scheme of the new protocol."""
    scheme = urlsplit(connection.base_url).scheme
    wanted = scheme
    if driver.name == "websocket":
        wanted = _SOCKET_SCHEMES.get(scheme, scheme)
    elif connection.protocol == "websocket":
        wanted = _WEB_SCHEMES.get(scheme, scheme)
    if wanted not in driver.schemes:
        known = ", ".join(f"{one}://" for one in driver.schemes)
        raise MigrationError(f"{driver.name} wants a URL with {known}. Say which: --url URL.")
    if wanted == scheme:
        return written
    if not written.startswith(f"{scheme}://"):
        raise MigrationError(
            f"The URL comes from the environment, and begins with {scheme}://, where {wanted}:// "
            "is wanted. Say how to write it: --url URL (with ${NAME} in it, if you like)."
        )
    return wanted + written.removeprefix(scheme)


def _derived(raw: Mapping[str, Any], connection: Connection, protocol: str) -> dict[str, Any]:
    """What the connection says already, in terms of the new protocol."""
    rules = keys_of(ReplyRules)
    old = raw.get(connection.protocol, {})
    old = old if isinstance(old, Mapping) else {}
    section: dict[str, Any] = {}
    if protocol == "websocket" and not _has_body(raw):
        section |= {"messageFormat": "json", "messageField": "message"}
    if connection.protocol != "http_chat" and protocol != "http_chat":
        return section | {key: value for key, value in old.items() if key in rules}
    if protocol == "http_chat":
        return section
    has_content = any(key in old for key in ("content", "contentPath", "content_path"))
    path = connection.response_field_path
    if path is not None and not has_content:
        section["contentPath"] = re.sub(r"(choices(?:\[0\]|\.0)\.)message\b", r"\1delta", path.text)
    return section | {key: value for key, value in old.items() if key in rules}


def _whole_path(raw: Mapping[str, Any], connection: Connection) -> str | None:
    """Where a document has what the events of a stream had, if nothing says that yet."""
    if any(key in raw for key in ("responseFieldPath", "response_field_path", "http_chat")):
        return None
    path = connection.rules.content_path
    if path is None:
        return None
    return re.sub(r"(choices(?:\[0\]|\.0)\.)delta\b", r"\1message", path.text)


def _has_body(raw: Mapping[str, Any]) -> bool:
    request = raw.get("request")
    return isinstance(request, Mapping) and any(key in request for key in ("body", "bodies"))
