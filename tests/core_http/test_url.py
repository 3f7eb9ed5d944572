"""URLs that are taken apart without httpx: what comes out must be what httpx says."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire_core.http import _url
from turnwire_core.http._url import Url, parse_url

_LETTERS = st.text("aAzZ09-_~.:@%/?&=+,#[]\\ é\n;!'()*$", max_size=12)
_PLAIN = st.text("abz09-_.", max_size=12)
_HOSTS = st.one_of(
    st.sampled_from(
        ["localhost", "127.0.0.1", "256.1.1.1", "01.2.3.4", "1.2.3", "[::1]", "xn--bcher-kva.de"]
    ),
    st.sampled_from(
        ["EXAMPLE.com", "bücher.de", "a..b", "-a.de", "a-.de", "user:pw@h", "1-2-3-4", ""]
    ),
    st.builds("{}.{}".format, _PLAIN, _PLAIN),
)
_URLS = st.one_of(
    st.builds(
        "{}://{}{}{}{}".format,
        st.sampled_from(["http", "https", "ws", "wss", "HTTP", "ftp", ""]),
        _HOSTS,
        st.sampled_from(["", ":80", ":443", ":8080", ":", ":0", ":080", ":65535", ":65536", ":x"]),
        st.one_of(_LETTERS, _PLAIN.map("/{}".format), _LETTERS.map("/{}".format)),
        st.one_of(st.just(""), _PLAIN.map("?{}".format), _LETTERS.map("?{}".format)),
    ),
    _LETTERS,
)


def _or_none(parse: object, *arguments: str) -> Url | None:
    try:
        return parse(*arguments)  # type: ignore[operator, no-any-return]
    except ValueError:
        return None


@pytest.fixture(autouse=True)
def _both_ways() -> None:
    """Nothing is sent."""


@given(_URLS)
@settings(max_examples=500, deadline=None)
def test_both_ways_say_the_same(text: str) -> None:
    assert _or_none(parse_url, text) == _or_none(_url._by_httpx, text)


@given(_URLS, st.sampled_from(["a=1", "a=b%20c&d=", "q=%2F"]))
@settings(max_examples=200, deadline=None)
def test_a_url_that_was_understood_reads_back_as_itself(text: str, query: str) -> None:
    url = _or_none(parse_url, text)
    if url is None or url.scheme not in ("http", "https") or not url.host:
        return
    for one in (url, url.with_query(query)):
        again = parse_url(str(one))
        assert (again.raw_path, again.origin[2]) == (one.raw_path, one.origin[2])
        # httpx writes an escape in a host, where none belongs, in capitals at first.
        assert again.raw_host.lower() == one.raw_host.lower()


@pytest.mark.parametrize(
    ("text", "query", "raw_path"),
    [
        ("http://h", "a=1", b"/?a=1"),
        ("http://h/p?", "a=1", b"/p?a=1"),
        ("http://h/p?x=/y", "a=1", b"/p?x=/y&a=1"),
        ("http://h/%C3%A9?b=%20", "a=1", b"/%C3%A9?b=%20&a=1"),
    ],
)
def test_a_query_goes_behind_what_is_there(text: str, query: str, raw_path: bytes) -> None:
    assert parse_url(text).with_query(query).raw_path == raw_path


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:4010/v1/chat/completions?api-version=2024-10-21",
        "https://api.openai.com/v1/chat/completions",
        "wss://example.com",
    ],
)
def test_what_most_targets_have_needs_no_httpx(text: str) -> None:
    code = (
        "import sys; from turnwire_core.http._url import parse_url; parse_url(sys.argv[1]); "
        "print('httpx' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, text], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False\n"
