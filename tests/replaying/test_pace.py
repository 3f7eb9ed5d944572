"""How fast a recording is played, and in which pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire.replaying import Clock, Cut, Speed
from turnwire.replaying.frames import FrameScanner, Opcode
from turnwire.replaying.script import Moment, Saying


@pytest.mark.parametrize(
    ("text", "factor"), [("1", 1.0), ("0.5", 0.5), (" 10 ", 10.0), ("max", None), ("0", None)]
)
def test_a_speed_is_a_number_or_max(text: str, factor: float | None) -> None:
    assert Speed.parse(text).factor == factor


@pytest.mark.parametrize("text", ["", "fast", "-1", "nan", "inf", "0.00001", "10x"])
def test_what_is_no_speed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a speed is a number from"):
        Speed.parse(text)


@pytest.mark.parametrize(
    ("text", "cut"),
    [("reads", Cut()), ("every", Cut(1)), ("17", Cut(17)), ("Random:5", Cut(seed=5))],
)
def test_a_cut_is_written_as_it_is_shown(text: str, cut: Cut) -> None:
    assert Cut.parse(text) == cut
    assert Cut.parse(str(cut)) == cut


@pytest.mark.parametrize("text", ["", "0", "-1", "1:2", "every:2", "random:", "random:x", "all"])
def test_what_is_no_cut_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="it is reads, every, a number of bytes, random"):
        Cut.parse(text)


def test_a_seed_that_was_drawn_is_shown_and_cuts_the_same_again() -> None:
    sayings = [Saying(Moment(0, n, n), bytes(50)) for n in range(5)]
    cut = Cut.parse("random")
    again = Cut.parse(str(cut))
    assert [one.data for one in cut.apply(sayings)] == [one.data for one in again.apply(sayings)]


@settings(deadline=None, max_examples=60)
@given(
    data=st.lists(st.binary(min_size=1, max_size=20), max_size=8),
    cut=st.one_of(
        st.just(Cut()),
        st.integers(1, 30).map(Cut),
        st.integers(0, 9).map(lambda seed: Cut(seed=seed)),
    ),
)
def test_cutting_keeps_every_byte_and_says_none_before_its_time(
    data: list[bytes], cut: Cut
) -> None:
    sayings = [Saying(Moment(0, n, n), piece) for n, piece in enumerate(data)]
    due = [n for n, piece in enumerate(data) for _ in piece]
    pieces = list(cut.apply(sayings))
    assert b"".join(one.data for one in pieces) == b"".join(data)
    assert all(one.data for one in pieces)
    said = 0
    for piece in pieces:
        said += len(piece.data)
        # When its last byte was said, and not with what came later.
        assert piece.at.in_turn_ns == due[said - 1]


def test_moments_count_from_the_turn_and_where_it_is_not_known_from_what_was_asked() -> None:
    clock = Clock(Speed(2.0))
    moment = Moment(3, in_turn_ns=1000, in_step_ns=400)
    assert clock.due_ns(moment, asked_ns=50) == 50 + 200
    clock.turn_started(3, 10_000)
    assert clock.due_ns(moment, asked_ns=50) == 10_000 + 500
    assert clock.due_ns(Moment(None, 1000, 400), asked_ns=50) == 50 + 200


FRAMES = st.lists(
    st.tuples(st.sampled_from([0, 1, 2, 8, 9, 10]), st.booleans(), st.binary(max_size=140)),
    max_size=5,
)


def framed(opcode: int, fin: bool, payload: bytes, key: bytes) -> bytes:
    """RFC 6455 §5.2."""
    mask = 0x80 if key else 0
    length = bytes([mask | len(payload)])
    if len(payload) > 125:
        length = bytes([mask | 126]) + len(payload).to_bytes(2, "big")
    body = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload)) if key else payload
    return bytes([(0x80 if fin else 0) | opcode]) + length + key + body


@settings(deadline=None, max_examples=60)
@given(
    frames=FRAMES,
    key=st.sampled_from([b"", b"\1\2\3\4"]),
    places=st.lists(st.integers(0, 10_000), max_size=9),
)
def test_frames_are_found_however_they_were_cut(
    frames: list[tuple[int, bool, bytes]], key: bytes, places: list[int]
) -> None:
    data = b"".join(framed(*one, key) for one in frames)
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    scanner = FrameScanner()
    ended, pings, covered = 0, [], 0
    for start, end in pairwise(edges):
        for part in scanner.feed(data[start:end]):
            covered += part.end - part.start
            ended += part.ends_message
            if part.opcode == Opcode.PING and part.ends_message:
                pings.append(part.payload)
    assert covered == len(data)
    assert ended == sum(fin for _, fin, _ in frames)
    assert pings == [payload for opcode, fin, payload in frames if opcode == 9 and fin]
