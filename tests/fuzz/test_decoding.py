"""Bytes of any kind, cut anywhere: the same frames, no exception, and never more held than allowed.

That an event stream is read as the standard reads it is held in `tests/sse`, and framing against
valid frames in `tests/websocket`.
"""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.fuzzing import cuts, fuzz, places, soup
from support.ws_server import frame
from turnwire_core.errors import FrameTooLarge
from turnwire_sse.decoding import (
    DocumentDecoder,
    EventStreamDecoder,
    FrameDecoder,
    JsonLinesDecoder,
)
from turnwire_websocket.framing import BinaryMessage, Close, Event, Framing, TextMessage, Violation
from turnwire_websocket.handshake import Offer

DECODERS = (DocumentDecoder, EventStreamDecoder, JsonLinesDecoder)
BODY_WORDS = [b"data:", b"data: ", b"event: ", b"id:", b"retry: 1", b":", b"\n", b"\r", b"\r\n",
              b"\n\n", b'{"a": 1}', b"[DONE]", b"\x00", codecs.BOM_UTF8, "é𝕏".encode(),
              b"\xf0\x9d"]  # fmt: skip

CODES = {1002, 1007, 1009}
"""What a broken rule, text that is not UTF-8 and a message too big are closed with."""


Seen = tuple[str | bytes, str | None, bool]


def decoded(decoder: FrameDecoder, pieces: list[bytes]) -> tuple[list[Seen], bool]:
    """The frames of a body, and whether it was too large.

    Without their sizes: a LF that comes one read after its CR is counted with what follows.
    """
    frames = [found for piece in pieces for found in decoder.feed(piece, 0)]
    frames += decoder.finish()
    assert decoder.failure is None or isinstance(decoder.failure, FrameTooLarge)
    seen = [(found.data, found.event, found.whole) for found in frames]
    return seen, decoder.failure is not None


LIMIT = 24


@pytest.mark.parametrize("kind", DECODERS)
@fuzz
@given(data=soup(BODY_WORDS), where=places)
def test_a_body_of_any_format(kind: type[FrameDecoder], data: bytes, where: list[int]) -> None:
    whole = decoded(kind(LIMIT), [data])
    assert decoded(kind(LIMIT), cuts(data, where)) == whole
    assert decoded(kind(LIMIT), [bytes([byte]) for byte in data]) == whole
    frames, _ = whole
    assert all(len(data) <= LIMIT for data, _, _ in frames)


frames_of_any_kind = st.lists(
    st.builds(
        frame,
        st.sampled_from([0, 1, 1, 2, 8, 9, 10, 3, 15]),
        st.binary(max_size=140) | st.text(max_size=40).map(str.encode),
        fin=st.booleans(),
        rsv=st.sampled_from([0, 0, 0, 0, 1, 4]),
        mask=st.sampled_from([None, None, None, None, b"\x01\x02\x03\x04"]),
        length=st.sampled_from([None, None, None, None, 0, 5, 126, 2**16, 2**62, 2**63]),
    ),
    max_size=8,
).map(b"".join)


@fuzz
@given(data=frames_of_any_kind | st.binary(max_size=200), where=places)
def test_a_websocket(data: bytes, where: list[int]) -> None:
    framing = Framing(max_message_bytes=LIMIT, max_fragments=4)
    events: list[Event] = [event for piece in cuts(data, where) for event in framing.feed(piece)]
    for event in events:
        match event:
            case TextMessage(text):
                assert len(text.encode()) <= LIMIT
            case BinaryMessage(payload):
                assert len(payload) <= LIMIT
            case Violation(code, problem):
                assert code in CODES
                assert problem
    ends = [event for event in events if isinstance(event, Close | Violation)]
    assert ends == [] or ends == [events[-1]], "nothing comes after the end"
    assert ends == [] or framing.feed(b"\x81\x01a") == []


header_names = st.sampled_from(
    [
        "upgrade",
        "connection",
        "sec-websocket-accept",
        "sec-websocket-extensions",
        "sec-websocket-protocol",
    ]
)


@fuzz
@given(
    answer=st.dictionaries(
        header_names, st.text(max_size=20) | st.sampled_from(["websocket", "Upgrade"])
    ),
    protocols=st.lists(st.sampled_from(["chat", "v2"]), max_size=2, unique=True),
)
def test_no_answer_to_a_handshake_is_taken_but_the_one_to_our_key(
    answer: dict[str, str], protocols: list[str]
) -> None:
    assert Offer(tuple(protocols)).problem(answer)
