"""Targets that send as much as they can: for the memory of one turn, with all limits as they are.

Each is larger than any bound, or stays as near below one as it can.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Any, Final

import attrs

from support.faults.http import CHUNKED, chunk, head, whole
from support.faults.model import Then, again, says
from support.faults.sockets import for_ever, tells
from support.faults.streams import OPEN, event
from support.raw_server import Handler
from support.ws_server import BINARY, CONTINUATION, PING, TEXT, frame, message, text
from turnwire_core.contracts.connection import Limits

MIB: Final = 1024 * 1024
EVENT: Final = Limits().max_event_bytes
_MEMBER: Final = gzip.compress(b" " * (4 * MIB))
_GZIP: Final = "Content-Encoding: gzip"
_NDJSON: Final = head("Content-Type: application/x-ndjson")

_PATHS: Final = {"contentPath": "t", "finishPath": "done"}
_EVERYTHING: Final = {
    **_PATHS,
    "usagePath": "usage",
    "capture": {"all": "$"},
}


@attrs.frozen
class Bomb:
    """``verdict`` is how it must end; ``section`` is the protocol's, ``settings`` is the rest."""

    name: str
    protocol: str
    serve: Handler
    verdict: str = "too_large"
    section: Mapping[str, Any] = attrs.field(factory=lambda: _PATHS)
    settings: Mapping[str, Any] = attrs.field(factory=dict)


def filled(before: str, filling: str, after: str, size: int = EVENT - 1000) -> bytes:
    """``filling`` as often as fits into ``size`` bytes, between the two others."""
    count = (size - len((before + after).encode())) // len(filling.encode())
    return (before + filling * count + after).encode()


def counting(piece: bytes = b'data: {"t":"%d "}\n\n', step: int = 1000) -> Then:
    """Events that are all different, so that nothing in them is shared."""

    async def count(stream: Any) -> None:
        number = 0
        while True:
            block = b"".join(piece % n for n in range(number, number + step))
            number += step
            await stream.send(block)

    return count


def growing(step: int) -> Then:
    """Events that hold all text so far."""

    async def grow(stream: Any) -> None:
        so_far = ""
        while True:
            so_far += "€" * step
            await stream.send(event(t=so_far))

    return grow


OBJECTS: Final = filled('{"reply":[', "{},", "0]}")
PAIRS: Final = filled('{"reply":[', '{"":1},', "0]}")
LISTS: Final = filled('{"t":[', "[],", "0]}")
WIDE: Final = filled('{"reply":"😀', "x", '"}')
WIDE_EVENT: Final = filled('{"t":"😀', "x", '"}')
USAGE: Final = filled('{"usage":[', "{},", "0]}")

SLOW: Final[Any] = {"verdict": "(too_large|timed_out)", "settings": {"timeoutMs": 1000}}
"""So many things so small that a slow machine comes to the limit of time first."""

