"""Faults of streamed replies, met by a turn of ``sse``."""

from __future__ import annotations

import gzip
import json
from typing import Any, Final

from support.faults.http import CHUNKED as JSON_CHUNKED
from support.faults.http import END, chunk, head, whole
from support.faults.model import (
    SECRET,
    Fault,
    after,
    again,
    byte_by_byte,
    says,
    then_in_order,
    wait,
)
from support.http_peer import reset

_TYPE: Final = "Content-Type: text/event-stream"
OPEN: Final = head(_TYPE)
CHUNKED: Final = head(_TYPE, "Transfer-Encoding: chunked")


def event(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields, separators=(",", ":")).encode() + b"\n\n"


HEL: Final = event(t="Hel")
LO: Final = event(t="lo", done=True)
DONE: Final = b"data: [DONE]\n\n"
SMALL: Final = {"limits": {"maxEventBytes": 20_000, "maxReplyBytes": 100_000, "maxEvents": 500}}

STREAMS: Final[tuple[Fault, ...]] = (
    # -- time ------------------------------------------------------------------------------------
    Fault(
        "comments for ever before the text",
        says(OPEN, then=again(b": still here\n\n", every=0.02)),
        "stalled", "stream", r"No content came within 200 ms",
        settings={"limits": {"firstContentMs": 200, "idleMs": 150}}, at_least_ms=200,
        at_most_ms=900,
    ),
    Fault(
        "events without text for ever",
        says(OPEN, then=again(event(ping=True), every=0.02)), "stalled", "stream",
        "No content came within 200 ms",
        settings={"limits": {"firstContentMs": 200, "idleMs": 150}}, at_least_ms=200,
        at_most_ms=900,
    ),
    Fault(
        "comments for ever after some text",
        says(OPEN + HEL, then=again(b": still here\n\n", every=0.02)), "timed_out", "stream",
        r"The turn was not over after 250 ms \(timeoutMs\)", "Hel",
        settings={"timeoutMs": 250, "limits": {"idleMs": 150}}, at_least_ms=250, at_most_ms=900,
    ),
    Fault(
        "silence in the middle", says(OPEN + HEL, then=wait), "stalled", "stream",
        r"Nothing arrived for 150 ms \(limits\.idleMs\)", "Hel",
        settings={"limits": {"idleMs": 150}}, at_least_ms=150, at_most_ms=900,
    ),
    Fault(
        "a drip just within the idle limit",
        says(
            OPEN,
            then=then_in_order(
                *(after(0.1, again_once) for again_once in map(byte_by_byte, (HEL, b":\n", LO)))
            ),
        ),
        "finished", content="Hello", settings={"limits": {"idleMs": 400}}, at_least_ms=300,
    ),
    Fault(
        "a finish, and then heartbeats for ever",
        says(OPEN + HEL + LO, then=again(b": still here\n\n", every=0.02)), "finished",
        content="Hello", at_most_ms=1000,
    ),
    Fault(
        "a finish, and then silence", says(OPEN + HEL + LO, then=wait), "finished",
        content="Hello", at_most_ms=1000, repeats=2,
    ),
    Fault(
        "a finish, and then a reset", says(OPEN + HEL + LO, then=after(0.02, reset)), "finished",
        content="Hello", repeats=2,
    ),
    # -- the end ---------------------------------------------------------------------------------
    Fault(
        "the end between two chunks", says(CHUNKED + chunk(HEL)), "malformed", "stream",
        "closed the connection in the middle of the reply", "Hel",
    ),
    Fault(
        "the end inside a chunk", says(CHUNKED + chunk(HEL) + b"ff\r\ndata: {"), "malformed",
        "stream", "in the middle of the reply", "Hel",
    ),
    Fault(
        "the end between two chunks, after the finish", says(CHUNKED + chunk(HEL + LO)),
        "finished", content="Hello", repeats=2,
    ),
    Fault(
        "the end between two chunks, after [DONE]", says(CHUNKED + chunk(HEL + DONE)),
        "finished", content="Hel",
    ),
    Fault(
        "a clean end without a finish", says(CHUNKED + chunk(HEL) + END), "closed_without_finish",
        "stream", "ended after 1 events without the finish rule", "Hel",
    ),
    Fault(
        "a clean end inside an event", says(CHUNKED + chunk(HEL + LO[:-1]) + END),
        "closed_without_finish", "stream", "inside an event: .* discarded", "Hel",
    ),
    Fault(
        "a clean end without a finish, which is allowed", says(CHUNKED + chunk(HEL) + END),
        "closed_without_finish", "stream", "without the finish rule", "Hel",
        settings={"sse": {"allowUnfinished": True}},
    ),
    Fault(
        "a reset in the middle", says(OPEN + HEL, then=after(0.05, reset)), "malformed", "stream",
        "(reset|closed) the connection in the middle of the reply", "Hel",
    ),
    Fault("no event at all", says(OPEN), "closed_without_finish", "stream", "after 0 events"),
    Fault(
        "nothing but a byte order mark", says(OPEN + b"\xef\xbb\xbf"), "closed_without_finish",
        "stream", "after 0 events",
    ),
    # -- size ------------------------------------------------------------------------------------
    Fault(
        "an endless line", says(OPEN + HEL + b"data: ", then=again(b"x" * 4096)), "too_large",
        "stream", r"limits\.maxEventBytes", "Hel", settings=SMALL,
    ),
    Fault(
        "an endless event of short lines", says(OPEN + HEL, then=again(b"data: xxx\n" * 100)),
        "too_large", "stream", r"limits\.maxEventBytes", "Hel", settings=SMALL,
    ),
    Fault(
        "an endless name of a field", says(OPEN + HEL, then=again(b"x" * 4096)), "too_large",
        "stream", r"limits\.maxEventBytes", "Hel", settings=SMALL,
    ),
    Fault(
        "endless small events", says(OPEN, then=again(event(t="x") * 10)), "too_large", "stream",
        r"more than 500 events \(limits\.maxEvents\)", "x+", settings=SMALL,
    ),
    Fault(
        "endless events", says(OPEN, then=again(event(t="x" * 1000))), "too_large", "stream",
        r"limits\.maxReplyBytes", "x+", settings=SMALL,
    ),
    Fault(
        "endless comments", says(OPEN + HEL, then=again(b": " + b"x" * 1000 + b"\n")),
        "too_large", "stream", r"limits\.maxReplyBytes", "Hel", settings=SMALL,
    ),
    Fault(
        "a gzip bomb",
        says(
            head(_TYPE, "Content-Encoding: gzip")
            + gzip.compress(HEL + b"data: " + b"x" * 20_000_000)
        ),
        "too_large", "stream", r"limits\.max(Event|Reply)Bytes", "Hel", settings=SMALL,
    ),
    # -- what is in it ---------------------------------------------------------------------------
    Fault(
        "bytes that are no UTF-8", says(OPEN + b'data: {"t":"Hel\xff"}\n\n' + LO), "finished",
        content="Hel\ufffdlo",
    ),
    Fault(
        "a character cut in two by the network",
        says(OPEN, then=byte_by_byte(event(t="€")[:-2] + b"\n\n" + 'data: {"t":"😀"}\n\n'.encode()
                                     + LO)),
        "finished", content="€😀lo",
    ),
    Fault(
        "a surrogate pair cut in two by the server",
        says(OPEN + rb'data: {"t":"\ud83d"}' + b"\n\n" + rb'data: {"t":"\ude00"}' + b"\n\n" + LO),
        "finished", content="😀lo",
    ),
    Fault(
        "half a surrogate pair", says(OPEN + rb'data: {"t":"Hel\ud83d"}' + b"\n\n" + LO),
        "finished", content="Hel\ufffdlo",
    ),
    Fault(
        "events that are no JSON", says(OPEN + b"data: <p>\n\n" * 3), "closed_without_finish",
        "stream", "after 3 events", hint="None of the 3 events was JSON",
    ),
    Fault(
        "one event that is no JSON among others", says(OPEN + HEL + b"data: {\n\n" + LO),
        "finished", content="Hello",
    ),
    Fault(
        "an event 100,000 deep",
        says(OPEN + HEL + b"data: " + b"[" * 100_000 + b"]" * 100_000 + b"\n\n" + LO),
        "finished", content="Hello",
    ),
    Fault(
        "an event with an integer of 10,000 digits",
        says(OPEN + HEL + b"data: " + b"9" * 10_000 + b"\n\n" + LO), "finished",
        content="Hello",
    ),
    Fault(
        "an error event", says(OPEN + HEL + event(error={"message": f"no key {SECRET}"}) + LO),
        "error_event", "stream", r"error inside its reply: no key \*\*\*", "Hel",
    ),
    Fault(
        "an event named error",
        says(OPEN + HEL + f"event: error\ndata: quota of {SECRET}\n\n".encode() + LO),
        "error_event", "stream", r"quota of \*\*\*", "Hel",
    ),
    Fault(
        "NUL in an id, a retry of 30 digits, unknown fields",
        says(OPEN + b"id: a\0b\nretry: " + b"9" * 30 + b"\nwhat: ever\n" + HEL + LO), "finished",
        content="Hello",
    ),
    # -- what it says it is ----------------------------------------------------------------------
    Fault(
        "JSON instead of a stream", says(whole(b'{"reply":"Hello"}')), "finished",
        content="Hello", settings={"responseFieldPath": "reply"},
    ),
    Fault(
        "an error in JSON, with 200",
        says(whole(json.dumps({"error": f"no key {SECRET}"}).encode())), "error_event", "stream",
        r"no key \*\*\*",
    ),
    Fault(
        "HTML instead of a stream",
        says(whole(f"<!doctype html><p>{SECRET}</p>".encode(), "Content-Type: text/html")),
        "malformed", "headers", r"It begins: .*<p>\*\*\*</p>",
    ),
    Fault(
        "a Content-Type that says nothing",
        says(whole(HEL + LO, f"Content-Type: {SECRET}/\x1b[2J")), "malformed", "headers",
        "Content-Type|HTTP",
    ),
    Fault(
        "204", says(head(status="204 No Content"), then=wait), "malformed", "headers",
        "empty answer", repeats=2,
    ),
    Fault(
        "an endless line of NDJSON",
        says(
            head("Content-Type: application/x-ndjson") + b'{"t":"Hel"}\n{"t":"',
            then=again(b"x" * 4096),
        ),
        "too_large", "stream", r"limits\.maxEventBytes", "Hel", settings=SMALL,
    ),
    Fault(
        "an endless document", says(JSON_CHUNKED, then=again(chunk(b" " * 4096))), "too_large",
        "stream", r"limits\.maxEventBytes", settings=SMALL,
    ),
    # -- cuts ------------------------------------------------------------------------------------
    Fault(
        "a byte a segment", says(then=byte_by_byte(CHUNKED + chunk(HEL) + chunk(LO) + END)),
        "finished", content="Hello",
    ),
    Fault(
        "chunks of one byte",
        says(CHUNKED + b"".join(chunk(bytes([byte])) for byte in HEL + LO) + END), "finished",
        content="Hello", repeats=2,
    ),
)  # fmt: skip
