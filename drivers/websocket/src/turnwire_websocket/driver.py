"""The driver for the protocol ``websocket``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar
from urllib.parse import urlsplit

from turnwire_core.contracts.connection import Connection, Request
from turnwire_core.contracts.driver import API_VERSION, Driver, Session
from turnwire_core.paths import Key, Path
from turnwire_websocket.handshake import RESERVED_HEADERS
from turnwire_websocket.opening import PLACEHOLDERS
from turnwire_websocket.options import WebSocketOptions
from turnwire_websocket.session import open_session

_SCHEMES = ("ws", "wss", "http", "https")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
"""RFC 9110 §5.6.2: what a sub-protocol's name is made of (RFC 6455 §4.1, item 10)."""


class WebSocketDriver(Driver[WebSocketOptions]):
    """One socket, many turns: a message for each turn, and the messages that come back."""

    name: ClassVar[str] = "websocket"
    api_version: ClassVar[int] = API_VERSION
    options: ClassVar[type[Any]] = WebSocketOptions

    def default_body(self, options: WebSocketOptions) -> Any:
        body: Any = "{{message}}"
        if options.message_format == "json":
            for name in reversed(_field_names(options.message_field) or ["message"]):
                body = {name: body}
        return body

    def default_content_path(self, options: WebSocketOptions) -> str | None:
        # Who sends bare text is answered in bare text.
        return "$" if options.message_format == "text" else None

    def check(self, connection: Connection, options: WebSocketOptions) -> Sequence[str]:
        return [*_check_connection(connection), *_check_options(connection, options)]

    def connect(
        self, connection: Connection, options: WebSocketOptions
    ) -> AbstractAsyncContextManager[Session]:
        return open_session(connection, options)


def _field_names(field: Path) -> list[str] | None:
    """The names of nested objects, from the outside in; None if the path says anything else."""
    if len(field.alternatives) != 1 or not field.alternatives[0]:
        return None
    names = [segment.name for segment in field.alternatives[0] if isinstance(segment, Key)]
    return names if len(names) == len(field.alternatives[0]) else None


def _check_connection(connection: Connection) -> Iterator[str]:
    parts = urlsplit(connection.base_url)
    if parts.scheme not in _SCHEMES:
        yield f"'base_url' must begin with ws:// or wss://, not {parts.scheme or 'nothing'}://."
    if parts.fragment:
        yield "'base_url' has a fragment (#…), which a WebSocket's URL must not; leave it out."
    if connection.request.method != Request().method:
        yield "'request.method' has no use: a WebSocket is always opened with GET. Leave it out."
    for name in connection.headers:
        if name.lower() == "sec-websocket-protocol":
            yield f"'headers.{name}': write the sub-protocols in 'protocols' instead."
        elif name.lower() in RESERVED_HEADERS:
            yield f"'headers.{name}' belongs to the WebSocket handshake itself; leave it out."


def _check_options(connection: Connection, options: WebSocketOptions) -> Iterator[str]:
    if any(not _TOKEN.match(protocol) for protocol in options.protocols):
        yield "'protocols' holds a name that is no token: letters, digits and !#$%&'*+-.^_`|~ only."
    if len({*options.protocols}) < len(options.protocols):
        yield "'protocols' holds a name twice."
    if options.max_fragments < 1:
        yield "'maxFragments' must be at least 1."
    for index, step in enumerate(options.opening):
        for name in sorted(step.send.names - PLACEHOLDERS if step.send is not None else ()):
            if not name.startswith(("variables.", "env.")):
                yield (
                    f"'opening[{index}].send' names {{{{{name}}}}}, which belongs to one turn, but "
                    "a socket may serve many; use {{variables.NAME}}."
                )
    if _field_names(options.message_field) is None:
        yield (
            f"'messageField' must be names joined by dots, such as data.text; "
            f"it is {str(options.message_field)!r}."
        )
    elif options.message_field != WebSocketOptions().message_field:
        if options.message_format == "text":
            yield "'messageField' has no use where 'messageFormat' is text; leave one of them out."
        elif connection.request.body is not None or connection.request.bodies:
            yield "'messageField' has no use beside 'request.body'; leave one of them out."
