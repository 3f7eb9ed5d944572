"""What was asked and answered in HTTP, seen on the wire: drivers keep it to themselves.

A driver of another protocol shows other bytes, or none; then there are no heads, and nothing else
depends on them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import attrs

from turnwire_core import WireTap
from turnwire_core.contracts.tap import Ending

_MOST_BYTES: Final = 64 * 1024
_REQUEST_LINE: Final = re.compile(r"([A-Z]+) (\S+) HTTP/1\.[01]\Z")
_STATUS_LINE: Final = re.compile(r"HTTP/1\.[01] ([0-9]{3})(?: (.*))?\Z")


@attrs.frozen
class RequestHead:
    """Method, target and headers (names in lower case) of a request, as they were sent."""

    method: str
    target: str
    headers: Mapping[str, str] = attrs.field(repr=False)


@attrs.frozen
class ResponseHead:
    """Status, reason and headers (names in lower case) of a response."""

    status: int
    reason: str
    headers: Mapping[str, str] = attrs.field(repr=False)

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class HeadTap(WireTap):
    """Keeps the last heads, and the last message that was sent; passes everything on.

    The last, because credentials may be fetched, or a redirect followed, before the turn's own.
    """

    def __init__(self, inner: WireTap | None = None) -> None:
        self._inner = inner
        self._request = b""
        self._response = b""
        self.messages: list[bytes] = []
        """What was sent on a socket that stays open, message by message; the first few."""

    def sent(self, at_ns: int, label: str, data: bytes) -> None:
        """Bytes that were handed to the transport."""
        if label == "request":
            self._request, self._response = data[:_MOST_BYTES], b""
        if self._inner is not None:
            self._inner.sent(at_ns, label, data)

    def received(self, at_ns: int, label: str, data: bytes) -> None:
        """Bytes that had arrived."""
        if label == "response" and len(self._response) < _MOST_BYTES:
            self._response += data[:_MOST_BYTES]
        if self._inner is not None:
            self._inner.received(at_ns, label, data)

    def carried(self, at_ns: int, label: str, data: bytes, *, sent: bool) -> None:
        """What was in frames."""
        if sent and label == "message" and len(self.messages) < 8:
            self.messages.append(data[:_MOST_BYTES])
        if self._inner is not None:
            self._inner.carried(at_ns, label, data, sent=sent)

    def ended(self, at_ns: int, ending: Ending) -> None:
        """The target has hung up."""
        if self._inner is not None:
            self._inner.ended(at_ns, ending)

    @property
    def request(self) -> RequestHead | None:
        """The last request, or None if none was seen."""
        first, headers = _head(self._request)
        match = _REQUEST_LINE.match(first)
        return RequestHead(match[1], match[2], headers) if match else None

    @property
    def response(self) -> ResponseHead | None:
        """The answer to it, or None if none was seen, or it is no HTTP."""
        first, headers = _head(self._response)
        match = _STATUS_LINE.match(first)
        reason = (match[2] or "").strip() if match else ""
        return ResponseHead(int(match[1]), reason, headers) if match else None


def _head(data: bytes) -> tuple[str, Mapping[str, str]]:
    head, _, _ = data.partition(b"\r\n\r\n")
    try:
        text = head.decode()
    except UnicodeDecodeError:
        text = head.decode("latin-1")  # RFC 9110 §5.5: what it once was
    first, *lines = text.split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, {name.strip().lower(): value.strip() for name, _, value in pairs}
