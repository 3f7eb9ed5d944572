"""What goes out for a turn."""

from __future__ import annotations

import contextlib

import anyio
import pytest
from anyio.abc import SocketStream

from support.http_peer import TURN, Peer, read_all, response, target
from support.raw_server import raw_server
from turnwire_core.contracts.connection import Auth, Connection, Request, Secret
from turnwire_core.errors import ProtocolError
from turnwire_core.events import Turn
from turnwire_core.http import HttpClient

pytestmark = pytest.mark.anyio


async def send(connection: Connection, *, body: object = None, turn: Turn = TURN) -> bytes:
    async with (
        HttpClient(connection) as client,
        client.exchange(turn, body=body, accept="application/json") as reply,
    ):
        return await read_all(reply)


async def test_the_url_is_sent_as_it_is_written() -> None:
    peer = Peer(response())
    async with raw_server(peer) as port:
        await send(target(port, "/a%2Fb;v=1/?x=1+2&y=%20&flag"))
    assert peer.lines[0] == "POST /a%2Fb;v=1/?x=1+2&y=%20&flag HTTP/1.1"


async def test_the_turns_query_follows_the_urls_own() -> None:
    peer = Peer(response())
    turn = Turn(0, "hi", (), (), query={"q": "a b&c", "n": "1"})
    async with raw_server(peer) as port:
        await send(target(port, "/chat?alt=sse"), turn=turn)
    assert peer.lines[0] == "POST /chat?alt=sse&q=a%20b%26c&n=1 HTTP/1.1"


async def test_user_and_password_in_the_url_become_basic_credentials() -> None:
    peer = Peer(response())
    async with raw_server(peer) as port:
        connection = Connection(base_url=f"http://me:p%40ss@127.0.0.1:{port}/", trust_env=False)
        await send(connection)
    assert "authorization: Basic bWU6cEBzcw==" in peer.lines
    assert f"host: 127.0.0.1:{port}" in peer.lines
    assert connection.secrets.mask("p@ss bWU6cEBzcw==") == "*** ***"


async def test_json_goes_out_compact_and_in_utf_8() -> None:
    peer = Peer(response())
    async with raw_server(peer) as port:
        await send(target(port), body={"message": "grüß", "list": [1, None]})
    assert peer.bodies == ['{"message":"grüß","list":[1,null]}'.encode()]
    assert "content-type: application/json" in peer.lines


async def test_a_lone_surrogate_is_escaped_because_utf_8_has_none() -> None:
    peer = Peer(response())
    async with raw_server(peer) as port:
        await send(target(port), body={"message": "\ud800"})
    assert peer.bodies == [b'{"message":"\\ud800"}']


async def test_a_body_that_json_cannot_write_is_refused_in_words() -> None:
    with pytest.raises(ProtocolError, match="cannot be written as JSON"):
        await send(target(1), body={"n": float("nan")})


async def test_text_goes_out_as_it_is() -> None:
    peer = Peer(response())
    turn = Turn(0, "hi", (), (), headers={"content-type": "application/x-www-form-urlencoded"})
    async with raw_server(peer) as port:
        await send(target(port), body="a=1&b=2", turn=turn)
    assert peer.bodies == [b"a=1&b=2"]
    assert "content-type: application/x-www-form-urlencoded" in peer.lines


async def test_without_a_body_get_sends_neither_body_nor_type() -> None:
    peer = Peer(response())
    async with raw_server(peer) as port:
        await send(target(port, request=Request(method="GET")))
    assert peer.lines[0].startswith("GET ")
    assert not [line for line in peer.lines if line.startswith("content-")]


async def test_the_defaults_say_who_asks_and_that_nothing_is_to_be_compressed() -> None:
    peer = Peer(response())
    async with raw_server(peer) as port:
        await send(target(port))
    assert "accept-encoding: identity" in peer.lines
    assert "accept: application/json" in peer.lines
    assert any(line.startswith("user-agent: turnwire/") for line in peer.lines)


async def test_a_configured_header_wins_whatever_the_case_of_its_name() -> None:
    peer = Peer(response())
    turn = Turn(0, "hi", (), (), headers={"ACCEPT": "x/y", "authorization": "Mine abc"})
    auth = Auth(type="bearer", token=Secret("other"))
    async with raw_server(peer) as port:
        await send(target(port, auth=auth), turn=turn)
    assert [line for line in peer.lines if line.startswith("accept:")] == ["accept: x/y"]
    assert [line for line in peer.lines if line.startswith("auth")] == ["authorization: Mine abc"]


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\x00b", "é"])
async def test_a_header_that_is_none_is_named_but_not_quoted(value: str) -> None:
    turn = Turn(0, "hi", (), (), headers={"X-Key": value})
    with pytest.raises(ProtocolError, match="'X-Key'") as caught:
        await send(target(1), turn=turn)
    assert value not in str(caught.value)


async def test_turns_share_a_connection_and_its_cookies() -> None:
    peer = Peer(response(headers=["Set-Cookie: sid=abc"]), response())
    async with raw_server(peer) as port, HttpClient(target(port)) as client:
        async with client.exchange(TURN, accept="*/*") as first:
            await read_all(first)
            assert first.times.connected_ns is not None
        async with client.exchange(TURN, accept="*/*") as second:
            await read_all(second)
            assert second.times.connected_ns is None
    assert peer.connections == 1
    assert "cookie: sid=abc" in peer.lines


async def test_a_body_left_unread_costs_the_connection() -> None:
    peer = Peer(response(b"never read"), response(b"fresh"))
    async with raw_server(peer) as port, HttpClient(target(port)) as client:
        async with client.exchange(TURN, accept="*/*"):
            pass
        async with client.exchange(TURN, accept="*/*") as second:
            assert await read_all(second) == b"fresh"
    assert peer.connections == 2


async def test_a_turn_that_was_broken_off_reaches_no_later_one() -> None:
    peer = Peer(response(b"stale"), response(b"fresh"))
    async with raw_server(peer) as port, HttpClient(target(port)) as client:
        with contextlib.suppress(ZeroDivisionError):
            async with client.exchange(TURN, accept="*/*") as first:
                await first.receive()
                raise ZeroDivisionError
        async with client.exchange(TURN, accept="*/*") as second:
            assert await read_all(second) == b"fresh"
    assert peer.connections == 2


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again() -> None:
    peer = Peer(response(b"first"), response(b"second"))
    closed = anyio.Event()

    async def one_answer(stream: SocketStream) -> None:
        later, peer.answers = peer.answers[1:], peer.answers[:1]
        await peer(stream)
        peer.answers = later
        await stream.aclose()
        closed.set()

    async with raw_server(one_answer) as port, HttpClient(target(port)) as client:
        async with client.exchange(TURN, accept="*/*") as reply:
            assert await read_all(reply) == b"first"
        with anyio.fail_after(5):
            await closed.wait()
        async with client.exchange(TURN, accept="*/*") as reply:
            assert await read_all(reply) == b"second"
    assert peer.connections == 2


async def test_a_scheme_that_we_do_not_speak_is_refused_in_words() -> None:
    with pytest.raises(ProtocolError, match="must start with http://"):
        await send(Connection(base_url="ftp://h.test/", trust_env=False))
