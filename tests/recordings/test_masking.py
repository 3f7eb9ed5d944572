"""In a recording a secret is stars, as many as it had bytes, wherever the network cut it."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire.recordings.masking import MaskedBytes, StreamMask
from turnwire.recordings.payloads import PayloadFinder
from turnwire_core.contracts.tap import FRAMES
from turnwire_core.secrets import Secrets

SECRET = 'sk-"Grüße"/+7 end'

FORMS = {
    "plain": SECRET.encode(),
    "URL": quote(SECRET, safe="").encode(),
    "JSON": json.dumps(SECRET).encode(),
    "base64": base64.b64encode(SECRET.encode()),
    "base64 within more": base64.b64encode(b"user:" + SECRET.encode()),
}


def chunked(parts: Sequence[bytes]) -> bytes:
    """A response with each part as a chunk (RFC 9112 §7.1)."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def framed(parts: Sequence[bytes]) -> bytes:
    """A message of a WebSocket, with each part as a fragment (RFC 6455 §5.4)."""
    frames = b""
    for index, part in enumerate(parts):
        first = (0x01 if index == 0 else 0) | (0x80 if index == len(parts) - 1 else 0)
        frames += bytes([first, 126]) + len(part).to_bytes(2, "big") + part
    return frames


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[start:end] for start, end in pairwise(edges) if start < end]


def masked(reads: Sequence[bytes], secrets: Secrets, label: str = "body") -> list[bytes]:
    """What a recording keeps of each read."""
    mask, finder = StreamMask(secrets), PayloadFinder()
    pieces = []
    for read in reads:
        piece = MaskedBytes(read)
        mask.add(piece, finder.feed(read, label))
        mask.search()
        pieces.append(piece)
    mask.search(final=True)
    assert all(piece.ready for piece in pieces)
    return [bytes(piece.data) for piece in pieces]


CUTS = st.lists(st.integers(0, 10_000), max_size=12)


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None, max_examples=30)
@given(parts=CUTS, reads=CUTS, wrap=st.sampled_from([b"".join, chunked, framed]))
def test_a_secret_is_masked_in_its_length_however_it_was_cut(
    form: str, parts: list[int], reads: list[int], wrap: object
) -> None:
    assert callable(wrap)
    said = b"before " + FORMS[form] + b" behind"
    pieces = cut(said, parts)
    data = wrap(pieces)
    label = FRAMES if wrap is framed else "body"
    kept = b"".join(masked(cut(data, reads), Secrets([SECRET]), label))
    assert len(kept) == len(data)
    # What is left reads as before around the stars, with the same sizes of chunks and frames.
    (start, end), *more = Secrets([SECRET]).find(said)
    spans = [(start, end), *more]
    stars = bytearray(said)
    for first, last in spans:
        stars[first:last] = b"*" * (last - first)
    assert kept == wrap(cut(bytes(stars), parts))


def test_what_holds_no_secret_stays_as_it_is_whatever_its_bytes() -> None:
    data = bytes(range(256)) * 3
    assert masked([data[:100], data[100:]], Secrets([SECRET])) == [data[:100], data[100:]]


def test_bytes_wait_only_until_no_secret_can_have_begun_in_them() -> None:
    secrets = Secrets(["hunter2hunter2"])
    mask = StreamMask(secrets)
    first = MaskedBytes(b"hello")
    mask.add(first, [(0, 5)])
    mask.search()
    assert not first.ready
    more = MaskedBytes(b"x" * secrets.reach)
    mask.add(more, [(0, secrets.reach)])
    mask.search()
    assert first.ready
    assert not more.ready


def test_without_secrets_nothing_waits() -> None:
    mask = StreamMask(Secrets())
    piece = MaskedBytes(b"hello")
    mask.add(piece, [(0, 5)])
    mask.search()
    assert piece.ready


@settings(deadline=None, max_examples=60)
@given(
    data=st.one_of(
        st.binary(max_size=200),
        st.lists(st.binary(min_size=1, max_size=30), max_size=5).map(chunked),
        st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=5).map(framed),
    ),
    reads=CUTS,
    label=st.sampled_from(["body", FRAMES]),
)
def test_payload_is_the_same_bytes_however_they_were_cut(
    data: bytes, reads: list[int], label: str
) -> None:
    def payload(pieces: Sequence[bytes]) -> bytes:
        finder = PayloadFinder()
        return b"".join(
            piece[start:end] for piece in pieces for start, end in finder.feed(piece, label)
        )

    assert payload(cut(data, reads)) == payload([data] if data else [])


def test_the_reach_of_secrets_covers_every_written_form() -> None:
    assert Secrets([SECRET]).reach >= max(map(len, FORMS.values()))
    assert Secrets().reach == 0
