"""What a request consists of: URL, headers and body, from a connection and a turn."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import quote, urlencode

import attrs

from turnwire_core.contracts.connection import Connection
from turnwire_core.errors import Phase, ProtocolError
from turnwire_core.http._message import Request
from turnwire_core.http._url import PORTS, Url, parse_url

USER_AGENT: Final = f"turnwire/{version('turnwire-core')}"

_WITH_BODY: Final = ("POST", "PUT", "PATCH")
"""Methods whose requests state a length also where it is 0 (RFC 9110 §8.6)."""
_FRAMING: Final = {"content-length", "transfer-encoding"}
_WEB_SCHEMES: Final = {"ws": "http", "wss": "https"}
# RFC 9110 §5.6.2 (token) and §5.5 (field-content, without obs-text).
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*\Z")


@lru_cache(maxsize=256)
def _base_url(text: str) -> Url:
    url = parse_url(text)  # up to a quarter of a millisecond, and the same for every turn
    return attrs.evolve(url, scheme=_WEB_SCHEMES.get(url.scheme, url.scheme))


def target_url(connection: Connection, query: Mapping[str, Any]) -> Url:
    """``base_url`` as it is written, with ``query`` behind its own query.

    ``ws`` and ``wss`` become ``http`` and ``https``; user, password and fragment are left out.
    """
    try:
        url = _base_url(connection.base_url)
        if query:
            added = urlencode({key: _text(value) for key, value in query.items()}, quote_via=quote)
            url = url.with_query(added)
    except (ValueError, TypeError) as exc:
        raise ProtocolError(
            f"base_url is no URL that a request can be sent to ({connection.origin}). "
            "Write http://HOST/PATH or https://HOST/PATH.",
            phase=Phase.SEND,
        ) from exc
    if url.scheme not in PORTS or not url.host:
        raise ProtocolError(
            f"base_url must start with http://, https://, ws:// or wss:// and name a host, "
            f"not {connection.origin!r}.",
            phase=Phase.SEND,
        )
    return url


def basic_credentials(username: str, password: str) -> str:
    """The value of an Authorization header (RFC 7617, in UTF-8)."""
    pair = base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
    return f"Basic {pair}"


Fields = dict[str, tuple[str, str]]
"""Headers as they are sent (name, value), each by its name in lower case."""


def merge_headers(*layers: Mapping[str, str]) -> Fields:
    """One set of headers; a later layer wins, whatever the case of the names.

    Raises:
        ProtocolError: a name or value that cannot stand in a header. The value is not quoted.
    """
    merged: Fields = {}
    for layer in layers:
        for name, value in layer.items():
            text = _text(value).strip(" \t")
            if not _HEADER_NAME.match(name) or not _HEADER_VALUE.match(text):
                raise ProtocolError(
                    f"The header {name!r} cannot be sent: its name or value holds a character "
                    "that HTTP does not allow (a line break, a control or non-ASCII character).",
                    phase=Phase.SEND,
                )
            merged[name.lower()] = name, text
    return merged


def make_request(
    method: str,
    url: Url,
    headers: Fields,
    content: bytes | None,
    *,
    upgrade: bool = False,
) -> Request:
    """The request with the headers that follow from the rest: Host first, as RFC 9110 §7.2 has it.

    What is in ``headers`` is not replaced.
    """
    fields: Fields = {"host": ("Host", url.netloc)}
    fields |= headers
    if (content or method in _WITH_BODY) and not fields.keys() & _FRAMING:
        fields["content-length"] = "Content-Length", str(len(content or b""))
    return Request(method, url, fields, content or b"", upgrade)


def encode_body(body: Any) -> tuple[bytes | None, str | None]:
    """The body's bytes and its Content-Type; JSON is compact and in UTF-8.

    Raises:
        ProtocolError: the value cannot be written as JSON.
    """
    if body is None:
        return None, None
    if isinstance(body, str):
        return body.encode("utf-8", errors="replace"), "text/plain; charset=utf-8"
    try:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        try:
            data = text.encode()
        except UnicodeEncodeError:
            # A lone surrogate has no UTF-8, but JSON can write it as an escape.
            data = json.dumps(body, separators=(",", ":"), allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError) as exc:
        raise ProtocolError(
            f"The request body cannot be written as JSON: {exc}.", phase=Phase.SEND
        ) from exc
    return data, "application/json"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
