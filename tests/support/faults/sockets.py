"""Faults of WebSockets, met by a turn of ``websocket``."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio
from anyio.abc import SocketStream

from support.faults.http import whole
from support.faults.model import SECRET, Fault, says, wait
from support.http_peer import reset
from support.raw_server import Handler
from support.ws_server import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Peer,
    close,
    frame,
    message,
    text,
)

Script = Callable[[Peer], Awaitable[None]]

HEL: Final = message(t="Hel")
LO: Final = message(t="lo", done=True)


def handshaken(script: Script, **answer: Any) -> Handler:
    """Run ``script`` once the socket is open."""

    async def serve(stream: SocketStream) -> None:
        peer = Peer(stream)
        await peer.handshake(**answer)
        await script(peer)

    return serve


def shakes(**answer: Any) -> Handler:
    """Answer the handshake in a way of its own, and wait."""
    return handshaken(Peer.wait_gone, **answer)


def tells(*pieces: bytes, then: Script | None = Peer.wait_gone) -> Handler:
    """Read a message, send the pieces one by one, and go on with ``then``, or hang up."""

    async def script(peer: Peer) -> None:
        await peer.receive()
        for piece in pieces:
            await peer.send(piece)
        if then is not None:
            await then(peer)

    return handshaken(script)


def answers_each(*pieces: bytes) -> Handler:
    """The same to every message, in one write."""

    async def script(peer: Peer) -> None:
        while (received := await peer.receive()).opcode != CLOSE:
            if received.opcode == TEXT:
                await peer.send(b"".join(pieces))

    return handshaken(script)


def told(*pieces: bytes, code: int) -> Handler:
    """Send the pieces, and hold that the client closes with ``code``; if not, say so in a reset."""

    async def script(peer: Peer) -> None:
        await peer.receive()
        await peer.send(b"".join(pieces))
        got = await peer.receive_close()
        assert got == code, f"closed with {got}, not {code}"

    return handshaken(script)


def for_ever(piece: bytes, *, every: float = 0.0) -> Script:
    async def script(peer: Peer) -> None:
        while True:
            await peer.send(piece)
            await anyio.sleep(every)

    return script


async def resets(peer: Peer) -> None:
    await anyio.sleep(0.05)
    await reset(peer.stream)  # type: ignore[arg-type]  # it is a socket here


async def half_open(peer: Peer) -> None:
    """TCP stays open, and nobody reads it."""
    await anyio.sleep_forever()


async def closes_at_once(stream: SocketStream) -> None:
    peer = Peer(stream)
    await peer.handshake(trailing=close(4001, f"no seat for {SECRET}"))
    await peer.wait_gone()


async def speaks_with_the_handshake(stream: SocketStream) -> None:
    """A greeting in the packet of the 101 is not part of the first reply's past or future."""
    peer = Peer(stream)
    await peer.handshake(trailing=frame(PING, b"there?"))
    await peer.receive()
    await peer.send(HEL + LO)
    await peer.part()


def deflated(size: int) -> bytes:
    return zlib.compress(b"x" * size)[2:-4]


SMALL: Final = {"limits": {"maxEventBytes": 20_000, "maxReplyBytes": 100_000, "maxEvents": 500}}
BAD_REASON: Final = frame(CLOSE, b"\x03\xe8\xff")
PINGED: Final = {"websocket": {"pingIntervalMs": 50, "pingTimeoutMs": 100}}
VIOLATION: Final = "broke the WebSocket protocol"


def violation(name: str, *pieces: bytes, code: int = 1002, content: str = "Hel") -> Fault:
    return Fault(
        name, told(HEL, *pieces, LO, code=code), "malformed", "stream",
        rf"{VIOLATION} \({code}\)", content,
    )  # fmt: skip


