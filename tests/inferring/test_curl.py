"""A pasted curl command is understood as the shell and curl would, and none of it is run."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwire.inferring import CurlError, parse_curl
from turnwire.inferring.curl import MARK

BODY = '{"message": "Hello"}'


@pytest.mark.parametrize(
    "command",
    [
        f"curl https://a.example/chat -H 'Content-Type: application/json' -d '{BODY}'",
        f"$ curl -sSN -XPOST 'https://a.example/chat' --data-raw '{BODY}'",
        f"curl --json '{BODY}' https://a.example/chat | jq .",
        f"curl https://a.example/chat \\\n  --compressed \\\n  --data-binary '{BODY}' 2>/dev/null",
        'curl.exe "https://a.example/chat" -d "{\\"message\\": \\"Hello\\"}"',
        f"curl --url=https://a.example/chat --max-time 30 -o out.txt -d '{BODY}'",
        'curl https://a.example/chat --data-raw $\'{"message": "\\u0048ello"}\'',
        f"curl https://a.example/chat -d @- <<'EOF'\n{BODY}\nEOF",
        f"curl https://a.example/chat --json @- <<-EOF | jq\n\t{BODY}\n\tEOF\n",
        f"curl https://a.example/chat -H'X-A: b'  -d '{BODY}' && echo done",
    ],
)
def test_many_ways_to_write_one_request(command: str) -> None:
    request = parse_curl(command)

    assert (request.url, request.method) == ("https://a.example/chat", "POST")
    assert request.body is not None
    assert request.body.strip() == BODY
    assert request.headers["Content-Type"] == "application/json"


def test_headers_user_cookies_and_switches_are_taken() -> None:
    request = parse_curl(
        "curl -k -L -u me:secret -x http://proxy:3128 -b 'a=1; b=2' -H 'X-Key: v' -H 'Empty:' "
        "-A agent https://a.example/"
    )

    assert (request.user, request.password) == ("me", "secret")
    assert request.headers == {"X-Key": "v", "Cookie": "a=1; b=2"}
    assert (request.verify, request.follow_redirects) == (False, True)
    assert (request.proxy, request.method) == ("http://proxy:3128", "GET")


def test_get_puts_data_into_the_query() -> None:
    request = parse_curl("curl -G a.example/ask --data-urlencode 'q=What now?' -d n=1")

    assert (request.url, request.method) == ("http://a.example/ask?q=What%20now%3F&n=1", "GET")
    assert request.body is None


def test_browsers_write_emoji_as_two_escapes() -> None:
    assert parse_curl("curl a.example -d $'\\ud83d\\ude42 \\'quoted\\''").body == "🙂 'quoted'"


def test_shell_variables_are_kept_by_name_where_a_shell_would_look() -> None:
    request = parse_curl("curl a.example -H \"Authorization: Bearer ${KEY}\" -d '$5 for $KEY'")

    assert request.headers["Authorization"] == f"Bearer {MARK}KEY{MARK}"
    assert request.body == "$5 for $KEY"


def test_a_file_is_read_where_that_is_allowed() -> None:
    files = {"body.json": BODY}
    assert parse_curl("curl a.example -d @body.json", files.__getitem__).body == BODY
    with pytest.raises(CurlError, match=r"body\.json"):
        parse_curl("curl a.example -d @body.json")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("wget https://a.example", "no curl command"),
        ("curl -s", "no URL"),
        ("curl a.example -d", "has no value"),
        ("curl 'a.example", "not closed"),
        ('curl "a.example', "not closed"),
        ("curl a.example b.example", "more than one URL"),
        ("curl a.example -d $(cat body)", "nothing is run"),
        ("curl a.example -H `auth`", "nothing is run"),
        ("curl a.example -F file=@x", "several parts"),
        ("curl a.example -d @- <<EOF\n{}", "here-document"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_the_reason(command: str, reason: str) -> None:
    with pytest.raises(CurlError, match=reason):
        parse_curl(command)


@given(st.text(alphabet="curl -dHX'\"\\$`{}\n\ue000@=<EOF:/.", max_size=60))
def test_whatever_is_pasted_is_read_or_refused(text: str) -> None:
    with suppress(CurlError):
        assert "://" in parse_curl(f"curl {text}").url