BOMBS: Final[tuple[Bomb, ...]] = (
    # -- HTTP --
    Bomb("a gzip bomb", "http_chat", says(head(_GZIP), then=again(_MEMBER))),
    Bomb(
        "an endless header",
        "http_chat",
        says(b"HTTP/1.1 200 OK\r\nX-Long: ", then=again(b"x" * 65536)),
        "malformed",
    ),
    Bomb(
        "endless headers",
        "http_chat",
        says(b"HTTP/1.1 200 OK\r\n", then=again(b"a:\r\n" * 20_000)),
        "malformed",
    ),
    Bomb(
        "endless 103",
        "http_chat",
        says(then=again(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 500)),
        "malformed",
    ),
    Bomb("an endless document", "http_chat", says(head(), then=again(b'{"x":1},' * 8000))),
    Bomb(
        "an endless chunk extension",
        "http_chat",
        says(CHUNKED + b"1;", then=again(b"x" * 65536)),
        "malformed",
    ),
    Bomb(
        "chunks of one byte",
        "http_chat",
        says(CHUNKED, then=again(chunk(b" ") * 5000)),
        **SLOW,
    ),
    Bomb(
        "an endless error page",
        "http_chat",
        says(head(status="500 Oops"), then=again(b"x" * 65536)),
        "rejected",
    ),
    Bomb("a document of empty objects", "http_chat", says(whole(OBJECTS)), "too_large"),
    Bomb("a document of small objects", "http_chat", says(whole(PAIRS)), "too_large"),
    Bomb("a document with one wide character", "http_chat", says(whole(WIDE)), "finished"),
    # -- streams --
    Bomb("a gzip bomb", "sse", says(head("Content-Type: text/event-stream", _GZIP),
                                   then=again(gzip.compress((b"data: " + b"x" * 994) * 20_000)))),
    Bomb("an endless line", "sse", says(OPEN + b"data: ", then=again(b"x" * 65536))),
    Bomb(
        "an endless event of short lines", "sse",
        says(OPEN, then=again(b"data: 01234567890123456789\n" * 2000)),
    ),
    Bomb("endless comments", "sse", says(OPEN, then=again(b":\n" * 30_000)), **SLOW),
    Bomb(
        "endless small events of text", "sse", says(OPEN, then=counting(b"data: %d \n\n")),
        section={"contentPath": "$"},
    ),
    Bomb("endless small events", "sse", says(OPEN, then=counting())),
    Bomb("endless empty events", "sse", says(OPEN, then=again(b"data: {}\n\n" * 5000))),
    Bomb("endless wide events", "sse", says(OPEN, then=again(event(t="x" * 60_000 + "😀")))),
    Bomb(
        "cumulative content", "sse", says(OPEN, then=growing(500)),
        section={"content": [{"path": "t", "mode": "cumulative"}], "finishPath": "done"},
    ),
    Bomb(
        "large events of empty lists", "sse",
        says(OPEN, then=again(b"data: " + LISTS + b"\n\n")), section=_EVERYTHING,
    ),
    Bomb(
        "middling events of empty lists", "sse",
        says(OPEN, then=again(b"data: " + filled("[", "[],", "0]", 60_000) + b"\n\n")),
        **SLOW,
    ),
    Bomb(
        "large usages", "sse", says(OPEN, then=again(b"data: " + USAGE + b"\n\n")),
        section=_EVERYTHING,
    ),
    Bomb("large wide events", "sse", says(OPEN, then=again(b"data: " + WIDE_EVENT + b"\n\n"))),
    Bomb("an endless line of NDJSON", "sse", says(_NDJSON, then=again(b"x" * 65536))),
    Bomb(
        "a document of empty objects", "sse", says(whole(OBJECTS)),
        settings={"responseFieldPath": "reply"},
    ),
    # -- sockets --
    Bomb("a frame of 2^62 bytes", "websocket", tells(frame(TEXT, b"x", length=2**62))),
    Bomb(
        "fragments for ever", "websocket",
        tells(
            frame(TEXT, b"", fin=False), then=for_ever(frame(CONTINUATION, b"x", fin=False) * 500)
        ),
        **SLOW,
    ),
    Bomb(
        "large fragments for ever", "websocket",
        tells(
            frame(TEXT, "😀".encode(), fin=False),
            then=for_ever(frame(CONTINUATION, b"x" * 65000, fin=False)),
        ),
    ),
    Bomb("messages for ever", "websocket", tells(then=for_ever(message(t="ab") * 2000)), **SLOW),
    Bomb("empty messages for ever", "websocket", tells(then=for_ever(text("") * 10_000)), **SLOW),
    Bomb("large messages for ever", "websocket", tells(then=for_ever(text(WIDE_EVENT.decode())))),
    Bomb("large lists for ever", "websocket", tells(then=for_ever(text(LISTS.decode())))),
    Bomb(
        "large binaries for ever", "websocket",
        tells(then=for_ever(frame(BINARY, b"x" * (EVENT - 1000)))), "timed_out",
        settings={"timeoutMs": 500},
    ),
    Bomb(
        "pings for ever", "websocket", tells(then=for_ever(frame(PING, b"x" * 125) * 500)),
        "timed_out", settings={"timeoutMs": 500},
    ),
)  # fmt: skip


def document(bomb: Bomb, url: str) -> dict[str, Any]:
    """The connection of a bomb, as in a file."""
    section = {bomb.protocol: dict(bomb.section)} if bomb.protocol != "http_chat" else {}
    return {
        "base_url": url,
        "protocol": bomb.protocol,
        "limits": {"closeMs": 100},  # nobody here takes part in closing
        **section,
        **bomb.settings,
    }
