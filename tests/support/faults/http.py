"""Faults of HTTP itself, met by a turn of ``http_chat``."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Final

from anyio.abc import SocketStream

from support.faults.model import (
    SECRET,
    Fault,
    Then,
    after,
    again,
    byte_by_byte,
    says,
    wait,
)
from support.http_peer import reset
from support.raw_server import Handler, read_http_request

HELLO: Final = b'{"reply":"Hello"}'


def head(*lines: str, status: str = "200 OK") -> bytes:
    """The head of a response that is JSON unless it says otherwise."""
    typed = any(line.lower().startswith("content-type") for line in lines)
    all_lines = [f"HTTP/1.1 {status}", *(() if typed else ("Content-Type: application/json",))]
    return "\r\n".join([*all_lines, *lines, "", ""]).encode("latin-1")


def whole(body: bytes, *lines: str, status: str = "200 OK") -> bytes:
    return head(f"Content-Length: {len(body)}", *lines, status=status) + body


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    return b"%x%b\r\n%b\r\n" % (len(data), extension, data)


CHUNKED: Final = head("Transfer-Encoding: chunked")
END: Final = b"0\r\n\r\n"


def compressed(data: bytes, coding: str = "gzip") -> bytes:
    return whole(data, f"Content-Encoding: {coding}")


def bare_deflate(data: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeeze.compress(data) + squeeze.flush()


def bomb(size: int) -> bytes:
    """A gzip body that inflates to ``size`` bytes of white space and a document."""
    return gzip.compress(b" " * size + HELLO)


def nested(depth: int) -> bytes:
    return b'{"reply":' + b"[" * depth + b"]" * depth + b"}"


async def answers_before_the_request_is_read(stream: SocketStream) -> None:
    """A refusal as soon as the head is there; the body is never read (RFC 9112 §9.3)."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += await stream.receive(64)
    await stream.send(whole(b'{"error":"too long"}', status="413 Content Too Large"))


async def hangs_up_on_the_body(stream: SocketStream) -> None:
    await stream.receive(64)
    await reset(stream)


async def half_closes_while_we_send(stream: SocketStream) -> None:
    """Its FIN comes before our request is whole, and its answer never."""
    await stream.send_eof()
    await wait(stream)


async def answers_and_half_closes(stream: SocketStream) -> None:
    await read_http_request(stream)
    await stream.send(whole(HELLO))
    await stream.send_eof()
    await wait(stream)


