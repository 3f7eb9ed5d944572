"""A body that is one JSON document."""

from __future__ import annotations

from turnwire_core.events import Frame
from turnwire_sse.decoding.base import FrameDecoder


class DocumentDecoder(FrameDecoder):
    """One JSON document, complete when the body is.

    JSON between systems is UTF-8 (RFC 8259 §8.1), so no ``charset`` is asked for.
    """

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self._body = bytearray()

    @property
    def pending(self) -> int:
        return len(self._body)

    def _decode(self, data: bytes, frames: list[Frame]) -> None:  # noqa: ARG002 - only the end makes one
        if len(self._body) + len(data) > self._limit:
            raise self._too_large("The body of the reply")
        self._body += data

    def _end(self, frames: list[Frame]) -> None:
        text = self._body.decode("utf-8", "replace")
        frames.append(Frame(self._received_ns, text, raw=len(self._body), whole=True))
        self._body.clear()
