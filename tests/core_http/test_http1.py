"""The reader of responses: what it takes, what it refuses, and that h11 is of the same opinion."""

from __future__ import annotations

import time
from itertools import pairwise

import h11
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from turnwire_core.http._http1 import HEAD_BYTES, HeadTooLong, HttpViolation, ResponseReader

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(autouse=True)
def _both_ways() -> None:
    """There is no I/O here."""


def read(*pieces: bytes, bodiless: bool = False) -> tuple[ResponseReader, bytes]:
    reader = ResponseReader(bodiless=bodiless)
    return reader, b"".join([reader.feed(piece) for piece in pieces])


def outcome(pieces: list[bytes], *, ended: bool) -> tuple[object, ...]:
    """All that a reader says of a response."""
    reader, body = read(*pieces)
    if ended:
        reader.end()
    failure = type(reader.failure), str(reader.failure)
    return reader.head, body, failure, reader.complete, reader.reusable, reader.leftover


def by_h11(data: bytes, *, ended: bool) -> tuple[int | None, list[tuple[bytes, bytes]], bytes, str]:
    """Status, fields, body and state, as h11 reads them."""
    client = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
    client.send(h11.EndOfMessage())
    client.receive_data(data)
    status, fields, body = None, [], b""
    if ended and data:
        client.receive_data(b"")
    while True:
        try:
            event = client.next_event()
        except h11.RemoteProtocolError:
            return status, fields, body, "broken"
        if isinstance(event, h11.Response):
            status, fields = event.status_code, list(event.headers.raw_items())
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return status, fields, body, "complete"
        elif event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
            return status, fields, body, "open"
        elif event is h11.PAUSED:
            return status, fields, body, "switched"


def chunked(pieces: list[bytes], extension: bytes = b"", trailers: bytes = b"") -> bytes:
    chunks = b"".join(b"%x%b\r\n%b\r\n" % (len(one), extension, one) for one in pieces if one)
    return chunks + b"0\r\n" + trailers + b"\r\n"


names = st.sampled_from([b"Content-Type", b"X-A", b"x-a", b"Set-Cookie", b"Server"])
values = st.sampled_from([b"", b"text/plain", b" a  b\t", b"\xc3\xbc", b"a, b", b"=:;"])
fields = st.lists(st.tuples(names, values), max_size=4)


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """Valid responses, as good as all there are."""
    line_end = draw(st.sampled_from([b"\r\n", b"\n"]))
    version = draw(st.sampled_from([b"1.0", b"1.1"]))
    status = draw(st.sampled_from([b"200 OK", b"200", b"200 ", b"404 Not Found", b"204 x", b"304"]))
    interim = draw(st.sampled_from([b"", b"100 Continue", b"103 Early Hints"]))
    head = b"HTTP/1.1 %b\r\nLink: a\r\n\r\n" % interim if interim else b""
    lines = [b"HTTP/%b %b" % (version, status)]
    lines += [b"%b:%b" % field for field in draw(fields)]
    pieces = draw(st.lists(st.binary(max_size=40), max_size=4))
    body = b"".join(pieces)
    match draw(st.sampled_from(["length", "chunked", "close", "both"])):
        case "length":
            lines.append(b"Content-Length: %d" % len(body))
        case "close":
            lines.append(b"Connection: close")
        case way:
            lines.append(b"transfer-encoding: Chunked")
            if way == "both":
                lines.append(b"Content-Length: 3")
            extension = draw(st.sampled_from([b"", b";a=b", b';a="b;c"', b"  "]))
            trailers = draw(st.sampled_from([b"", b"X-End: 1\r\n"]))
            body = chunked(pieces, extension, trailers)
    if status.startswith((b"204", b"304")):
        body = b""
    return head + line_end.join([*lines, b"", b""]) + body


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in pairwise(edges)]


@settings(deadline=None, max_examples=300)
@given(responses(), st.lists(st.integers(0, 500), max_size=8))
def test_a_valid_response_is_read_as_h11_reads_it_however_it_is_cut(
    data: bytes, places: list[int]
) -> None:
    status, raw, body, state = by_h11(data, ended=True)
    head, got, (_, failure), complete, *_ = outcome(cut(data, places), ended=True)
    assert state == "complete"
    assert failure == "None"
    assert (complete, got) == (True, body)
    assert head is not None
    assert (head.status, list(head.fields)) == (status, _as_sent(raw, head.fields))


def _as_sent(
    raw: list[tuple[bytes, bytes]], sent: tuple[tuple[bytes, bytes], ...]
) -> list[tuple[bytes, bytes]]:
    """h11 writes the value of a Transfer-Encoding in lower case."""
    assert len(raw) == len(sent)
    return [
        own if own[1].lower() == theirs[1] and own[0].lower() == b"transfer-encoding" else theirs
        for theirs, own in zip(raw, sent, strict=True)
    ]