def silent_close_after(answer: bytes) -> Handler:
    """Keep-alive in word, hung up in deed: one answer for each connection."""

    async def serve(stream: SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(answer)

    return serve


async def says_more_than_it_announced(stream: SocketStream) -> None:
    """What stands behind the first reply must not become the second."""
    await read_http_request(stream)
    await stream.send(whole(HELLO) + whole(b'{"reply":"for somebody else"}'))
    await wait(stream)


def drips_head(every: float) -> Then:
    async def drip(stream: SocketStream) -> None:
        await stream.send(b"HTTP/1.1 200 OK\r\n")
        await again(b"X-Slow: 1\r\n", every=every)(stream)

    return drip


async def endless_informational(stream: SocketStream) -> None:
    await again(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", every=0.001)(stream)


async def endless_head(stream: SocketStream) -> None:
    await stream.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    await again(b"x" * 65536)(stream)


async def endless_headers(stream: SocketStream) -> None:
    await stream.send(b"HTTP/1.1 200 OK\r\n")
    await again(b"X-Many: 1\r\n" * 1000)(stream)


BIG = "x" * 3_000_000

HTTP: Final[tuple[Fault, ...]] = (
    # -- before the response ---------------------------------------------------------------------
    Fault(
        "no answer", says(then=wait), "stalled", "headers",
        r"No content came within 150 ms \(limits\.firstContentMs\)",
        settings={"limits": {"firstContentMs": 150}}, at_least_ms=150, at_most_ms=800,
    ),
    Fault(
        "close before the response", says(), "malformed", "headers",
        "closed the connection before it answered",
    ),
    Fault(
        "reset before the response", says(then=reset), "malformed", "headers",
        "(reset|closed) the connection before it answered",
    ),
    Fault(
        "a head that drips", says(then=drips_head(0.02)), "timed_out", "headers",
        r"The turn was not over after 200 ms \(timeoutMs\)",
        settings={"timeoutMs": 200}, at_least_ms=200, at_most_ms=900,
    ),
    Fault(
        "close inside the head", says(b"HTTP/1.1 200 OK\r\nContent-Type: app"), "malformed",
        "headers", "in the middle of the response's head",
    ),
    Fault(
        "a reset while the request is sent", hangs_up_on_the_body, "malformed", "(send|headers)",
        "(closed|reset) the connection (while the request was being sent|before it answered)",
        settings={"request": {"body": {"m": BIG}}},
    ),
    Fault(
        "FIN while the request is sent", half_closes_while_we_send, "malformed", "headers",
        "closed the connection before it answered", settings={"request": {"body": {"m": BIG}}},
    ),
    Fault(
        "an answer before the request is read", answers_before_the_request_is_read,
        "(rejected|malformed)", "(headers|send|stream)", "413|connection",
        settings={"request": {"body": {"m": BIG}}},
    ),
    # -- the head --------------------------------------------------------------------------------
    Fault(
        "not HTTP",
        says(b"\x1b[31mSSH-2.0 " + SECRET.encode() + b"x" * 50_000 + b"\r\n\r\n", then=wait),
        "malformed", "headers", "did not answer with HTTP; the answer begins with .*SSH-2.0",
    ),
    Fault(
        "HTTP/0.9", says(HELLO), "malformed", "headers", "did not answer with HTTP|closed",
    ),
    Fault(
        "HTTP/2 without being asked", says(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\0" * 18),
        "malformed", "headers", "did not answer with HTTP|closed",
    ),
    Fault(
        "HTTP/1.0", says(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + HELLO),
        "finished", content="Hello", repeats=2,
    ),
    Fault(
        "an endless header", says(then=endless_head), "malformed", "headers", "too long",
    ),
    Fault(
        "endless headers", says(then=endless_headers), "malformed", "headers", "too long",
    ),
    Fault(
        "a header without a colon",
        says(f"HTTP/1.1 200 OK\r\n{SECRET}\r\n\r\n".encode() + HELLO),
        "malformed", "headers", "did not answer with HTTP",
    ),
    Fault(
        "a space before the colon (request smuggling, RFC 9112 §5.1)",
        says(head("Content-Length : 17") + HELLO), "malformed", "headers", "HTTP",
    ),
    Fault(
        "NUL in a header", says(head(f"X-Echo: a\0{SECRET}") + HELLO), "malformed", "headers",
        "did not answer with HTTP",
    ),
    Fault(
        "100 Continue and 103 Early Hints first",
        says(
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n",
            whole(HELLO),
        ),
        "finished", content="Hello",
    ),
    Fault(
        "endless 103", says(then=endless_informational), "stalled", "headers", "No content came",
        settings={"limits": {"firstContentMs": 200}}, at_least_ms=200, at_most_ms=900,
    ),
    Fault(
        "101 to a POST",
        says(head("Upgrade: x", "Connection: Upgrade", status="101 Switching Protocols")),
        "(rejected|malformed)", "headers", "101|HTTP",
    ),
    Fault("a status of 99", says(head(status="099 Odd") + HELLO), "malformed", "headers", "HTTP"),
    Fault(
        "a status of 999", says(whole(b"odd", status="999 Odd")), "rejected", "headers", "999",
    ),
    Fault(
        "204", says(head(status="204 No Content"), then=wait), "malformed", "headers",
        "empty answer",
    ),
    Fault(
        "a body of nothing", says(whole(b"")), "malformed", "stream", "its body is empty",
    ),
    # -- the body --------------------------------------------------------------------------------
    Fault(
        "Content-Length too long", says(head("Content-Length: 99") + HELLO), "malformed", "stream",
        "closed the connection in the middle of the reply",
    ),
    Fault(
        "Content-Length and then a reset",
        says(head("Content-Length: 99") + HELLO, then=after(0.05, reset)), "malformed",
        "stream", "in the middle of the reply",
    ),
    Fault(
        "two Content-Lengths that differ",
        says(head("Content-Length: 17", "Content-Length: 5") + HELLO), "malformed", "headers",
        "HTTP",
    ),
    Fault(
        "two Content-Lengths that agree (RFC 9110 §8.6)",
        says(head("Content-Length: 17", "Content-Length: 17") + HELLO), "finished",
        content="Hello",
    ),
    Fault(
        "a negative Content-Length", says(head("Content-Length: -1") + HELLO), "malformed",
        "headers", "HTTP",
    ),
    Fault(
        "a Content-Length of 5,000 digits", says(head("Content-Length: " + "9" * 5000) + HELLO),
        "malformed", "headers", "HTTP",
    ),
    Fault(
        "Content-Length beside chunked: chunked counts (RFC 9112 §6.3)",
        says(head("Content-Length: 3", "Transfer-Encoding: chunked") + chunk(HELLO) + END),
        "finished", content="Hello",
    ),
    Fault(
        "an unknown Transfer-Encoding", says(head("Transfer-Encoding: gzip, chunked") + END),
        "malformed", "headers", "HTTP",
    ),
    Fault(
        "a chunk size that is none", says(CHUNKED + b"zz\r\n" + HELLO, then=wait), "malformed",
        "stream", "breaks the rules of HTTP",
    ),
    Fault(
        "a negative chunk size", says(CHUNKED + b"-5\r\n" + HELLO, then=wait), "malformed",
        "stream", "breaks the rules of HTTP",
    ),
    Fault(
        "a chunk size of 2^80", says(CHUNKED + b"1" + b"0" * 20 + b"\r\n" + HELLO), "malformed",
        "stream", "in the middle of the reply|breaks the rules",
    ),
    Fault(
        "a chunk size of 2^60, and silence",
        says(CHUNKED + b"1" + b"0" * 15 + b"\r\n" + HELLO, then=wait), "stalled", "stream",
        "Nothing arrived|No content", settings={"limits": {"idleMs": 150}}, at_least_ms=150,
    ),
    Fault(
        "a chunk longer than it said", says(CHUNKED + b"5\r\n" + HELLO + b"\r\n" + END, then=wait),
        "malformed", "stream", "breaks the rules of HTTP",
    ),
    Fault(
        "a chunk extension", says(CHUNKED + chunk(HELLO, b';a="b";c') + END), "finished",
        content="Hello", repeats=2,
    ),
    Fault(
        "an endless chunk extension",
        says(CHUNKED + b"11;", then=again(b"x" * 65536)), "malformed", "stream",
        "breaks the rules of HTTP",
    ),
    Fault(
        "trailers", says(CHUNKED + chunk(HELLO) + b"0\r\nX-Sum: 1\r\nX-Echo: 2\r\n\r\n"),
        "finished", content="Hello", repeats=2,
    ),
    Fault(
        "endless trailers",
        says(CHUNKED + chunk(HELLO) + b"0\r\n", then=again(b"X-T: 1\r\n" * 1000)), "malformed",
        "stream", "breaks the rules of HTTP",
    ),
    Fault(
        "the end inside a chunk", says(CHUNKED + b"11\r\n" + HELLO[:9]), "malformed", "stream",
        "in the middle of the reply",
    ),
    Fault(
        "the end before the last chunk", says(CHUNKED + chunk(HELLO)), "malformed", "stream",
        "in the middle of the reply",
    ),
    Fault(
        "a byte a segment", says(then=byte_by_byte(CHUNKED + chunk(HELLO) + END)), "finished",
        content="Hello",
    ),
    # -- coded bodies ----------------------------------------------------------------------------
    Fault(
        "gzip unasked", says(compressed(gzip.compress(HELLO))), "finished", content="Hello",
    ),
    Fault(
        "a gzip bomb", says(compressed(bomb(5_000_000))), "too_large", "stream",
        r"limits\.max(Event|Reply)Bytes",
        settings={"limits": {"maxEventBytes": 1_000_000, "maxReplyBytes": 2_000_000}},
    ),
    Fault(
        "a gzip lie", says(compressed(HELLO)), "malformed", "stream", "the bytes are not gzip",
    ),
    Fault(
        "half a gzip", says(compressed(gzip.compress(HELLO)[:-6])), "malformed", "stream",
        "cut off",
    ),
    Fault(
        "a gzip with a wrong checksum", says(compressed(gzip.compress(HELLO)[:-8] + b"\0" * 8)),
        "malformed", "stream", "not gzip",
    ),
    Fault(
        "a gzip with garbage behind it",
        says(compressed(gzip.compress(HELLO) + SECRET.encode())), "malformed", "stream",
        "the bytes are not gzip",
    ),
    Fault(
        "a gzip of several members (RFC 1952 §2.2)",
        says(compressed(gzip.compress(HELLO[:5]) + gzip.compress(HELLO[5:]))), "finished",
        content="Hello",
    ),
    Fault(
        "deflate with its wrapper", says(compressed(zlib.compress(HELLO), "deflate")), "finished",
        content="Hello",
    ),
    Fault(
        "deflate without its wrapper", says(compressed(bare_deflate(HELLO), "deflate")),
        "finished", content="Hello",
    ),
    Fault(
        "compressed twice", says(compressed(gzip.compress(gzip.compress(HELLO)), "gzip, gzip")),
        "malformed", "headers", "Content-Encoding 'gzip, gzip'",
    ),
    Fault(
        "a coding that nobody knows", says(compressed(HELLO, f"br{SECRET}")), "malformed",
        "headers", "Switch compression off",
    ),
    # -- the document ----------------------------------------------------------------------------
    Fault(
        "HTML instead of JSON",
        says(whole(f"<!DOCTYPE html><p>{SECRET}".encode(), "Content-Type: text/html")),
        "malformed", "stream", "a page for a browser",
    ),
    Fault(
        "an event stream instead of JSON",
        says(whole(b"data: 1\n\n", "Content-Type: text/event-stream")), "malformed", "headers",
        'Write "protocol": "sse"',
    ),
    Fault("JSON with a byte order mark", says(whole(b"\xef\xbb\xbf" + HELLO)), "finished",
          content="Hello"),
    Fault("JSON in UTF-16, unannounced", says(whole(HELLO.decode().encode("utf-16"))), "malformed",
          "stream", "could be read"),
    Fault(
        "JSON in UTF-16, announced",
        says(
            whole(HELLO.decode().encode("utf-16"), "Content-Type: application/json; charset=utf-16")
        ),
        "finished", content="Hello",
    ),
    Fault(
        "a charset that is no charset",
        says(whole(HELLO, "Content-Type: application/json; charset=rot13")), "finished",
        content="Hello",
    ),
    Fault("JSON cut off", says(whole(HELLO[:-1])), "malformed", "stream", "could be read"),
    Fault("two documents", says(whole(HELLO + HELLO)), "malformed", "stream", "could be read"),
    Fault(
        "NaN: no JSON, but Python servers write it (RFC 8259 §6)",
        says(whole(b'{"reply":"Hello","score":NaN}')), "finished", content="Hello",
    ),
    Fault("JSON 100,000 deep", says(whole(nested(100_000))), "malformed", "stream",
          "could be read"),
    Fault("JSON 500 deep", says(whole(nested(500))), "finished", hint="found"),
    Fault(
        "an integer of 10,000 digits",
        says(whole(b'{"reply":"Hello","n":' + b"9" * 10_000 + b"}")), "finished", content="Hello",
    ),
    Fault("a key twice: the last one counts", says(whole(b'{"reply":"Hel","reply":"Hello"}')),
          "finished", content="Hello"),
    Fault(
        "half a surrogate pair", says(whole(rb'{"reply":"Hello\ud83d"}')), "finished",
        content="Hello\ufffd",
    ),
    Fault(
        "an error where the reply should be",
        says(whole(json.dumps({"error": {"message": f"no such key {SECRET}"}}).encode())),
        "error_event", "stream", r"no such key \*\*\*",
    ),
    # -- statuses --------------------------------------------------------------------------------
    Fault(
        "429 with Retry-After",
        says(whole(b"slow down", "Retry-After: 7", status="429 Too Many Requests")), "rejected",
        "headers", "429 .*slow down.* asks to wait 7 s",
    ),
    Fault(
        "Retry-After that is junk",
        says(whole(b"", f"Retry-After: {SECRET}", status="429 Too Many Requests")), "rejected",
        "headers", "429",
    ),
    Fault(
        "an error page that drips",
        says(head("Content-Length: 99999", status="500 Oops"), then=again(b"x", every=0.02)),
        "rejected", "headers", "500",
    ),
    Fault(
        "an error that echoes the secret",
        says(whole(f"bad key: {SECRET}".encode(), status="401 Unauthorized")), "rejected",
        "headers", r"401 .*bad key: \*\*\*",
    ),
    Fault(
        "a status line that echoes the secret", says(head(status=f"500 {SECRET}")), "rejected",
        "headers", "500",
    ),
    Fault(
        "a redirect elsewhere",
        says(
            whole(b"", f"Location: http://127.0.0.1:1/?key={SECRET}", status="307 Elsewhere")
        ),
        "rejected", "headers", r"307 .*redirects to http://127\.0\.0\.1:1\b",
    ),
    Fault(
        "a redirect to itself, followed",
        says(whole(b"", "Location: /", status="308 Permanent Redirect")), "rejected", "headers",
        "redirects more than 5 times", settings={"followRedirects": True},
    ),
    # -- between turns ---------------------------------------------------------------------------
    Fault(
        "keep-alive broken between turns", silent_close_after(whole(HELLO)), "finished",
        content="Hello", repeats=3,
    ),
    Fault(
        "half-closed after the answer", answers_and_half_closes, "finished", content="Hello",
        repeats=2,
    ),
    Fault(
        "a second answer behind the first", says_more_than_it_announced, "finished",
        content="Hello", repeats=2,
    ),
)  # fmt: skip