SOCKETS: Final[tuple[Fault, ...]] = (
    # -- the handshake ---------------------------------------------------------------------------
    Fault(
        "403 with a body",
        says(whole(f"no key {SECRET}".encode() + b" " * 100_000, status="403 Forbidden")),
        "rejected", "(connect|headers)", r"403 .*no key \*\*\*",
    ),
    Fault(
        "200 and a page", says(whole(b"<html>", "Content-Type: text/html")), "rejected",
        "(connect|headers)", "no WebSocket",
    ),
    Fault(
        "a redirect",
        says(
            whole(b"", f"Location: ws://127.0.0.1:1/?k={SECRET}", status="302 Found")
        ),
        "rejected", "(connect|headers)", "302.*base_url",
    ),
    Fault("426", says(whole(b"", status="426 Upgrade Required")), "rejected",
          "(connect|headers)", "426"),
    Fault("a wrong accept token", shakes(accept="s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "malformed",
          "connect", "Sec-WebSocket-Accept"),
    Fault(
        "an extension that was not offered",
        shakes(headers=f"Sec-WebSocket-Extensions: permessage-deflate; x={SECRET}\r\n"),
        "malformed", "connect", "extension that was not offered",
    ),
    Fault("a sub-protocol that was not offered", shakes(protocol="soap"), "malformed", "connect",
          "'soap', which was not offered"),
    Fault("no answer to the upgrade", says(then=wait), "timed_out", "connect",
          r"within 0\.15 s \(limits\.connectMs\): it did not answer",
          settings={"limits": {"connectMs": 150}}, at_least_ms=150, at_most_ms=900),
    Fault("the end inside the handshake", says(b"HTTP/1.1 101 Switch"), "(malformed|refused)",
          "(connect|headers)", "closed the connection|HTTP"),
    Fault("a reset instead of a handshake", says(then=reset), "(malformed|refused)",
          "(connect|headers)", "(reset|closed) the connection"),
    Fault("Close in the packet of the 101", closes_at_once, "error_event", "stream|send",
          r"closed the WebSocket with 4001: no seat for \*\*\*"),
    Fault("a ping in the packet of the 101", speaks_with_the_handshake, "finished",
          content="Hello"),
    # -- closing ---------------------------------------------------------------------------------
    Fault(
        "Close without a code", tells(HEL + close(None)), "closed_without_finish", "stream",
        "without the finish rule fulfilled", "Hel",
    ),
    Fault("Close without a code after the finish", tells(HEL + LO + close(None)), "finished",
          content="Hello", repeats=2),
    Fault("Close 4xxx with a reason",
          tells(HEL + close(4008, f"\x1b[2Jpolicy of {SECRET}")), "error_event", "stream",
          r"4008: .*policy of \*\*\*", "Hel"),
    Fault("Close 1011", tells(HEL + close(1011, "crashed")), "error_event", "stream",
          "1011: crashed", "Hel"),
    Fault("a reason of 123 bytes", tells(HEL + close(4000, "r" * 123)), "error_event", "stream",
          "4000: r{123}", "Hel"),
    violation("a Close too long for a control frame", frame(CLOSE, b"\x0f\xa0" + b"r" * 124)),
    Fault("data behind a Close", tells(HEL + close(1000) + LO), "closed_without_finish", "stream",
          "without the finish rule", "Hel"),
    Fault("a Close in the middle of a fragmented message",
          tells(HEL + frame(TEXT, b'{"t":', fin=False) + close(1000)), "closed_without_finish",
          "stream", "without the finish rule", "Hel"),
    violation("a Close of one byte", frame(CLOSE, b"x")),
    violation("Close 999", close(999)),
    violation("Close 1005", close(1005)),
    violation("Close 1006", close(1006)),
    violation("Close 1015", close(1015)),
    violation("a reason that is no UTF-8", BAD_REASON, code=1007),
    Fault("TCP dropped", tells(HEL, then=None), "malformed", "stream",
          r"without closing the WebSocket \(1006\)", "Hel", repeats=2),
    Fault("TCP reset", tells(HEL, then=resets), "malformed", "stream",
          r"reset the connection|1006", "Hel", repeats=2),
    Fault("TCP dropped inside a frame", tells(HEL + LO[:-3], then=None), "malformed", "stream",
          "1006", "Hel"),
    Fault("never closes", tells(HEL + LO, then=half_open), "finished", content="Hello"),
    Fault(
        "half open: silent, and no pong", tells(HEL, then=half_open), "malformed", "stream",
        r"seems to be gone: for 100 ms \('websocket\.pingTimeoutMs'\)", "Hel", settings=PINGED,
        at_least_ms=100, at_most_ms=1500,
    ),
    Fault(
        "silent, but answers pings", handshaken(Peer.part), "stalled", "stream",
        "No content came|Nothing arrived", settings={"limits": {"firstContentMs": 200}},
        at_least_ms=200, at_most_ms=900,
    ),
    # -- frames ----------------------------------------------------------------------------------
    violation("a ping of 126 bytes", frame(PING, b"x" * 126)),
    violation("a fragmented ping", frame(PING, b"x", fin=False)),
    violation("a masked frame", frame(TEXT, b"x", mask=b"mask")),
    violation("a masked frame of nothing", frame(TEXT, b"", mask=b"mask")),
    violation("a reserved bit", frame(TEXT, b"x", rsv=2)),
    violation("a reserved opcode", frame(3)),
    violation("a reserved control opcode", frame(0xB)),
    violation("text that is no UTF-8", frame(TEXT, b"\xff"), code=1007),
    violation("text that is no UTF-8, in fragments",
              frame(TEXT, b"\xe2", fin=False) + frame(CONTINUATION, b"x"), code=1007),
    violation("a continuation of nothing", frame(CONTINUATION, b"x")),
    violation("a message inside a message", frame(TEXT, b"x", fin=False) + frame(TEXT, b"y")),
    violation("a length that wants fewer bytes", b"\x81\x7e\x00\x05hello"),
    violation("a length beyond 2^63", b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"),
    Fault("a frame of 2^62 bytes", told(HEL, frame(TEXT, b"x", length=2**62), code=1009),
          "too_large", "stream", r"'limits\.maxEventBytes'", "Hel"),
    Fault("a compressed bomb", told(HEL, frame(TEXT, deflated(10_000_000), rsv=4), code=1002),
          "malformed", "stream", VIOLATION, "Hel"),
    Fault("pongs that nobody asked for",
          answers_each(frame(PONG), HEL, frame(PONG, b"x" * 125), LO), "finished",
          content="Hello", repeats=2),
    Fault("a flood of pings", answers_each(HEL, frame(PING, b"?") * 5000, LO), "finished",
          content="Hello", repeats=2),
    Fault(
        "pings between fragments",
        answers_each(
            frame(TEXT, b'{"t":"Hel', fin=False), frame(PING, b"1"),
            frame(CONTINUATION, b'lo","done"', fin=False), frame(PONG),
            frame(CONTINUATION, b"", fin=False), frame(CONTINUATION, b":1}"),
        ),
        "finished", content="Hello", repeats=2,
    ),
    Fault(
        "a byte a frame",
        answers_each(
            frame(TEXT, b"", fin=False),
            *(frame(CONTINUATION, bytes([byte]), fin=False) for byte in b'{"t":"Hello","done":1}'),
            frame(CONTINUATION, b""),
        ),
        "finished", content="Hello", repeats=2,
    ),
    Fault(
        "a byte a segment",
        tells(*(bytes([byte]) for byte in HEL + LO)), "finished", content="Hello",
    ),
    Fault(
        "binary among text", answers_each(HEL, frame(BINARY, b"\x00\xff" * 10), LO), "finished",
        content="Hello", repeats=2,
    ),
    Fault(
        "binary, which is an error here", tells(HEL + frame(BINARY, b"\x00\xff")), "malformed",
        "stream", "binary message", "Hel", settings={"websocket": {"binary": "error"}},
    ),
    Fault(
        "binary that is no text, read as text", tells(HEL + frame(BINARY, b"\x00\xff")),
        "malformed", "stream", "not UTF-8", "Hel", settings={"websocket": {"binary": "text"}},
    ),
    # -- size and time ---------------------------------------------------------------------------
    Fault(
        "fragments for ever",
        tells(
            HEL + frame(TEXT, b"", fin=False), then=for_ever(frame(CONTINUATION, fin=False) * 50)
        ),
        "too_large", "stream", r"'websocket\.maxFragments'", "Hel",
        settings={"websocket": {"maxFragments": 1000}},
    ),
    Fault("messages for ever", tells(then=for_ever(message(t="x") * 50)), "too_large", "stream",
          r"limits\.maxEvents", "x+", settings=SMALL),
    Fault("large messages for ever", tells(then=for_ever(message(t="x" * 5000))), "too_large",
          "stream", r"limits\.maxReplyBytes", "x+", settings=SMALL),
    Fault("pings for ever", tells(HEL, then=for_ever(frame(PING), every=0.01)), "timed_out",
          "stream", "timeoutMs", "Hel", settings={"timeoutMs": 250, "limits": {"idleMs": 150}},
          at_least_ms=250, at_most_ms=1000),
    Fault("empty messages for ever", tells(then=for_ever(text("") * 50)), "too_large", "stream",
          r"limits\.maxEvents", settings=SMALL),
    Fault("silence in the middle", tells(HEL), "stalled", "stream", "Nothing arrived for 150 ms",
          "Hel", settings={"limits": {"idleMs": 150}}, at_least_ms=150, at_most_ms=900),
    Fault("an error in a message",
          tells(HEL + message(error={"message": f"no key {SECRET}"}) + LO), "error_event",
          "stream", r"no key \*\*\*", "Hel"),
    Fault("messages that are no JSON", tells(text("<p>") * 3, close(1000)),
          "closed_without_finish", "stream", "after 3 events",
          hint="None of the 3 events was JSON"),
    Fault("half a surrogate pair", answers_each(text(r'{"t":"Hel\ud83d"}'), LO), "finished",
          content="Hel\ufffdlo", repeats=2),
    Fault("a message 100,000 deep",
          answers_each(HEL, text("[" * 100_000 + "]" * 100_000), LO), "finished",
          content="Hello"),
)  # fmt: skip