fragments = st.sampled_from(
    [
        b"HTTP/1.1 200 OK", b"HTTP/1.1 100 C", b"HTTP/1.1 101 S", b"\r\n", b"\n", b"\r",
        b"\r\n\r\n",
        b"Content-Length: 5", b"Content-Length: +5", b"Content-Length: 5, 6",
        b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"Connection: close", b" folded",
        b"5\r\nhello\r\n", b"5\r\nhello", b"0\r\n\r\n", b"0", b"ffffffffffffffff", b"-1", b";ext",
        b"X:\x00", b": nameless", b"hello",
    ]
)  # fmt: skip
anything = st.one_of(
    st.lists(fragments, max_size=10).map(b"".join),
    st.lists(fragments, max_size=6).map(lambda rest: CHUNKED + b"".join(rest)),
    st.tuples(responses(), st.binary(max_size=20)).map(b"".join),
    st.binary(max_size=100),
)


@settings(deadline=None, max_examples=500)
@given(anything, st.lists(st.integers(0, 300), max_size=10), st.booleans())
@example(CHUNKED + b"3\r\nabc\r\n" + b"3\r\nabcX", list(range(80)), False)
def test_how_any_bytes_are_cut_makes_no_difference(
    data: bytes, places: list[int], ended: bool
) -> None:
    assert outcome(cut(data, places), ended=ended) == outcome([data], ended=ended)


@settings(deadline=None, max_examples=300)
@given(anything)
def test_what_h11_refuses_is_never_taken_for_a_complete_response(data: bytes) -> None:
    reader, _ = read(data)
    reader.end()
    if by_h11(data, ended=True)[3] == "broken" and not _upgraded(reader):
        assert not reader.complete or reader.leftover  # h11 complains of what comes behind, too


def _upgraded(reader: ResponseReader) -> bool:
    """An upgrade is complete with its head; h11 refuses one that its side has not asked for."""
    return reader.head is not None and reader.head.status == 101


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", id="bare CR in a header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA: b\x00\r\n\r\n", id="NUL in a header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", id="space in a name"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA : c\r\n\r\n", id="space before the colon"),
        pytest.param(b"HTTP/1.1 200 OK\r\n: c\r\n\r\n", id="no name"),
        pytest.param(b"HTTP/1.1 200 OK\r\n folded: c\r\n\r\n", id="begins with a folded line"),
        pytest.param(b"HTTP/2.0 200 OK\r\n\r\n", id="another version"),
        pytest.param(b"HTTP/1.1 099 Odd\r\n\r\n", id="status below 100"),
        pytest.param(b"HTTP/1.1 20 Short\r\n\r\n", id="status of two digits"),
        pytest.param(b"ICY 200 OK\r\n", id="another protocol"),
        pytest.param(b"\r\n", id="begins with a blank line"),
        pytest.param(OK + b"A: b\r\n" * 1001 + b"\r\n", id="too many headers"),
        pytest.param(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", id="two lengths"),
        pytest.param(OK + b"Content-Length: 1, 2\r\n\r\n", id="two lengths in one"),
        pytest.param(OK + b"Content-Length: -1\r\n\r\n", id="negative length"),
        pytest.param(OK + b"Content-Length: +1\r\n\r\n", id="signed length"),
        pytest.param(OK + b"Content-Length: \xc2\xb2\r\n\r\n", id="a digit that is none"),
        pytest.param(OK + b"Content-Length: " + b"9" * 21 + b"\r\n\r\n", id="huge length"),
        pytest.param(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n", id="another coding"),
        pytest.param(
            OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            id="chunked twice",
        ),
        pytest.param(CHUNKED + b"zz\r\n", id="no hexadecimal size"),
        pytest.param(CHUNKED + b"-1\r\n", id="negative size"),
        pytest.param(CHUNKED + b"0x1\r\n", id="prefixed size"),
        pytest.param(CHUNKED + b"1_0\r\n", id="size as Python writes it"),
        pytest.param(CHUNKED + b"\r\n", id="no size"),
        pytest.param(CHUNKED + b"1" * 17 + b"\r\n", id="size beyond 64 bits"),
        pytest.param(CHUNKED + b"1;" + b"x" * 5000, id="endless extension"),
        pytest.param(CHUNKED + b"1\na", id="bare LF after a size"),
        pytest.param(CHUNKED + b"1;a\rb\r\na", id="bare CR in an extension"),
        pytest.param(CHUNKED + b"1\r\nabc", id="chunk longer than its size"),
        pytest.param(CHUNKED + b"1\r\na\n0\r\n\r\n", id="bare LF after a chunk"),
        pytest.param(CHUNKED + b"0\r\nno trailer\r\n\r\n", id="illegal trailer"),
    ],
)
def test_what_breaks_the_rules_is_refused_at_once(data: bytes) -> None:
    reader, _ = read(data)
    assert isinstance(reader.failure, HttpViolation)
    assert not reader.complete
    assert not reader.reusable


