"""Which proxy, the way through it, and whose fault it is when there is none."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import anyio
import pytest
from anyio.abc import SocketStream
from hypothesis import given, settings
from hypothesis import strategies as st

from support.certificates import Certificates
from support.http_peer import TURN, Peer, read_all, response, secured, target
from support.raw_server import raw_server, read_http_request
from turnwire_core.contracts.connection import Connection, Limits, Milliseconds
from turnwire_core.errors import DriverError, ProxyError, RejectedError, TlsError
from turnwire_core.http import HttpClient
from turnwire_core.http._proxy import choose_proxy, is_exempt, parse_proxy
from turnwire_core.secrets import Secrets

io = pytest.mark.anyio

UPGRADE = {"Upgrade": "echo", "Connection": "Upgrade"}
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n"


@pytest.fixture(autouse=True)
def _both_ways() -> None:
    """What goes through a proxy goes through httpcore."""


class Tunnel:
    """A proxy that answers CONNECT with ``answer`` and, if that is a yes, passes bytes on."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self.answer = answer
        self.heads: list[str] = []

    async def __call__(self, stream: SocketStream) -> None:
        head, _ = await read_http_request(stream)
        self.heads.append(head.decode())
        await stream.send(self.answer)
        if b" 200 " not in self.answer:
            return
        port = int(head.split()[1].rpartition(b":")[2])
        async with (
            await anyio.connect_tcp("127.0.0.1", port) as there,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(self._pass_on, stream, there, tasks.cancel_scope)
            tasks.start_soon(self._pass_on, there, stream, tasks.cancel_scope)

    @staticmethod
    async def _pass_on(source: SocketStream, sink: SocketStream, scope: anyio.CancelScope) -> None:
        try:
            async for data in source:
                await sink.send(data)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
        scope.cancel()


async def ask(connection: Connection) -> bytes:
    with anyio.fail_after(5):
        async with (
            HttpClient(connection) as client,
            client.exchange(TURN, body={}, accept="*/*") as reply,
        ):
            return await read_all(reply)


@io
async def test_https_goes_through_a_tunnel(certificates: Certificates) -> None:
    tunnel = Tunnel()
    peer = Peer(response(b"safe"))
    async with (
        raw_server(secured(peer, certificates.server())) as port,
        raw_server(tunnel) as proxy,
    ):
        connection = target(
            port,
            scheme="https",
            tls=certificates.trusting,
            proxy=f"http://me:s3cr%40t@127.0.0.1:{proxy}",
        )
        assert await ask(connection) == b"safe"
    assert tunnel.heads[0].startswith(f"CONNECT localhost:{port} HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic bWU6czNjckB0" in tunnel.heads[0]
    assert "proxy-authorization" not in peer.heads[0].lower()
    assert connection.secrets.mask("s3cr@t bWU6czNjckB0") == "*** ***"


@io
async def test_a_proxy_may_itself_want_tls(certificates: Certificates) -> None:
    inner = secured(Peer(response(b"safe")), certificates.server())
    async with (
        raw_server(inner) as port,
        raw_server(secured(Tunnel(), certificates.server("127.0.0.1"))) as proxy,
    ):
        connection = target(
            port, scheme="https", tls=certificates.trusting, proxy=f"https://127.0.0.1:{proxy}"
        )
        assert await ask(connection) == b"safe"


@io
async def test_plain_http_is_handed_to_the_proxy_with_its_whole_url() -> None:
    peer = Peer(response(b"by proxy"))
    async with raw_server(peer) as proxy:
        connection = Connection(
            base_url="http://target.test:81/a?b=c", proxy=f"http://u:pw12@127.0.0.1:{proxy}"
        )
        assert await ask(connection) == b"by proxy"
    assert peer.lines[0] == "POST http://target.test:81/a?b=c HTTP/1.1"
    assert "host: target.test:81" in peer.lines
    assert "proxy-authorization: Basic dTpwdzEy" in peer.lines


@io
async def test_an_upgrade_gets_a_tunnel_even_in_the_clear() -> None:
    tunnel, peer = Tunnel(), Peer(SWITCH)
    async with raw_server(peer) as port, raw_server(tunnel) as proxy:
        connection = target(port, scheme="ws", proxy=f"http://127.0.0.1:{proxy}")
        async with HttpClient(connection) as client, client.upgrade(TURN, headers=UPGRADE):
            pass
    assert tunnel.heads[0].startswith(f"CONNECT 127.0.0.1:{port} ")
    assert peer.lines[0] == "GET /chat HTTP/1.1"


async def failure(connection: Connection) -> DriverError:
    with pytest.raises(DriverError) as caught:
        await ask(connection)
    return caught.value


@io
@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"HTTP/1.1 407 Auth Required\r\n\r\n", "wants credentials (407 Auth Required)"),
        (b"HTTP/1.1 502 Bad\x1b Gateway\r\n\r\n", "answered 502 Bad\\x1b Gateway"),
        (b"HTTP/1.1 403 \r\nX: y\r\n\r\n", "answered 403."),
        (b"SSH-2.0\r\n\r\n", "sent something that is not HTTP"),
        (b"x" * 40_000, "sent an endless head"),
        (b"", "closed the connection before it let us through"),
    ],
)
async def test_a_proxy_that_refuses_is_not_the_target(answer: bytes, text: str) -> None:
    async with raw_server(Tunnel(answer)) as proxy:
        connection = target(1, scheme="https", proxy=f"http://u:s3cret@127.0.0.1:{proxy}")
        error = await failure(connection)
    assert isinstance(error, ProxyError)
    assert f"The proxy http://127.0.0.1:{proxy}" in str(error)
    assert text in str(error)
    assert "s3cret" not in str(error)


