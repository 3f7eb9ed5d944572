"""From the bytes of a body to one frame."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire_core.errors import FrameTooLarge, InvalidFrame, Phase
from turnwire_core.events import Frame
from turnwire_http_chat.decoding import BodyDecoder


def show(data: bytes) -> str:
    return data.decode().replace("s3cret", "***")


def decode(*pieces: bytes, content_type: str = "application/json", limit: int = 1000) -> Frame:
    decoder = BodyDecoder(content_type, limit_bytes=limit, show=show)
    for stamp, piece in enumerate(pieces, start=1):
        decoder.feed(piece, stamp)
    return decoder.finish()


def test_a_body_is_one_whole_frame_with_the_stamp_of_its_last_bytes() -> None:
    assert decode(b'{"re', b'ply":"hi"}') == Frame(
        received_ns=2, data='{"reply":"hi"}', event=None, raw=14, whole=True
    )


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("grüß".encode(), "application/json", "grüß"),
        ("grüß".encode("latin-1"), "application/json; charset=ISO-8859-1", "grüß"),
        ("grüß".encode("utf-16"), 'text/plain; a=b; Charset="UTF-16"', "grüß"),
        (b"a\xffb", "text/plain", "a\ufffdb"),
        (b"plain", "text/plain; charset=no-such-thing", "plain"),
        (b"plain", "text/plain; charset=hex", "plain"),
        (b"plain", "text/plain; charset=\x00", "plain"),
        (b"\xef\xbb\xbf{}", "application/json", "{}"),
        (b"{}", "", "{}"),
    ],
)
def test_text_is_read_in_its_charset(body: bytes, content_type: str, text: str) -> None:
    assert decode(body, content_type=content_type).data == text


@settings(deadline=None, max_examples=100)
@given(st.text(min_size=1).filter(lambda text: text.strip("\ufeff \t\n\r")), st.integers(0, 30))
def test_a_body_is_the_same_wherever_it_is_cut(text: str, cut: int) -> None:
    body = f'"{text}"'.encode()
    assert decode(body[:cut], body[cut:], limit=10_000).data == f'"{text}"'


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=60), st.text(max_size=30))
def test_no_bytes_and_no_content_type_make_it_crash(body: bytes, parameters: str) -> None:
    try:
        frame = decode(body, content_type=f"text/plain; charset={parameters}")
    except InvalidFrame:
        return
    assert frame.raw == len(body)


def test_a_body_that_passes_its_bound_is_not_kept() -> None:
    with pytest.raises(FrameTooLarge, match=r"limits\.maxEventBytes") as caught:
        decode(b"x" * 600, b"x" * 401)
    assert caught.value.limit_bytes == 1000
    assert decode(b"x" * 1000).raw == 1000


@pytest.mark.parametrize("body", [b"", b" \r\n", b"\xef\xbb\xbf"])
def test_an_empty_body_is_no_reply(body: bytes) -> None:
    with pytest.raises(InvalidFrame, match="its body is empty"):
        decode(body)


@pytest.mark.parametrize(
    "page",
    [b"<!DOCTYPE html><title>s3cret</title>", b"\n <HTML lang=en>s3cret", b"<?xml v?>s3cret"],
)
@pytest.mark.parametrize("content_type", ["text/html", "", "application/json"])
def test_a_page_for_a_browser_is_no_reply(page: bytes, content_type: str) -> None:
    with pytest.raises(InvalidFrame, match="perhaps a login") as caught:
        decode(page, content_type=content_type)
    assert "s3cret" not in str(caught.value)
    assert "***" in str(caught.value)


def test_json_under_a_wrong_type_is_still_json() -> None:
    assert decode(b'{"reply":"<html>"}', content_type="text/html").data == '{"reply":"<html>"}'


@pytest.mark.parametrize(
    "content_type",
    ["text/event-stream", "Text/Event-Stream; charset=utf-8", "application/x-ndjson"],
)
def test_a_stream_is_for_another_driver(content_type: str) -> None:
    with pytest.raises(InvalidFrame, match='"protocol": "sse"') as caught:
        decode(content_type=content_type)
    assert caught.value.phase is Phase.HEADERS