@pytest.mark.parametrize(
    ("start", "more"),
    [
        pytest.param(OK + b"A: ", b"b" * 1000, id="one head"),
        pytest.param(b"", b"HTTP/1.1 100 C\r\nA: b\r\n\r\n", id="interim heads"),
        pytest.param(CHUNKED + b"0\r\n", b"A: b\r\n", id="trailers"),
    ],
)
def test_what_never_ends_meets_its_bound(start: bytes, more: bytes) -> None:
    reader = ResponseReader()
    reader.feed(start)
    sent = 0
    while reader.failure is None and sent < 10 * HEAD_BYTES:
        reader.feed(more)
        sent += len(more)
    assert isinstance(reader.failure, HeadTooLong)
    assert sent < 2 * HEAD_BYTES


def test_the_body_before_a_breach_is_handed_out() -> None:
    reader, body = read(CHUNKED + b"2\r\nab\r\n2\r\ncdXX")
    assert body == b"abcd"
    assert reader.failure is not None
    assert reader.feed(b"more") == b""


def test_all_chunks_of_a_read_are_one_piece() -> None:
    reader, _ = read(CHUNKED)
    assert reader.feed(b"1\r\na\r\n2;x=y\r\nbc\r\n0\r\nX-End: 1\r\n\r\n") == b"abc"
    assert reader.reusable


def test_folded_lines_are_joined() -> None:
    reader, _ = read(OK + b"A: b\r\n\t c\r\nD: e\r\n\r\n")
    assert reader.head is not None
    assert reader.head.fields == ((b"A", b"b c"), (b"D", b"e"))


@pytest.mark.parametrize(
    ("data", "reusable"),
    [
        (OK + b"Content-Length: 1\r\n\r\na", True),
        (OK + b"Content-Length: 1, 1\r\n\r\na", True),
        (OK + b"Content-Length: 1\r\n\r\nab", False),
        (OK + b"Content-Length: 1\r\nConnection: keep-alive, Close\r\n\r\na", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", False),
        (OK + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n1\r\na\r\n0\r\n\r\n", False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", False),
    ],
)
def test_a_connection_is_used_again_only_where_the_end_is_certain(
    data: bytes, reusable: bool
) -> None:
    reader, _ = read(data)
    assert reader.complete
    assert reader.reusable is reusable


def test_the_answer_to_head_has_no_body() -> None:
    reader, body = read(OK + b"Content-Length: 5\r\n\r\n", bodiless=True)
    assert (reader.complete, body) == (True, b"")


def test_after_an_upgrade_the_bytes_are_the_other_protocols() -> None:
    reader, body = read(b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 101 S\r\nUpgrade: x\r\n\r\n\x81\x00")
    assert (body, reader.leftover) == (b"", b"\x81\x00")


@pytest.mark.parametrize(
    ("data", "fails"),
    [
        (b"", True),
        (b"HTTP/1.1 200", True),
        (OK + b"Content-Length: 5\r\n\r\nabc", True),
        (CHUNKED + b"1\r\na\r\n", True),
        (CHUNKED + b"0\r\n", True),
        (OK + b"\r\nabc", False),
    ],
)
def test_an_end_comes_too_early_or_is_the_end(data: bytes, fails: bool) -> None:
    reader, _ = read(data)
    assert not reader.complete
    reader.end()
    assert (reader.failure is not None) is fails
    assert reader.complete is not fails


def seconds(data: bytes, step: int) -> float:
    reader = ResponseReader()
    started = time.process_time()
    for at in range(0, len(data), step):
        reader.feed(data[at : at + step])
    assert reader.complete
    return time.process_time() - started


@pytest.mark.parametrize(
    ("step", "make"),
    [
        pytest.param(64 * 1024, lambda n: CHUNKED + chunked([b"hello"] * n), id="many chunks"),
        pytest.param(1024, lambda n: CHUNKED + chunked([b"x" * 60 * n]), id="one large chunk"),
        pytest.param(7, lambda n: CHUNKED + chunked([b"x" * 100] * (n // 20)), id="small reads"),
    ],
)
def test_reading_takes_time_in_proportion_to_size(step: int, make: object) -> None:
    assert callable(make)
    small, large = make(5_000), make(50_000)
    once = min(seconds(small, step) for _ in range(3))
    tenfold = min(seconds(large, step) for _ in range(2))
    assert tenfold < 40 * max(once, 0.001)  # quadratic would be 100
