"""Event streams outside a conversation: recorded ones, or those of another client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from turnwire_sse.decoding import EventStreamDecoder

if TYPE_CHECKING:
    from httpx_sse import ServerSentEvent


def iter_sse(body: Iterable[bytes], *, max_event_bytes: int = 8 << 20) -> Iterator[ServerSentEvent]:
    """The events of ``body``, a stream in pieces of any size, as httpx-sse models them.

    They are read by the driver's own decoder: a saved body gives what a conversation would have
    got, with the ``id`` and ``retry`` that a conversation has no use for. ``retry`` is what the
    stream said since the event before. ``event`` is ``"message"`` where the stream gave no name.

    Raises:
        FrameTooLarge: a line, or the data of an event, is longer than ``max_event_bytes``.
    """
    from httpx_sse import ServerSentEvent  # with all of httpx, which the driver needs not

    decoder = EventStreamDecoder(max_event_bytes)
    for data in body:
        # Line by line, because id and retry are the stream's: so they are read at their event.
        # (Of bytes, splitlines splits at LF, CR and CRLF only.)
        for line in data.splitlines(keepends=True):
            for frame in decoder.feed(line, 0):
                yield ServerSentEvent(
                    frame.event, str(frame.data), decoder.last_event_id, decoder.retry_ms
                )
                decoder.retry_ms = None
            if decoder.failure is not None:
                raise decoder.failure
