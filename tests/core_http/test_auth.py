"""Credentials on the wire, and OAuth 2 client credentials with their token."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import anyio
import pytest
from anyio.abc import SocketStream

from support.http_peer import TURN, Peer, read_all, response, target
from support.raw_server import raw_server, read_http_request
from turnwire_core.contracts.connection import Auth, Connection, Limits, Milliseconds, Secret
from turnwire_core.errors import (
    ConnectError,
    DriverError,
    ProtocolError,
    RejectedError,
    TimeLimitError,
)
from turnwire_core.http import HttpClient

pytestmark = pytest.mark.anyio

UNAUTHORIZED = response(b"expired", status="401 Unauthorized")


def token(value: str, **more: Any) -> bytes:
    document = {"access_token": value, "token_type": "Bearer", **more}
    return response(json.dumps(document).encode(), headers=["Content-Type: application/json"])


def oauth(port: int, **more: Any) -> Auth:
    return Auth(
        type="oauth2",
        token_url=f"http://127.0.0.1:{port}/token?tenant=t3nant",
        client_id="me@home",
        client_secret=Secret("s3cr:et/"),
        **more,
    )


async def take_turns(connection: Connection, number: int = 1) -> None:
    async with HttpClient(connection) as client:
        for _ in range(number):
            async with client.exchange(TURN, accept="*/*") as reply:
                await read_all(reply)


def authorizations(peer: Peer) -> list[str]:
    lines = "\r\n".join(peer.heads).split("\r\n")
    return [line.split(": ", 1)[1] for line in lines if line.lower().startswith("authorization:")]


@pytest.mark.parametrize(
    ("auth", "line"),
    [
        (Auth(type="bearer", token=Secret("abcd")), "authorization: Bearer abcd"),
        (
            Auth(type="basic", username="ä", password=Secret("p:w")),
            "authorization: Basic w6Q6cDp3",
        ),
        (Auth(type="api_key", key=Secret("k1")), "x-api-key: k1"),
        (Auth(type="api_key", key=Secret("k1"), header="X-Goog"), "x-goog: k1"),
    ],
)
async def test_credentials_become_a_header(auth: Auth, line: str) -> None:
    peer = Peer(response())
    async with raw_server(peer) as port:
        await take_turns(target(port, auth=auth))
    assert line in peer.lines


async def test_an_api_key_may_travel_in_the_query() -> None:
    peer = Peer(response())
    auth = Auth(type="api_key", key=Secret("k&1"), query="key")
    async with raw_server(peer) as port:
        await take_turns(target(port, "/x?a=b", auth=auth))
    assert peer.lines[0] == "POST /x?a=b&key=k%261 HTTP/1.1"


async def test_a_token_is_asked_for_once_and_kept() -> None:
    peer, issuer = Peer(response(), response()), Peer(token("t0ken-1", expires_in=3600))
    async with raw_server(peer) as port, raw_server(issuer) as issuing:
        connection = target(port, auth=oauth(issuing, scope="chat read"))
        await take_turns(connection, 2)
    assert authorizations(peer) == ["Bearer t0ken-1"] * 2
    assert issuer.lines[0] == "POST /token?tenant=t3nant HTTP/1.1"
    # RFC 6749 §2.3.1: form-encoded, then Basic ("me%40home:s3cr%3Aet%2F").
    assert authorizations(issuer) == ["Basic bWUlNDBob21lOnMzY3IlM0FldCUyRg=="]
    assert parse_qs(issuer.bodies[0].decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["chat read"],
    }
    assert connection.secrets.mask("t0ken-1") == "***"


@pytest.mark.parametrize("life", [0, "0", 0.001])
async def test_a_token_that_has_run_out_is_asked_for_anew(life: Any) -> None:
    peer = Peer(response(), response())
    issuer = Peer(token("t0ken-1", expires_in=life), token("t0ken-2", expires_in=life))
    async with raw_server(peer) as port, raw_server(issuer) as issuing:
        await take_turns(target(port, auth=oauth(issuing)), 2)
    assert authorizations(peer) == ["Bearer t0ken-1", "Bearer t0ken-2"]


async def test_a_401_renews_the_token_once() -> None:
    peer = Peer(response(), UNAUTHORIZED, response(b"again"))
    issuer = Peer(token("t0ken-1"), token("t0ken-2"))
    connections = [peer]
    async with raw_server(peer) as port, raw_server(issuer) as issuing:
        await take_turns(target(port, auth=oauth(issuing)), 2)
    assert authorizations(connections[0]) == ["Bearer t0ken-1"] * 2 + ["Bearer t0ken-2"]


async def test_a_second_401_is_a_rejection() -> None:
    peer = Peer(UNAUTHORIZED, UNAUTHORIZED)
    issuer = Peer(token("t0ken-1"), token("t0ken-2"))
    async with raw_server(peer) as port, raw_server(issuer) as issuing:
        with pytest.raises(RejectedError, match="Check the credentials") as caught:
            await take_turns(target(port, auth=oauth(issuing)))
    assert caught.value.status == 401
    assert len(peer.heads) == 2


async def test_without_oauth_a_401_is_not_tried_again() -> None:
    peer = Peer(UNAUTHORIZED, response())
    async with raw_server(peer) as port:
        with pytest.raises(RejectedError):
            await take_turns(target(port, auth=Auth(type="bearer", token=Secret("abcd"))))
    assert len(peer.heads) == 1


async def test_an_issuer_that_wants_credentials_in_the_body_gets_them_there() -> None:
    peer = Peer(response(), response())
    refusal = response(b'{"error":"invalid_client"}', status="401 Unauthorized")
    issuer = Peer(refusal, token("t0ken-1", expires_in=0), token("t0ken-2"))
    async with raw_server(peer) as port, raw_server(issuer) as issuing:
        await take_turns(target(port, auth=oauth(issuing)), 2)
    assert authorizations(peer) == ["Bearer t0ken-1", "Bearer t0ken-2"]
    assert len(authorizations(issuer)) == 1  # what was right is remembered
    for body in issuer.bodies[1:]:
        assert parse_qs(body.decode())["client_secret"] == ["s3cr:et/"]


async def failure_with(answer: bytes, *more: bytes) -> DriverError:
    async with raw_server(Peer()) as port, raw_server(Peer(answer, *more)) as issuing:
        connection = target(port, auth=oauth(issuing))
        connection.secrets.add("s3cr:et/")
        with pytest.raises(DriverError) as caught:
            await take_turns(connection)
    return caught.value


async def test_refused_client_credentials_are_the_token_endpoints_doing() -> None:
    said = b'{"error":"invalid_client","error_description":"no s3cr:et/ here\\u001b[2J"}'
    refusal = response(said, status="401 Unauthorized")
    error = await failure_with(refusal, refusal)
    assert isinstance(error, RejectedError)
    assert error.status == 401
    assert "The token endpoint http://127.0.0.1:" in str(error)
    assert "Check 'clientId' and 'clientSecret'" in str(error)
    for text in (str(error), error.body):
        assert "s3cr" not in text
        assert "t3nant" not in text
        assert "\x1b" not in text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"<html>", "answered without a token"),
        (b"[" * 200_000, "answered without a token"),
        (b'{"access_token": 7}', "answered without a token"),
        (b'{"access_token": "abc-def", "token_type": "mac"}', "no bearer token"),
    ],
)
async def test_an_answer_without_a_usable_token_is_named(body: bytes, text: str) -> None:
    error = await failure_with(response(body))
    assert type(error) is ProtocolError
    assert text in str(error)


async def test_a_token_endpoint_out_of_reach_is_not_taken_for_the_target() -> None:
    async with raw_server(Peer()) as port:
        with pytest.raises(ConnectError, match=r"token endpoint http://127\.0\.0\.1:1") as caught:
            await take_turns(target(port, auth=oauth(1)))
    assert "auth.tokenUrl" in str(caught.value)


async def test_a_token_endpoint_that_hangs_meets_the_connect_limit() -> None:
    async def silent(stream: SocketStream) -> None:
        await anyio.sleep_forever()

    async with raw_server(Peer()) as port, raw_server(silent) as issuing:
        limits = Limits(connect_ms=Milliseconds(100))
        with pytest.raises(TimeLimitError, match="token endpoint"), anyio.fail_after(5):
            await take_turns(target(port, auth=oauth(issuing), limits=limits))


async def test_the_time_spent_on_a_token_is_no_time_of_connecting() -> None:
    peer, issuer = Peer(response()), Peer(token("t0ken-1"))
    async with raw_server(peer) as port, raw_server(issuer) as issuing:
        connection = target(port, auth=oauth(issuing))
        async with (
            HttpClient(connection) as client,
            client.exchange(TURN, accept="*/*") as reply,
        ):
            times = reply.times
    assert times.connected_ns is not None
    assert times.sent_ns is not None
    assert times.headers_ns is not None
    assert times.connected_ns < times.sent_ns < times.headers_ns


@pytest.mark.parametrize("url", ["http://[::1", "http://h.test:port/", "auth.test/token"])
async def test_a_token_url_that_is_none_is_named(url: str) -> None:
    auth = Auth(type="oauth2", token_url=url, client_id="me", client_secret=Secret("s3cr:et/"))
    with pytest.raises(ProtocolError, match=r"'auth\.tokenUrl'"):
        await take_turns(target(1, auth=auth))


async def test_a_token_answer_that_stops_in_the_middle_is_not_waited_for() -> None:
    async def half(stream: SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
        await anyio.sleep_forever()

    async with raw_server(half) as issuing:
        limits = Limits(connect_ms=Milliseconds(200))
        with pytest.raises(TimeLimitError, match="token endpoint"), anyio.fail_after(5):
            await take_turns(target(1, auth=oauth(issuing), limits=limits))