@io
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_cannot_be_reached_is_a_proxy_error(scheme: str) -> None:
    error = await failure(target(1, scheme=scheme, proxy="http://127.0.0.1:1"))
    assert isinstance(error, ProxyError)
    assert "The proxy http://127.0.0.1:1 could not be reached: Connection refused" in str(error)
    assert "NO_PROXY" in str(error)


@io
async def test_a_proxy_that_hangs_is_a_proxy_error() -> None:
    async def silent(stream: SocketStream) -> None:
        await anyio.sleep_forever()

    async with raw_server(silent) as proxy:
        limits = Limits(connect_ms=Milliseconds(100))
        connection = target(1, scheme="wss", proxy=f"http://127.0.0.1:{proxy}", limits=limits)
        error = await failure(connection)
        assert isinstance(error, ProxyError)
        assert "within 0.1 s" in str(error)
        with pytest.raises(ProxyError):
            async with HttpClient(connection) as client, client.upgrade(TURN, headers=UPGRADE):
                pass


@io
async def test_tls_that_fails_with_the_proxy_is_the_proxys_doing(
    certificates: Certificates,
) -> None:
    async with raw_server(secured(Tunnel(), certificates.server())) as proxy:
        for scheme in ("http", "https"):
            error = await failure(target(1, scheme=scheme, proxy=f"https://localhost:{proxy}"))
            assert isinstance(error, ProxyError)
            assert "TLS handshake with the proxy" in str(error)


@io
async def test_tls_that_fails_behind_the_proxy_is_the_targets_doing(
    certificates: Certificates,
) -> None:
    handler = secured(Peer(response()), certificates.server())
    async with raw_server(handler) as port, raw_server(Tunnel()) as proxy:
        error = await failure(target(port, scheme="https", proxy=f"http://127.0.0.1:{proxy}"))
    assert isinstance(error, TlsError)
    assert f"https://localhost:{port} (through the proxy http://127.0.0.1:{proxy})" in str(error)


@io
async def test_a_proxy_of_plain_http_may_want_credentials_too() -> None:
    answer = response(b"", status="407 Proxy Authentication Required")
    async with raw_server(Peer(answer)) as proxy:
        error = await failure(target(1, proxy=f"http://127.0.0.1:{proxy}"))
    assert isinstance(error, ProxyError)


