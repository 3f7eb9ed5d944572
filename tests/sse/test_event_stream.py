"""The event-stream decoder against WHATWG HTML §9.2.6, at every way to cut a stream."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Iterable
from itertools import pairwise

import httpx_sse
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from support import event_stream_reference
from support.event_stream_cases import CASES, Case, Event
from turnwire_core.errors import FrameTooLarge
from turnwire_core.events import Frame
from turnwire_sse import EventStreamDecoder, iter_sse

LIMIT = 1 << 20

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def read(pieces: Iterable[bytes], limit: int = LIMIT) -> list[Frame]:
    """All frames of a stream; the stamp of each is the number of the piece that completed it."""
    decoder = EventStreamDecoder(limit)
    frames = [frame for at, piece in enumerate(pieces) for frame in decoder.feed(piece, at)]
    frames += decoder.finish()
    if decoder.failure is not None:
        raise decoder.failure
    return frames


def seen(frames: Iterable[Frame]) -> list[tuple[str | bytes, str | None]]:
    return [(frame.data, frame.event) for frame in frames]


def wanted(events: Iterable[Event]) -> list[tuple[str, str]]:
    return [(event.data, event.event) for event in events]


def named(frames: Iterable[Frame]) -> list[tuple[str | bytes, str]]:
    return [(frame.data, frame.event or "message") for frame in frames]


def cut(stream: bytes, cuts: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(cuts), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


def bytewise(stream: bytes) -> list[bytes]:
    return [stream[index : index + 1] for index in range(len(stream))]


# --- The corpus ---------------------------------------------------------------------------------


@every_case
def test_a_stream_in_one_piece_is_what_the_standard_says(case: Case) -> None:
    assert named(read([case.stream])) == wanted(case.events)


@every_case
def test_a_stream_byte_by_byte_is_what_the_standard_says(case: Case) -> None:
    assert named(read(bytewise(case.stream))) == wanted(case.events)


@every_case
def test_a_stream_cut_at_random_is_what_the_standard_says(case: Case) -> None:
    chance = random.Random(case.name)
    for _ in range(10):
        cuts = [chance.randint(0, len(case.stream)) for _ in range(chance.randint(1, 6))]
        assert named(read(cut(case.stream, cuts))) == wanted(case.events)


@every_case
def test_id_and_retry_are_what_the_standard_says(case: Case) -> None:
    events = [
        Event(event.data, event.event, event.id, event.retry) for event in iter_sse([case.stream])
    ]
    assert events == case.events


@every_case
def test_the_reference_that_properties_are_tested_against_is_right_itself(case: Case) -> None:
    assert event_stream_reference.parse(case.stream) == case.events


@pytest.mark.parametrize("end", [b"\r\r", b"\n\r", b"\r\n\r"], ids=repr)
def test_an_event_that_ends_with_cr_does_not_wait_for_what_follows(end: bytes) -> None:
    decoder = EventStreamDecoder(LIMIT)
    (frame,) = decoder.feed(b"data: 1" + end, 1)
    assert (frame.data, frame.received_ns) == ("1", 1)
    # It may be the other half of the line end, and is no empty line of its own.
    assert list(decoder.feed(b"\ndata: 2\n", 2)) == []
    (frame,) = decoder.feed(b"\n", 3)
    assert frame.data == "2"


# --- Any stream, any cut ------------------------------------------------------------------------

_FRAGMENTS = [
    b"data", b"event", b"id", b"retry", b"data: ", b"event: ", b"data:", b":", b" ", b"\n", b"\r",
    b"\r\n", b"\n\n", b"\r\n\r\n", b"data: {}\n\n", b"event: x\ndata: {}\n\n", b"event: x\n",
    b"data: {}\r\n\r\n", b"\xef\xbb\xbf", b"\xef", b"\xe2\x82\xac", b"\xe2\x82", b"\xff", b"\0",
    b"\xe2\x80\xa8", b"x", b"123", b"+1_0",
]  # fmt: skip

streams = st.lists(st.sampled_from(_FRAGMENTS) | st.binary(max_size=4), max_size=30).map(b"".join)


@given(stream=streams, data=st.data())
@settings(max_examples=400, deadline=None)
def test_any_bytes_at_any_cut_are_read_as_the_standard_reads_them(
    stream: bytes, data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    expected = wanted(event_stream_reference.parse(stream))
    assert named(read([stream])) == expected
    assert named(read(cut(stream, cuts))) == expected


@given(stream=streams)
@settings(max_examples=200, deadline=None)
def test_any_bytes_one_by_one_are_read_as_the_standard_reads_them(stream: bytes) -> None:
    assert named(read(bytewise(stream))) == wanted(event_stream_reference.parse(stream))


@given(stream=streams, limit=st.integers(1, 12), data=st.data())
@settings(max_examples=300, deadline=None)
def test_whether_a_stream_is_too_large_does_not_depend_on_the_cut(
    stream: bytes, limit: int, data: st.DataObject
) -> None:
    def outcome(pieces: list[bytes]) -> tuple[list[tuple[str | bytes, str | None]], bool]:
        decoder = EventStreamDecoder(limit)
        frames = [frame for piece in pieces for frame in decoder.feed(piece, 0)]
        return seen(frames), decoder.failure is not None

    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    assert outcome(cut(stream, cuts)) == outcome([stream]) == outcome(bytewise(stream))


@given(
    blocks=st.lists(
        st.tuples(
            st.sampled_from(["", "ping", "délta"]),
            st.lists(st.text(st.characters(exclude_characters="\r\n")), min_size=1, max_size=3),
        ),
        max_size=6,
    ),
    newline=st.sampled_from(["\n", "\r\n"]),
    data=st.data(),
)
@settings(max_examples=200, deadline=None)
@example(blocks=[("", ["\u2028\x85\x1e"])], newline="\n", data=None)
def test_httpx_sse_agrees_on_streams_without_the_peculiarities_it_gets_wrong(
    blocks: list[tuple[str, list[str]]], newline: str, data: st.DataObject | None
) -> None:
    # Left out: BOM, lone CR, events without data, broken UTF-8, `retry`.
    stream = "".join(
        (f"event: {name}{newline}" if name else "")
        + "".join(f"data: {line}{newline}" for line in lines)
        + newline
        for name, lines in blocks
    ).encode("utf-8", "replace")
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=5)) if data else []
    assert named(read(cut(stream, cuts))) == [
        (event.data, event.event) for event in read_by_httpx_sse(stream)
    ]


def read_by_httpx_sse(stream: bytes) -> list[httpx_sse.ServerSentEvent]:
    import httpx

    response = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=stream)
    return list(httpx_sse.EventSource(response).iter_sse())


# --- Frames -------------------------------------------------------------------------------------


def test_an_event_without_a_name_and_one_named_message_are_told_apart() -> None:
    named_message = b"event: message\ndata: 2\n\n"
    emptied = b"event:\ndata: 3\n\nevent: \ndata: 4\n\n"
    frames = read([b"data: 1\n\n" + named_message + emptied])
    assert seen(frames) == [("1", None), ("2", "message"), ("3", None), ("4", None)]


def test_a_frame_carries_the_stamp_of_the_read_that_completed_it() -> None:
    frames = read([b"data: 1\n\ndata: ", b"2\n", b"\ndata: 3\n\n"])
    assert [(frame.data, frame.received_ns) for frame in frames] == [("1", 0), ("2", 2), ("3", 2)]


@pytest.mark.parametrize(
    ("stream", "sizes"),
    [
        (b"data: 1\n\ndata: 22\n\n", [9, 10]),
        (b"data: 1\r\n\r\nevent: x\r\ndata: 22\r\n\r\n", [11, 22]),
        (b"data: 1\r\rdata: 22\n\n", [9, 10]),
        (b"event: x\ndata: 1\n\n: note\ndata: 2\n\n", [18, 16]),
        (b": ping\n\ndata: 1\n\n", [9]),
        (b"data: \xe2\x82\xac\n\n", [11]),
    ],
)
def test_the_size_of_an_event_is_that_of_its_lines_on_the_wire(
    stream: bytes, sizes: list[int]
) -> None:
    assert [frame.raw for frame in read([stream])] == sizes


@pytest.mark.parametrize("stream", [b"data: 1\r\r", b"data: 1\n\r", b"data: 1\r\n\r"])
def test_an_event_that_ends_with_cr_does_not_wait_for_the_next_byte(stream: bytes) -> None:
    decoder = EventStreamDecoder(LIMIT)
    assert [frame.data for frame in decoder.feed(stream, 0)] == ["1"]
    assert decoder.feed(b"\n", 1) == []
    assert seen(decoder.feed(b"data: 2\n\n", 2)) == [("2", None)]


def test_an_empty_read_between_cr_and_lf_changes_nothing() -> None:
    assert seen(read([b"data: 1\r", b"", b"\ndata: 2\r", b"", b"\n\r", b"", b"\n"])) == [
        ("1\n2", None)
    ]


def test_pending_counts_what_a_stream_left_unfinished() -> None:
    decoder = EventStreamDecoder(LIMIT)
    for data, pending in [(b"data: 1\n", 8), (b"data", 12), (b"\n\n", 0), (b": x", 3)]:
        decoder.feed(data, 0)
        assert decoder.pending == pending


# --- Bounds -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stream",
    [
        b"data: " + b"x" * 100,
        b"data: " + b"x" * 100 + b"\n\n",
        b"data: " + b"x" * 100 + b"\r",
        b": " + b"x" * 100 + b"\n",
        b"x" * 100,
        b"data: 12345678\n" * 20,
        b"data: 12345678\r" * 20,
        b"data:\n" * 100,
    ],
)
def test_a_line_or_data_beyond_the_bound_is_an_error(stream: bytes) -> None:
    with pytest.raises(
        FrameTooLarge, match=r"longer than 80 bytes.*limits\.maxEventBytes"
    ) as error:
        read([stream], limit=80)
    assert error.value.limit_bytes == 80


@pytest.mark.parametrize(
    ("stream", "data"),
    [
        (b"data: " + b"x" * 74 + b"\n\n", "x" * 74),
        (b"data:" + b"1" * 40 + b"\ndata:" + b"2" * 39 + b"\n\n", "1" * 40 + "\n" + "2" * 39),
        (b": 12345678\n" * 50 + b"data: 1\n\n", "1"),
    ],
)
def test_up_to_the_bound_nothing_is_wrong(stream: bytes, data: str) -> None:
    assert [frame.data for frame in read([stream], limit=80)] == [data]


def test_many_events_in_one_read_may_be_more_than_the_bound_of_one() -> None:
    assert len(read([b"data: 1234567890\n\n" * 1000], limit=20)) == 1000


def test_events_before_one_that_is_too_large_are_not_lost() -> None:
    decoder = EventStreamDecoder(80)
    frames = decoder.feed(b"data: 1\n\ndata: 2\n\ndata: " + b"x" * 100, 0)
    assert seen(frames) == [("1", None), ("2", None)]
    assert isinstance(decoder.failure, FrameTooLarge)
    assert decoder.feed(b"\n\ndata: 3\n\n", 1) == []
    assert decoder.finish() == []


def test_an_endless_line_takes_no_more_memory_than_its_bound() -> None:
    decoder = EventStreamDecoder(LIMIT)
    piece = b"x" * 4096
    tracemalloc.start()
    try:
        fed = 0
        while decoder.failure is None:
            decoder.feed(piece, 0)
            fed += len(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert fed <= LIMIT + len(piece)
    assert peak < 3 * LIMIT


def test_a_recorded_stream_has_the_same_bound_and_keeps_the_events_before() -> None:
    events = iter_sse([b"data: 1\n\ndata: " + b"x" * 100], max_event_bytes=80)
    assert next(events).data == "1"
    with pytest.raises(FrameTooLarge):
        next(events)


# --- Work ---------------------------------------------------------------------------------------


def _cost_of_a_byte(stream: bytes, piece: int) -> float:
    """CPU seconds, the best of a few tries."""
    pieces = [stream[start : start + piece] for start in range(0, len(stream), piece)]
    best = float("inf")
    for _ in range(4):
        start = time.thread_time()
        read(pieces, limit=64 << 20)
        best = min(best, time.thread_time() - start)
    return best / len(stream)


@pytest.mark.parametrize(
    ("unit", "piece", "short", "long"),
    [
        pytest.param(b"x", 1024, 1 << 17, 1 << 22, id="one line in pieces of a KiB"),
        pytest.param(b"x", 1, 1 << 12, 1 << 17, id="one line in bytes"),
        pytest.param(b"xyz\ndata: ", 1024, 1 << 15, 1 << 20, id="many lines of one event"),
        pytest.param(b"\n\ndata: ", 1024, 1 << 15, 1 << 20, id="many events"),
        pytest.param(b"\rdata: ", 64, 1 << 13, 1 << 18, id="many lines that end with CR"),
        pytest.param(b"\n:\n", 64, 1 << 13, 1 << 18, id="many comments"),
    ],
)
def test_the_work_is_linear_in_the_length_of_the_stream(
    unit: bytes, piece: int, short: int, long: int
) -> None:
    def stream(size: int) -> bytes:
        return b"data: " + unit * (size // len(unit)) + b"\n\n"

    # A quadratic decoder would take 32 times as long for each byte.
    assert _cost_of_a_byte(stream(long), piece) < 8 * _cost_of_a_byte(stream(short), piece)
