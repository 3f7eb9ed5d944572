"""Lines become frames, wherever they were cut."""

from __future__ import annotations

import pytest

from turnwire_core import FrameTooLarge, InvalidFrame
from turnwire_core.secrets import Secrets
from turnwire_ndjson_tcp.lines import LineDecoder

DATA = '{"text": "é"}\r\n\n{"done": true}\n{"text'.encode()


@pytest.mark.parametrize("cut", range(len(DATA) + 1))
def test_frames_do_not_depend_on_where_the_network_cuts(cut: int) -> None:
    decoder = LineDecoder(1000, Secrets())
    frames = decoder.feed(DATA[:cut], 1) + decoder.feed(DATA[cut:], 2)
    assert [frame.data for frame in frames] == ['{"text": "é"}', '{"done": true}']
    assert decoder.pending == len('{"text')


def test_what_came_before_a_line_that_is_too_long_is_not_lost() -> None:
    decoder = LineDecoder(10, Secrets())
    assert len(decoder.feed(b'{"a": 1}\n{"a": "' + b"x" * 20, 1)) == 1
    assert isinstance(decoder.failure, FrameTooLarge)


def test_a_line_that_is_no_object_is_quoted_without_secrets_and_without_escapes() -> None:
    decoder = LineDecoder(1000, Secrets(["hunter2"]))
    assert decoder.feed(b"\x1b[31mhunter2\n", 1) == []
    assert isinstance(decoder.failure, InvalidFrame)
    assert "'\\x1b[31m***'" in str(decoder.failure)
