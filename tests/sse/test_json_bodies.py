"""The decoders of NDJSON and of a body that is one JSON document."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire_core.errors import FrameTooLarge
from turnwire_sse import DocumentDecoder, JsonLinesDecoder

LIMIT = 1 << 20


def lines(*pieces: bytes, limit: int = LIMIT) -> list[str | bytes]:
    decoder = JsonLinesDecoder(limit)
    frames = [frame for piece in pieces for frame in decoder.feed(piece, 0)]
    frames += decoder.finish()
    if decoder.failure is not None:
        raise decoder.failure
    return [frame.data for frame in frames]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", []),
        (b'{"a":1}\n{"a":2}\n', ['{"a":1}', '{"a":2}']),
        (b'{"a":1}\r\n{"a":2}\r\n', ['{"a":1}', '{"a":2}']),
        (b'{"a":1}\n{"a":2}', ['{"a":1}', '{"a":2}']),
        (b'{"a":1}\n\n \t\r\n{"a":2}\n\n', ['{"a":1}', '{"a":2}']),
        (b'  {"a":1} \n', ['{"a":1}']),
        (b"\n", []),
        (b'\xef\xbb\xbf{"a":1}\n', ['{"a":1}']),
        (b"\xef\xbb", ["\ufffd"]),
        (b'"\xe2\x82\xac"\n', ['"€"']),
        (b'"a\xff"\n1\n', ['"a\ufffd"', "1"]),
        (b'"a\xe2\x80\xa8b"\n', ['"a\u2028b"']),
        (b'"a\rb"\n', ['"a\rb"']),
    ],
)
def test_each_line_is_a_frame_whole_and_byte_by_byte(body: bytes, expected: list[str]) -> None:
    assert lines(body) == expected
    assert lines(*(body[index : index + 1] for index in range(len(body)))) == expected


@given(
    body=st.lists(st.sampled_from([b"\n", b"\r", b"{}", b"\xe2\x82\xac", b"\xff", b" "])).map(
        b"".join
    ),
    cuts=st.lists(st.integers(0, 40), max_size=6),
)
@settings(max_examples=200, deadline=None)
def test_lines_do_not_depend_on_how_the_body_is_cut(body: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(at, len(body)) for at in cuts), len(body)]
    pieces = [body[start:end] for start, end in pairwise(edges)]
    expected = [line.strip(" \t\r") for line in body.decode("utf-8", "replace").split("\n")]
    assert lines(*pieces) == [line for line in expected if line]


def test_a_line_has_its_size_on_the_wire_and_the_stamp_of_its_end() -> None:
    decoder = JsonLinesDecoder(LIMIT)
    assert decoder.feed(b'{"a"', 1) == []
    assert decoder.pending == 4
    (first,) = decoder.feed(b":1}\r\n2", 2)
    assert (first.received_ns, first.raw, first.whole) == (2, 9, False)
    (last,) = decoder.finish()
    assert (last.data, last.received_ns, last.raw) == ("2", 2, 1)
    assert decoder.pending == 0


@pytest.mark.parametrize("body", [b"x" * 81, b"x" * 81 + b"\n", b"1\n" + b"x" * 100 + b"\n2\n"])
def test_a_line_beyond_the_bound_is_an_error(body: bytes) -> None:
    with pytest.raises(FrameTooLarge, match="longer than 80 bytes"):
        lines(body, limit=80)


def test_lines_before_one_that_is_too_large_are_not_lost() -> None:
    decoder = JsonLinesDecoder(80)
    assert [frame.data for frame in decoder.feed(b"1\n2\n" + b"x" * 100, 0)] == ["1", "2"]
    assert isinstance(decoder.failure, FrameTooLarge)
    assert decoder.finish() == []


def test_a_document_is_one_frame_when_the_body_has_ended() -> None:
    decoder = DocumentDecoder(LIMIT)
    assert decoder.feed(b'\xef\xbb\xbf{"a":\n\n "\xe2', 1) == []
    assert decoder.feed(b'\x82\xac"}', 2) == []
    (frame,) = decoder.finish()
    assert frame.data == '{"a":\n\n "€"}'
    assert (frame.whole, frame.received_ns, frame.raw) == (True, 2, 14)
    assert decoder.pending == 0


def test_a_document_beyond_the_bound_is_an_error_before_it_is_held() -> None:
    decoder = DocumentDecoder(80)
    decoder.feed(b"x" * 80, 0)
    assert decoder.failure is None
    decoder.feed(b"x", 0)
    assert isinstance(decoder.failure, FrameTooLarge)
    assert decoder.pending == 80
    assert decoder.finish() == []
