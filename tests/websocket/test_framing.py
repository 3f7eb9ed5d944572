"""Bytes in, whole messages out."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.ws_server import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close, frame, text
from turnwire_websocket.framing import (
    BinaryMessage,
    Close,
    Event,
    Framing,
    Ping,
    Pong,
    TextMessage,
    Violation,
)


def framing(max_message_bytes: int = 1_000_000, max_fragments: int = 1000) -> Framing:
    return Framing(max_message_bytes=max_message_bytes, max_fragments=max_fragments)


def feed(*reads: bytes) -> list[Event]:
    machine = framing()
    return [event for read in reads for event in machine.feed(read)]


def only_violation(*reads: bytes) -> int:
    (event,) = feed(*reads)
    assert isinstance(event, Violation)
    assert event.problem
    return event.code


def texts(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, TextMessage)]


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65535, 65536])
def test_a_text_of_any_length_arrives_with_its_size_on_the_wire(length: int) -> None:
    data = text("x" * length)
    assert feed(data) == [TextMessage("x" * length, len(data))]


def test_several_messages_of_one_read_arrive_in_order() -> None:
    assert texts(feed(text("a") + text("") + text("b"))) == ["a", "", "b"]


def test_fragments_become_one_message_and_a_ping_between_them_is_seen_at_once() -> None:
    first, ping = frame(TEXT, b"a", fin=False), frame(PING, b"?")
    rest = frame(CONTINUATION, b"b", fin=False) + frame(CONTINUATION, b"c")
    machine = framing()
    assert machine.feed(first + ping) == [Ping(b"?")]
    assert machine.inside_message
    assert machine.feed(rest) == [TextMessage("abc", len(first) + len(rest))]
    assert not machine.inside_message


def test_empty_fragments_are_allowed() -> None:
    data = frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) + frame(CONTINUATION)
    assert feed(data) == [TextMessage("", len(data))]


def test_binary_messages_stay_bytes() -> None:
    data = frame(BINARY, b"\xff", fin=False) + frame(CONTINUATION, b"\x00")
    assert feed(data) == [BinaryMessage(b"\xff\x00", len(data))]


def test_pongs_are_told_apart_from_pings() -> None:
    assert feed(frame(PONG, b"p") + frame(PING, b"x" * 125)) == [Pong(b"p"), Ping(b"x" * 125)]


def test_a_character_may_be_cut_between_two_fragments() -> None:
    euro = "€".encode()
    data = frame(TEXT, euro[:1], fin=False) + frame(CONTINUATION, euro[1:])
    assert texts(feed(data)) == ["€"]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(frame(PING, b"x" * 126), id="oversized ping"),
        pytest.param(frame(PING, fin=False), id="fragmented ping"),
        pytest.param(frame(CLOSE, b"\x03\xe8", fin=False), id="fragmented close"),
        pytest.param(frame(CLOSE, b"\x03\xe8" + b"x" * 124), id="oversized close"),
        pytest.param(frame(TEXT, b"hello", mask=b"abcd"), id="masked"),
        *(pytest.param(frame(TEXT, b"x", rsv=bits), id=f"rsv {bits}") for bits in range(1, 8)),
        *(
            pytest.param(frame(opcode), id=f"opcode {opcode}")
            for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
        ),
        pytest.param(frame(CONTINUATION, b"x"), id="continuation of nothing"),
        pytest.param(frame(CONTINUATION, b""), id="empty continuation of nothing"),
        pytest.param(frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), id="text inside a message"),
        pytest.param(frame(TEXT, b"a", fin=False) + frame(BINARY), id="binary inside a message"),
        pytest.param(b"\x81\x7e\x00\x05hello", id="length in more bytes than needed"),
        pytest.param(b"\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x05hello", id="the same in eight"),
        pytest.param(b"\x81\x7f" + b"\xff" * 8, id="length with the highest bit set"),
        pytest.param(frame(CLOSE, b"x"), id="close with half a code"),
        *(
            pytest.param(close(code), id=f"close {code}")
            for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
        ),
    ],
)
def test_what_breaks_the_framing_is_a_protocol_error(data: bytes) -> None:
    assert only_violation(data) == 1002


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(frame(TEXT, b"\xff"), id="invalid byte"),
        pytest.param(frame(TEXT, b"\xc0\xaf"), id="overlong"),
        pytest.param(frame(TEXT, b"\xed\xa0\x80"), id="surrogate"),
        pytest.param(frame(TEXT, b"\xf4\x90\x80\x80"), id="beyond Unicode"),
        pytest.param(frame(TEXT, b"\xe2\x82"), id="cut off"),
        pytest.param(frame(TEXT, b"\xe2", fin=False) + frame(CONTINUATION), id="cut off, split"),
        pytest.param(
            frame(TEXT, b"\xce", fin=False) + frame(CONTINUATION, b"\xce"), id="broken across"
        ),
        pytest.param(frame(CLOSE, b"\x03\xe8\xff"), id="reason"),
    ],
)
def test_text_that_is_not_utf_8_is_refused_as_such(data: bytes) -> None:
    assert only_violation(data) == 1007


def test_broken_utf_8_is_refused_before_the_message_ends() -> None:
    assert only_violation(frame(TEXT, b"ab\xf5", fin=False)) == 1007
    assert only_violation(frame(TEXT, b"ab\xf5", length=1000)) == 1007


@pytest.mark.parametrize(
    "code",
    [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999],
)
def test_a_close_brings_code_and_reason(code: int) -> None:
    assert feed(close(code, "über")) == [Close(code, "über")]


def test_a_close_without_a_body_has_the_code_1005() -> None:
    assert feed(close(None)) == [Close(1005, "")]


def test_nothing_is_read_after_a_close_or_a_violation() -> None:
    for last in (close(), close(None), frame(3)):
        machine = framing()
        assert len(machine.feed(last + text("late"))) == 1
        assert machine.feed(text("later")) == []


def test_what_came_before_a_violation_is_kept() -> None:
    good, bad = feed(text("good") + frame(PING, fin=False))
    assert good == TextMessage("good", 6)
    assert isinstance(bad, Violation)


def test_a_message_is_refused_by_its_announced_length() -> None:
    machine = framing(max_message_bytes=100)
    (event,) = machine.feed(frame(TEXT, length=2**62))
    assert isinstance(event, Violation)
    assert event.code == 1009
    assert str(2**62) in event.problem


def test_the_bound_on_a_message_counts_all_of_its_fragments() -> None:
    machine = framing(max_message_bytes=100)
    assert machine.feed(frame(TEXT, b"x" * 60, fin=False)) == []
    assert machine.feed(frame(CONTINUATION, b"x" * 40))[0] == TextMessage("x" * 100, 104)
    assert machine.feed(frame(TEXT, b"x" * 60, fin=False)) == []
    (event,) = machine.feed(frame(CONTINUATION, length=41))
    assert isinstance(event, Violation)
    assert event.code == 1009


def test_the_number_of_fragments_is_bounded_even_if_they_are_empty() -> None:
    machine = framing(max_fragments=3)
    assert machine.feed(frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) * 2) == []
    (event,) = machine.feed(frame(CONTINUATION))
    assert isinstance(event, Violation)
    assert event.code == 1009


def test_control_frames_do_not_count_as_fragments() -> None:
    machine = framing(max_fragments=2)
    events = machine.feed(frame(TEXT, b"a", fin=False) + frame(PING) * 50 + frame(CONTINUATION))
    assert texts(events) == ["a"]


@pytest.mark.parametrize(
    ("read", "inside"),
    [
        (b"", False),
        (b"\x81", True),
        (b"\x89", False),
        (text("ab")[:-1], True),
        (frame(PING, b"ab")[:-1], False),
        (frame(TEXT, b"a", fin=False) + frame(PING, b"ab")[:-1], True),
    ],
)
def test_it_is_known_whether_a_message_has_begun(read: bytes, inside: bool) -> None:
    machine = framing()
    machine.feed(read)
    assert machine.inside_message is inside


def test_what_is_sent_is_masked_and_reads_back() -> None:
    machine = framing()
    for content in ("", "hé", "x" * 126, "x" * 70_000):
        data = machine.text(content)
        length = len(content.encode())
        head = 2 if length < 126 else 4 if length < 2**16 else 10
        assert data[0] == 0x81
        assert data[1] & 0x80
        mask, payload = data[head : head + 4], data[head + 4 :]
        repeated = mask * (length // 4 + 1)
        plain = bytes(a ^ b for a, b in zip(payload, repeated, strict=False))
        assert plain.decode() == content
    assert machine.ping(b"p")[:2] == b"\x89\x81"
    assert machine.pong(b"p")[:2] == b"\x8a\x81"
    assert machine.close(1000)[:2] == b"\x88\x82"
    assert machine.close(1005)[:2] == b"\x88\x80"


def test_half_a_surrogate_pair_cannot_be_sent() -> None:
    with pytest.raises(UnicodeEncodeError):
        framing().text("\ud800")


def test_time_is_linear_in_the_bytes_however_they_are_cut() -> None:
    def seconds(megabytes: float, cut: int) -> float:
        size = int(megabytes * 2**20)
        machine = framing(max_message_bytes=2**30, max_fragments=10**9)
        data = frame(TEXT, b"x" * size)
        begun = process_time()
        for position in range(0, len(data), cut):
            machine.feed(data[position : position + cut])
        return process_time() - begun

    # Four times the bytes; quadratic would be sixteen times the time.
    small = min(seconds(0.25, 64) for _ in range(3))
    large = min(seconds(1, 64) for _ in range(3))
    assert large < 10 * small


# -- every way of cutting a stream gives the same events ------------------------------------------


@st.composite
def _messages(draw: st.DrawFn) -> tuple[bytes, list[Event]]:
    """A valid message in fragments, with control frames among them, and what it must give."""
    content = draw(st.text(max_size=200))
    opcode = draw(st.sampled_from([TEXT, BINARY]))
    payload = content.encode()
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=4)))
    pieces = [
        payload[start:end] for start, end in zip([0, *cuts], [*cuts, len(payload)], strict=True)
    ]
    data, size = b"", 0
    events: list[Event] = []
    for index, piece in enumerate(pieces):
        if index and draw(st.booleans()):
            ping = draw(st.binary(max_size=20))
            data += frame(PING, ping)
            events.append(Ping(ping))
        last = index == len(pieces) - 1
        part = frame(CONTINUATION if index else opcode, piece, fin=last)
        size += len(part)
        data += part
    whole = TextMessage(content, size) if opcode == TEXT else BinaryMessage(payload, size)
    return data, [*events, whole]


def _cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted(cut % (len(data) + 1) for cut in cuts)
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@settings(max_examples=60, deadline=None)
@given(st.lists(_messages(), max_size=4), st.lists(st.integers(0, 10_000), max_size=12))
def test_a_valid_stream_reads_the_same_wherever_it_is_cut(
    messages: list[tuple[bytes, list[Event]]], cuts: list[int]
) -> None:
    data = b"".join(data for data, _ in messages)
    expected = [event for _, events in messages for event in events]
    assert feed(data) == expected
    assert feed(*_cut(data, cuts)) == expected
    assert feed(*(bytes([byte]) for byte in data)) == expected


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=8))
def test_any_bytes_at_all_give_the_same_events_wherever_they_are_cut(
    data: bytes, cuts: list[int]
) -> None:
    assert feed(*_cut(data, cuts)) == feed(data)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.builds(
            frame,
            st.integers(0, 15),
            st.binary(max_size=10),
            fin=st.booleans(),
            rsv=st.sampled_from([0, 0, 0, 4]),
            mask=st.sampled_from([None, None, None, b"\x01\x02\x03\x04"]),
        ),
        max_size=6,
    ),
    st.lists(st.integers(0, 300), max_size=8),
)
def test_frames_of_any_kind_give_the_same_events_wherever_they_are_cut(
    frames: list[bytes], cuts: list[int]
) -> None:
    data = b"".join(frames)
    events = feed(data)
    assert feed(*_cut(data, cuts)) == events
    assert all(not isinstance(event, Close | Violation) for event in events[:-1])


def test_a_close_frame_may_be_cut_anywhere() -> None:
    data = close(4401, "bye")
    for cut in range(len(data) + 1):
        assert feed(data[:cut], data[cut:]) == [Close(4401, "bye")]


# -- the fast lane and the long way ---------------------------------------------------------------


class LongWay(Framing):
    """Every frame goes through wsproto."""

    def _take_whole_texts(self, data: bytes, position: int, events: list[Event]) -> int:
        return position


BOUNDS = {"max_message_bytes": 150, "max_fragments": 3}

_FRAMES = st.builds(
    frame,
    st.sampled_from([TEXT] * 8 + [BINARY, CONTINUATION, PING, PONG, CLOSE, 3, 11]),
    st.one_of(
        st.text(max_size=40).map(str.encode),
        st.sampled_from([b"x" * 125, b"x" * 126, b"\xc3" * 126, b"x" * 151, b"x" * 70_000]),
        st.binary(max_size=10),
    ),
    fin=st.sampled_from([True, True, True, False]),
    rsv=st.sampled_from([0, 0, 0, 0, 0, 4, 1]),
    mask=st.sampled_from([None, None, None, None, None, b"\x01\x02\x03\x04"]),
)
_ODD = st.sampled_from(
    [
        b"\x81\x7e\x00\x05hello",
        b"\x81\x7e\x00",
        b"\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x05hello",
        b"\x81\xfe\x00\x80",
        frame(TEXT, b"\xed\xa0\x80"),
        frame(TEXT, length=200),
        b"\x81",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(_FRAMES, _FRAMES, _FRAMES, _ODD), max_size=8),
    st.lists(st.integers(0, 400), max_size=8),
)
def test_the_fast_lane_and_the_long_way_agree_on_every_stream(
    frames: list[bytes], cuts: list[int]
) -> None:
    quick, slow = Framing(**BOUNDS), LongWay(**BOUNDS)
    for read in _cut(b"".join(frames), cuts):
        assert quick.feed(read) == slow.feed(read)
        assert quick.inside_message is slow.inside_message


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(_FRAMES, _ODD), max_size=4).map(b"".join).map(lambda data: data[:400]))
def test_they_agree_at_every_single_cut(data: bytes) -> None:
    for cut in range(len(data) + 1):
        quick, slow = Framing(**BOUNDS), LongWay(**BOUNDS)
        assert quick.feed(data[:cut]) == slow.feed(data[:cut])
        assert quick.feed(data[cut:]) == slow.feed(data[cut:])


def test_a_whole_text_message_is_not_shown_to_wsproto(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = framing()
    monkeypatch.setattr(machine, "_parse", None)
    assert texts(machine.feed(text("a") + text("ü" * 1000))) == ["a", "ü" * 1000]
