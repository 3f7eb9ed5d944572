"""The Turnwire driver for replies that stream over HTTP: Server-Sent Events and NDJSON.

Turnwire finds the driver by its entry point. For use without it there are the decoders, which do
no I/O, and ``iter_sse``, which reads a recorded stream.
"""

from __future__ import annotations

from turnwire_sse.decoding import (
    DocumentDecoder,
    EventStreamDecoder,
    FrameDecoder,
    JsonLinesDecoder,
)
from turnwire_sse.driver import SseDriver
from turnwire_sse.options import SseOptions
from turnwire_sse.recorded import iter_sse

__all__ = [
    "DocumentDecoder",
    "EventStreamDecoder",
    "FrameDecoder",
    "JsonLinesDecoder",
    "SseDriver",
    "SseOptions",
    "iter_sse",
]
