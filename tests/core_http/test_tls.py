"""Certificates: which are taken, which are not, and what is said of those."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import ssl
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import attrs
import pytest
import trustme
from anyio.abc import SocketStream
from cryptography.hazmat.primitives import serialization

from support.certificates import Certificates
from support.http_peer import TURN, Peer, read_all, response, secured, target
from support.raw_server import raw_server
from turnwire_core.contracts.connection import Connection, DocumentPath, Secret, Tls
from turnwire_core.errors import Phase, RejectedError, TlsError
from turnwire_core.http import HttpClient
from turnwire_core.http import _tls as tls_module
from turnwire_core.http._tls import tls_context

pytestmark = pytest.mark.anyio


async def ask(connection: Connection) -> bytes:
    async with (
        HttpClient(connection) as client,
        client.exchange(TURN, body={}, accept="*/*") as reply,
    ):
        return await read_all(reply)


async def ask_server(context: ssl.SSLContext, **options: Any) -> bytes:
    async with raw_server(secured(Peer(response(b"safe")), context)) as port:
        return await ask(target(port, scheme="https", **options))


async def test_a_ca_bundle_makes_its_certificates_good(certificates: Certificates) -> None:
    assert await ask_server(certificates.server(), tls=certificates.trusting) == b"safe"


async def test_connected_means_that_tls_is_ready(certificates: Certificates) -> None:
    async with (
        raw_server(secured(Peer(response()), certificates.server())) as port,
        HttpClient(target(port, scheme="https", tls=certificates.trusting)) as client,
        client.exchange(TURN, accept="*/*") as reply,
    ):
        times = reply.times
    assert times.connected_ns is not None
    assert times.sent_ns is not None
    assert times.connected_ns < times.sent_ns


@pytest.mark.parametrize(
    ("names", "expired", "trusting", "text"),
    [
        pytest.param((), False, False, "unknown CA. Name that CA in 'tls.caBundle'", id="unknown"),
        pytest.param(("other.test",), False, True, "for another host name", id="host"),
        pytest.param((), True, True, "has expired", id="expired"),
    ],
)
async def test_a_bad_certificate_is_refused_with_a_way_out(
    certificates: Certificates, names: tuple[str, ...], expired: bool, trusting: bool, text: str
) -> None:
    tls = certificates.trusting if trusting else Tls()
    server = secured(Peer(response()), certificates.server(*names, expired=expired))
    async with raw_server(server) as port:
        with pytest.raises(TlsError, match=text) as caught:
            await ask(target(port, scheme="https", tls=tls))
    assert caught.value.phase is Phase.CONNECT
    assert not caught.value.retryable
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)


async def test_plain_http_behind_an_https_url_is_recognised() -> None:
    answer = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"

    async def plain(stream: Any) -> None:
        await stream.receive()
        await stream.send(answer)

    async with raw_server(plain) as port:
        with pytest.raises(TlsError, match=r"does not speak TLS on this port\. Write http://"):
            await ask(target(port, scheme="https"))


async def test_a_server_that_hangs_up_during_the_handshake_is_a_tls_error() -> None:
    async def rude(stream: Any) -> None:
        await stream.receive()

    async with raw_server(rude) as port:
        with pytest.raises(TlsError, match="closed the connection during the handshake"):
            await ask(target(port, scheme="https"))


async def test_unchecked_certificates_are_taken_but_loudly(
    certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    tls_module._warn_once.cache_clear()
    async with raw_server(
        secured(Peer(response(b"a"), response(b"b")), certificates.server("other.test"))
    ) as port:
        connection = target(port, scheme="https", tls=Tls(verify=False))
        with caplog.at_level(logging.WARNING, logger="turnwire.http"):
            assert await ask(connection) == b"a"
            tls_context(connection)
    assert len(caplog.records) == 1
    assert f"https://localhost:{port} are NOT checked" in caplog.text


@pytest.fixture
def client_certificate(certificates: Certificates, tmp_path: Path) -> Tls:
    leaf = certificates.authority.issue_cert("client@test")
    cert, key = tmp_path / "client.pem", tmp_path / "client.key"
    leaf.cert_chain_pems[0].write_to_path(str(cert))
    leaf.private_key_pem.write_to_path(str(key))
    return attrs.evolve(
        certificates.trusting,
        client_cert=DocumentPath(str(cert)),
        client_key=DocumentPath(str(key)),
    )


def wanting_certificates(certificates: Certificates) -> ssl.SSLContext:
    context = certificates.server()
    certificates.authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def test_our_certificate_is_shown(
    certificates: Certificates, client_certificate: Tls
) -> None:
    context = wanting_certificates(certificates)
    assert await ask_server(context, tls=client_certificate) == b"safe"


async def test_a_server_that_wants_our_certificate_says_so(certificates: Certificates) -> None:
    # Of the standard library, because anyio's TLS does not send the alert that this is about.
    context = wanting_certificates(certificates)

    def serve(listener: socket.socket) -> None:
        listener.settimeout(5)
        raw, _ = listener.accept()
        raw.settimeout(5)
        wrapped = context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False)
        with contextlib.suppress(ssl.SSLError):
            wrapped.do_handshake()
        # Closing with the client's request unread would be a reset, which overtakes the alert.
        with socket.socket(fileno=wrapped.detach()) as bare:
            bare.settimeout(5)
            while bare.recv(65536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener, anyio.fail_after(8):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.to_thread.run_sync, serve, listener)
            port = listener.getsockname()[1]
            with pytest.raises(TlsError, match=r"It may want a certificate: 'tls\.clientCert'"):
                await ask(target(port, scheme="https", tls=certificates.trusting))


async def test_an_encrypted_key_asks_for_its_password_in_the_config_not_on_the_terminal(
    certificates: Certificates, client_certificate: Tls, tmp_path: Path
) -> None:
    assert client_certificate.client_key is not None
    pem = await anyio.Path(client_certificate.client_key).read_bytes()
    key = serialization.load_pem_private_key(pem, password=None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open sesame"),
        )
    )
    tls = attrs.evolve(client_certificate, client_key=DocumentPath(str(locked)))
    with pytest.raises(TlsError, match="'clientKeyPassword'"):
        tls_context(target(1, scheme="https", tls=tls))
    opened = attrs.evolve(tls, client_key_password=Secret("open sesame"))
    assert await ask_server(wanting_certificates(certificates), tls=opened) == b"safe"


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_bundle_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    tls = Tls(ca_bundle=DocumentPath(str(bundle)))
    with pytest.raises(TlsError, match=r"the CA bundle .*ca\.pem"):
        tls_context(target(1, scheme="https", tls=tls))


def test_contexts_are_shared_until_a_file_changes(
    certificates: Certificates, tmp_path: Path
) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(certificates.bundle.read_bytes())
    connection = target(1, scheme="https", tls=Tls(ca_bundle=DocumentPath(str(bundle))))
    first = tls_context(connection)
    assert tls_context(connection) is first
    trustme.CA().cert_pem.write_to_path(str(bundle))
    os.utime(bundle, ns=(1, 1))
    assert tls_context(connection) is not first


async def test_plain_http_builds_no_context(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(connection: Connection) -> ssl.SSLContext:
        raise AssertionError("30 ms for nothing")

    monkeypatch.setattr("turnwire_core.http._client.tls_context", forbidden)
    async with raw_server(Peer(response(b"plain"))) as port:
        assert await ask(target(port)) == b"plain"


async def test_a_redirect_from_https_to_http_is_never_followed(certificates: Certificates) -> None:
    away = response(b"", status="307 Moved", headers=["Location: http://localhost/x"])
    async with raw_server(secured(Peer(away), certificates.server())) as port:
        connection = target(port, scheme="https", tls=certificates.trusting, follow_redirects=True)
        with pytest.raises(RejectedError, match="travel unencrypted"):
            await ask(connection)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["tcp", "tunnel"])
async def test_cancelled_in_the_midst_of_connecting_leaves_nothing_open(answer: bytes) -> None:
    reached, closed = anyio.Event(), anyio.Event()

    async def silent(stream: SocketStream) -> None:
        await stream.receive()
        reached.set()
        if answer:
            await stream.send(answer)
        try:
            while True:
                await stream.receive()
        finally:
            closed.set()

    async with raw_server(silent) as port:
        options = {"proxy": f"http://127.0.0.1:{port}"} if answer else {}
        connection = target(port, scheme="https", **options)
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask, connection)
                await reached.wait()
                tasks.cancel_scope.cancel()
            await closed.wait()