@io
async def test_a_502_may_be_the_proxys_or_the_targets() -> None:
    async with raw_server(Peer(response(b"", status="502 Bad Gateway"))) as proxy:
        error = await failure(target(1, proxy=f"http://127.0.0.1:{proxy}"))
    assert isinstance(error, RejectedError)
    assert "or the proxy" in str(error)


# The rule


def chosen(scheme: str = "http", host: str = "api.test", **options: Any) -> str | None:
    connection = Connection(base_url=f"{scheme}://{host}/", **options)
    proxy = choose_proxy(connection, scheme, host, 443 if scheme == "https" else 80)
    return None if proxy is None else proxy.origin


@io
@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_the_environments_proxy_is_used_alike_for_http_and_websocket(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    async def open_it(connection: Connection) -> None:
        async with HttpClient(connection) as client:
            if scheme == "ws":
                async with client.upgrade(TURN, headers=UPGRADE):
                    pass
            else:
                async with client.exchange(TURN, accept="*/*"):
                    pass

    async with raw_server(Peer(SWITCH if scheme == "ws" else response())) as port:
        connection = target(port, scheme=scheme, trust_env=True)
        with pytest.raises(ProxyError):
            await open_it(connection)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        await open_it(connection)


def test_a_scheme_has_its_own_variable_and_all_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://a.test:1")
    monkeypatch.setenv("ALL_PROXY", "b.test:2")
    assert chosen("https") == "http://a.test:1"
    assert chosen("http") == "http://b.test:2"


def test_an_untrusted_environment_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://a.test:1")
    assert chosen(trust_env=False) is None


def test_the_connections_own_word_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://a.test:1")
    monkeypatch.setenv("NO_PROXY", "*")
    assert chosen(proxy="http://c.test:3") == "http://c.test:3"
    assert chosen(proxy="") is None


@pytest.mark.parametrize("url", ["socks5://p.test:1", "http://", "http://p.test:99999"])
def test_a_proxy_that_we_cannot_speak_to_is_refused(url: str) -> None:
    with pytest.raises(ProxyError, match=r"Write http://HOST:PORT"):
        parse_proxy(url, "'proxy'", Secrets())


@pytest.mark.parametrize(
    ("no_proxy", "host", "exempt"),
    [
        ("*", "api.test", True),
        ("", "api.test", False),
        ("api.test", "api.test", True),
        ("API.test", "Api.Test.", True),
        ("test", "api.test", True),
        (".test", "api.test", True),
        ("*.test", "api.test", True),
        ("pi.test", "api.test", False),
        ("a.test, api.test", "api.test", True),
        ("api.test:80", "api.test", True),
        ("api.test:81", "api.test", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.0/8", "127.9.9.9", True),
        ("10.0.0.0/8", "127.0.0.1", False),
        ("10.0.0.0/8", "api.test", False),
        ("::1", "::1", True),
        ("[::1]:80", "::1", True),
        ("fe80::/16", "[fe80::1]", True),
        (" , ", "api.test", False),
    ],
)
def test_no_proxy_lists_hosts_addresses_and_networks(
    no_proxy: str, host: str, exempt: bool
) -> None:
    assert is_exempt(no_proxy, host, 80) is exempt


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=40), st.text(max_size=20))
def test_no_text_makes_no_proxy_crash(no_proxy: str, host: str) -> None:
    assert is_exempt(no_proxy, host, 80) in (True, False)


@pytest.mark.parametrize(("proxy", "needed"), [("http://127.0.0.1:1", True), ("", False)])
def test_what_only_a_proxy_needs_is_imported_for_one_and_before_a_turn(
    proxy: str, needed: bool
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PREPARED, proxy], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{needed}\n"


_PREPARED = """
import sys
from turnwire_core import parse_connection
from turnwire_core.http import prepare

prepare(parse_connection({"base_url": "http://target/", "proxy": sys.argv[1]}))
print("httpcore" in sys.modules)
"""
