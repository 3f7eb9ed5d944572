"""From the bytes of a body to one frame. No I/O.

What a body says about itself decides whether it can be a reply at all; what the reply is in it,
the core's reader finds out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from turnwire_core.errors import FrameTooLarge, InvalidFrame, Phase
from turnwire_core.events import Frame

_STREAMS: Final = ("text/event-stream", "application/x-ndjson", "application/jsonl")
_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([^\s;"']+)""", re.IGNORECASE)
_MARKUP = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml)\b", re.IGNORECASE)


class BodyDecoder:
    """Collects one body. ``show`` makes an excerpt of it that is fit for a message.

    Raises:
        InvalidFrame: the media type is that of a stream, which another driver reads.
    """

    def __init__(
        self, content_type: str, *, limit_bytes: int, show: Callable[[bytes], str]
    ) -> None:
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type in _STREAMS:
            raise InvalidFrame(
                f"The reply is a stream ({media_type}), not one document. "
                'Write "protocol": "sse" to read it as it arrives.',
                phase=Phase.HEADERS,
            )
        match = _CHARSET.search(content_type)
        self._charset = match[1] if match else "utf-8"
        self._limit_bytes = limit_bytes
        self._show = show
        self._parts: list[bytes] = []
        self._size = 0
        self._received_ns = 0

    def feed(self, data: bytes, received_ns: int) -> None:
        """Take the next bytes, which arrived at ``received_ns``.

        Raises:
            FrameTooLarge: the body has passed its bound.
        """
        self._size += len(data)
        if self._size > self._limit_bytes:
            raise FrameTooLarge(
                f"The reply is longer than {self._limit_bytes} bytes (limits.maxEventBytes).",
                limit_bytes=self._limit_bytes,
            )
        self._parts.append(data)
        self._received_ns = received_ns

    def finish(self) -> Frame:
        """The body as one frame; its stamp is that of its last bytes.

        Raises:
            InvalidFrame: the body is empty, or a page for a browser.
        """
        text = self._text()
        if not text or text.isspace():
            raise InvalidFrame(
                "The reply has a status of success, but its body is empty. "
                "Check 'request.body' and the path in base_url."
            )
        if _MARKUP.match(text):
            raise InvalidFrame(
                "The reply is a page for a browser, perhaps a login or an error page, not JSON. "
                f"Check base_url and the credentials. It begins: {self._show(text.encode())}"
            )
        return Frame(received_ns=self._received_ns, data=text, raw=self._size, whole=True)

    def _text(self) -> str:
        """The body as text. What cannot be decoded becomes U+FFFD; a byte order mark is dropped.

        RFC 8259 §8.1 wants UTF-8, and lets a reader ignore the mark.
        """
        data = b"".join(self._parts)
        self._parts.clear()
        try:
            text = data.decode(self._charset, errors="replace")
        except (LookupError, ValueError):  # a charset that nobody knows, or that is no text
            text = data.decode("utf-8", errors="replace")
        return text.removeprefix("\ufeff")
