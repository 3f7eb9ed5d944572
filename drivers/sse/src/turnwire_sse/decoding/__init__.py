"""From the bytes of a reply to its frames. No I/O, no clock, nothing awaited.

Each decoder takes the body in pieces of any size and hands back what they completed. It is linear
in its input, however that is cut, and holds no more than its bound.
"""

from __future__ import annotations

from turnwire_sse.decoding.base import FrameDecoder
from turnwire_sse.decoding.document import DocumentDecoder
from turnwire_sse.decoding.event_stream import EventStreamDecoder
from turnwire_sse.decoding.json_lines import JsonLinesDecoder

__all__ = ["DocumentDecoder", "EventStreamDecoder", "FrameDecoder", "JsonLinesDecoder"]
