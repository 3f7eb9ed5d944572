"""Bodies that are compressed although nobody asked."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.http_peer import TURN, Peer, read_all, response, target
from support.raw_server import raw_server
from turnwire_core.contracts.connection import ByteCount, Limits
from turnwire_core.errors import FrameTooLarge, InvalidFrame, Phase, StreamBrokenError
from turnwire_core.http import HttpClient
from turnwire_core.http._encoding import SLICE_BYTES, BodyDecoder

io = pytest.mark.anyio


def bare_deflate(data: bytes) -> bytes:
    squeezer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeezer.compress(data) + squeezer.flush()


CODINGS = {
    "gzip": gzip.compress,
    "X-GZIP": gzip.compress,
    "deflate": zlib.compress,
    "deflate ": bare_deflate,
    "identity": bytes,
    "": bytes,
}


def decode(coding: str, pieces: list[bytes], limit: int = 1 << 26) -> bytes:
    decoder = BodyDecoder(coding, limit_bytes=limit)
    slices = [piece for data in pieces for piece in decoder.feed(data)]
    decoder.finish()
    return b"".join(slices)


@settings(deadline=None, max_examples=80)
@given(
    data=st.binary(max_size=300),
    coding=st.sampled_from(sorted(CODINGS)),
    cuts=st.lists(st.integers(0, 400), max_size=6),
)
def test_a_body_is_the_same_however_it_is_cut(data: bytes, coding: str, cuts: list[int]) -> None:
    body = CODINGS[coding](data)
    bounds = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = [body[a:b] for a, b in itertools.pairwise(bounds)]
    assert decode(coding, pieces) == data


@pytest.mark.parametrize("coding", ["gzip", "deflate", "deflate "])
def test_one_byte_at_a_time_is_enough(coding: str) -> None:
    body = CODINGS[coding](b"hello, hello, hello")
    assert decode(coding, [bytes([byte]) for byte in body]) == b"hello, hello, hello"


def test_gzip_may_have_several_members() -> None:
    assert decode("gzip", [gzip.compress(b"a") + gzip.compress(b"b")]) == b"ab"


def test_what_comes_out_comes_in_slices() -> None:
    decoder = BodyDecoder("gzip", limit_bytes=1 << 26)
    bomb = gzip.compress(bytes(10 * SLICE_BYTES + 1))
    sizes = [len(piece) for piece in decoder.feed(bomb)]
    assert max(sizes) == SLICE_BYTES
    assert sum(sizes) == 10 * SLICE_BYTES + 1


def test_nothing_stays_inside_when_a_slice_is_exactly_full() -> None:
    data = bytes(SLICE_BYTES * 3)
    assert decode("deflate", [zlib.compress(data)]) == data


@settings(deadline=None, max_examples=60)
@given(st.binary(min_size=1, max_size=200), st.sampled_from(["gzip", "deflate"]))
def test_no_bytes_make_it_crash(data: bytes, coding: str) -> None:
    with contextlib.suppress(InvalidFrame, StreamBrokenError):
        decode(coding, [data])


@io
async def test_a_gzip_body_is_read() -> None:
    answer = response(gzip.compress(b"hello"), headers=["Content-Encoding: gzip"])
    async with (
        raw_server(Peer(answer)) as port,
        HttpClient(target(port)) as client,
        client.exchange(TURN, accept="*/*") as reply,
    ):
        assert await read_all(reply) == b"hello"


async def failure(answer: bytes, error: type[Exception]) -> pytest.ExceptionInfo[Exception]:
    async with raw_server(Peer(answer)) as port:
        limits = Limits(max_reply_bytes=ByteCount(1_000_000))
        with pytest.raises(error) as caught:
            async with (
                HttpClient(target(port, limits=limits)) as client,
                client.exchange(TURN, accept="*/*") as reply,
            ):
                await read_all(reply)
    return caught


@io
async def test_a_gzip_bomb_meets_the_bound_on_what_comes_out() -> None:
    bomb = gzip.compress(bytes(100_000_000), compresslevel=9)
    caught = await failure(response(bomb, headers=["Content-Encoding: gzip"]), FrameTooLarge)
    assert "limits.maxReplyBytes" in str(caught.value)


@io
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_lie_about_the_coding_is_named(coding: str) -> None:
    answer = response(b'{"reply":1}', headers=[f"Content-Encoding: {coding}"])
    caught = await failure(answer, InvalidFrame)
    assert f"the bytes are not {coding}" in str(caught.value)


@io
async def test_compressed_data_without_its_end_is_cut_off() -> None:
    answer = response(gzip.compress(b"hello")[:-4], headers=["Content-Encoding: gzip"])
    caught = await failure(answer, StreamBrokenError)
    assert "compressed data does not end" in str(caught.value)


@io
async def test_a_coding_that_nobody_asked_for_is_refused_with_the_head() -> None:
    answer = response(b"xyz", headers=["Content-Encoding: br"])
    caught = await failure(answer, InvalidFrame)
    assert isinstance(caught.value, InvalidFrame)
    assert caught.value.phase is Phase.HEADERS
    assert "'br'" in str(caught.value)
