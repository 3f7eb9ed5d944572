"""Statuses that are no reply, and redirects."""

from __future__ import annotations

import anyio
import pytest
from anyio.abc import SocketStream

from support.http_peer import TURN, Peer, read_all, response, target
from support.raw_server import raw_server, read_http_request
from turnwire_core.contracts.connection import Auth, Connection, Request, Secret
from turnwire_core.errors import RejectedError
from turnwire_core.events import Turn
from turnwire_core.http import HttpClient

pytestmark = pytest.mark.anyio


async def rejection(connection: Connection, turn: Turn = TURN) -> RejectedError:
    with anyio.fail_after(8):
        try:
            async with (
                HttpClient(connection) as client,
                client.exchange(turn, body={}, accept="*/*"),
            ):
                pass
        except RejectedError as exc:
            return exc
    raise AssertionError("the turn went well")


async def rejection_of(answer: bytes) -> RejectedError:
    async with raw_server(Peer(answer)) as port:
        return await rejection(target(port))


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("400 Bad Request", "Check 'request.body'"),
        ("401 Unauthorized", "Check the credentials"),
        ("404 Not Found", "Check the path in base_url: it is used exactly as written."),
        ("405 Method Not Allowed", "Check 'request.method'"),
        ("500 Internal Server Error", "look into its log"),
        ("599 Whatever", "answered 599: why?"),
    ],
)
async def test_a_status_comes_with_what_was_said_and_what_to_try(status: str, advice: str) -> None:
    error = await rejection_of(response(b"why?", status=status))
    assert advice in str(error)
    assert error.body == "why?"
    assert error.status == int(status[:3])


async def test_an_excerpt_holds_no_secret_and_nothing_that_a_terminal_obeys() -> None:
    said = b"bad key sk-12345678 \x1b[31m\r\n\x00 \xe2\x80\xae end" + b"." * 9000
    async with raw_server(Peer(response(said, status="403 Forbidden"))) as port:
        connection = target(port)
        connection.secrets.add("sk-12345678")
        error = await rejection(connection)
    assert error.body.startswith("bad key *** \\x1b[31m \\x00 \\x202e end..")
    assert len(error.body) == 2001
    assert len(str(error)) < 500


async def test_a_secret_at_the_cut_is_not_shown_in_part() -> None:
    said = b"x" * 1990 + b"sk-123456789abcdefghi"
    async with raw_server(Peer(response(said, status="403 Forbidden"))) as port:
        connection = target(port)
        connection.secrets.add("sk-123456789abcdefghi")
        error = await rejection(connection)
    assert "sk-1" not in error.body


async def test_an_error_body_that_never_ends_is_not_waited_for() -> None:
    async def hang(stream: SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(b"HTTP/1.1 500 Oops\r\nContent-Length: 99\r\n\r\nsorry")
        await anyio.sleep_forever()

    async with raw_server(hang) as port:
        error = await rejection(target(port))
    assert error.body == "sorry"


async def test_an_unreadable_error_body_still_leaves_the_status() -> None:
    answer = response(b"\x00\x01", status="500 Oops", headers=["Content-Encoding: br"])
    error = await rejection_of(answer)
    assert (error.status, error.body) == (500, "")


async def test_retry_after_is_carried_and_said() -> None:
    answer = response(b"", status="429 Too Many Requests", headers=["Retry-After: 7"])
    error = await rejection_of(answer)
    assert error.retry_after == 7
    assert error.retryable
    assert "It asks to wait 7 s." in str(error)


async def test_a_redirect_is_not_followed_by_default() -> None:
    location = "Location: https://u:p@other.test:8443/secret?token=abc"
    error = await rejection_of(response(b"", status="307 Temporary Redirect", headers=[location]))
    assert "It redirects to https://other.test:8443." in str(error)
    assert "'followRedirects'" in str(error)
    assert "secret" not in str(error)
    assert "token" not in str(error)


def moved(url: str, status: int = 307) -> bytes:
    return response(b"", status=f"{status} Moved", headers=[f"Location: {url}"])


async def follow(connection: Connection, turn: Turn = TURN) -> bytes:
    async with (
        HttpClient(connection) as client,
        client.exchange(turn, body={"m": 1}, accept="*/*") as reply,
    ):
        return await read_all(reply)


@pytest.mark.parametrize("status", [307, 308])
async def test_within_an_origin_a_redirect_keeps_method_body_and_headers(status: int) -> None:
    peer = Peer(moved("/new?v=2", status), response(b"here"))
    turn = Turn(0, "hi", (), (), headers={"X-Key": "abc"})
    async with raw_server(peer) as port:
        # The first answer costs its connection: its body is not read.
        assert await follow(target(port, follow_redirects=True), turn) == b"here"
    assert peer.lines[0] == "POST /new?v=2 HTTP/1.1"
    assert "x-key: abc" in peer.lines
    assert peer.bodies == [b'{"m":1}'] * 2


async def test_no_credential_travels_to_another_origin() -> None:
    there = Peer(response(b"there"))
    async with raw_server(there) as other:
        here = Peer(moved(f"http://127.0.0.1:{other}/x"))
        here.answers[0] = here.answers[0].replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b\r\n\r\n")
        turn = Turn(0, "hi", (), (), headers={"X-Key": "k", "Cookie": "c=d"}, query={"key": "k"})
        async with raw_server(here) as port:
            auth = Auth(type="bearer", token=Secret("tok-123"))
            assert await follow(target(port, auth=auth, follow_redirects=True), turn) == b"there"
    assert "x-key: k" in here.lines
    assert "authorization: Bearer tok-123" in here.lines
    assert there.lines[0] == "POST /x HTTP/1.1"
    assert f"host: 127.0.0.1:{other}" in there.lines
    names = {line.partition(":")[0] for line in there.lines[1:]}
    assert names == {
        "host",
        "user-agent",
        "accept",
        "accept-encoding",
        "content-type",
        "content-length",
    }


async def test_what_was_left_behind_is_not_picked_up_on_the_way_back() -> None:
    here, there = Peer(), Peer()
    turn = Turn(0, "hi", (), (), headers={"X-Key": "k"})
    async with raw_server(here) as port, raw_server(there) as other:
        here.answers = [moved(f"http://127.0.0.1:{other}/x"), response(b"back")]
        there.answers = [moved(f"http://127.0.0.1:{port}/y")]
        assert await follow(target(port, follow_redirects=True), turn) == b"back"
    assert "x-key: k" not in here.lines


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_redirect_that_would_make_it_a_get_is_not_followed(status: int) -> None:
    async with raw_server(Peer(moved("/new", status))) as port:
        error = await rejection(target(port, follow_redirects=True))
    assert error.status == status
    assert "only 307 and 308" in str(error)


async def test_redirects_in_a_circle_end() -> None:
    peer = Peer(*[moved("/again")] * 20)
    async with raw_server(peer) as port:
        error = await rejection(target(port, follow_redirects=True))
    assert "more than 5 times" in str(error)
    assert len(peer.heads) == 6


@pytest.mark.parametrize("url", ["ftp://x.test/", "http://[", "data:x"])
async def test_a_location_that_leads_nowhere_is_a_rejection(url: str) -> None:
    async with raw_server(Peer(moved(url))) as port:
        error = await rejection(target(port, follow_redirects=True, request=Request(method="PUT")))
    assert error.status == 307
