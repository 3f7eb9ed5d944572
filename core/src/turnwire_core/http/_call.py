"""One request outside of any conversation, whatever its answer: for tools around the targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.driver import EndOfStream
from turnwire_core.http._client import HttpClient


@attrs.frozen
class HttpAnswer:
    """A whole answer. ``headers`` are found in any case."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)


async def call_once(
    connection: Connection,
    method: str,
    *,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    body: Any = None,
) -> HttpAnswer:
    """Send one request to ``connection.base_url``, and read all of its answer.

    Of the connection count the URL, ``auth``, ``tls``, ``proxy`` and the limits on connecting and
    on size; not its headers, nor its ``request``. Any status is an answer, an empty body too.

    Raises:
        ConnectError, TlsError, ProxyError, TimeLimitError: there is no way to the target.
        RejectedError: a redirect that must not be followed; see :class:`HttpClient`.
        InvalidFrame, FrameTooLarge, ProtocolError, StreamBrokenError: the answer cannot be read.
    """
    async with HttpClient(connection) as client:
        response = await client.respond(method, headers, query, body=body)
        received = bytearray()
        try:
            response.check_encoding()
            while True:
                received += (await response.receive())[0]
        except EndOfStream:
            pass
        except BaseException:
            await response.drop()
            raise
        await response.finish()
        return HttpAnswer(response.status, response.headers, bytes(received))
