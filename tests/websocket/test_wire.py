"""TLS below, and the tap beside."""

from __future__ import annotations

import ssl
from pathlib import Path

import anyio
import pytest
import trustme
from anyio.abc import SocketStream
from anyio.streams.tls import TLSStream

from support.raw_server import raw_server
from support.ws_client import one_turn, take, texts
from support.ws_server import PING, PONG, Peer, close, frame, text, ws_server
from turnwire_core.contracts.connection import Tls
from turnwire_core.contracts.driver import EndOfStream, WireTap
from turnwire_core.contracts.tap import FRAMES
from turnwire_core.errors import TlsError

pytestmark = pytest.mark.anyio


def secure(certificates: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificates.issue_cert("localhost").configure_cert(context)
    return context


async def test_wss_is_tls_with_the_connections_own_roots(tmp_path: Path) -> None:
    authority = trustme.CA()
    roots = tmp_path / "roots.pem"
    authority.cert_pem.write_to_path(str(roots))

    async def serve(stream: SocketStream) -> None:
        tls = await TLSStream.wrap(
            stream, server_side=True, ssl_context=secure(authority), standard_compatible=False
        )
        peer = Peer(tls)
        await peer.handshake()
        await peer.receive()
        await peer.send(text("secret"))
        await peer.part()

    fields = {"tls": Tls(ca_bundle=str(roots))}
    async with (
        raw_server(serve) as port,
        one_turn(f"wss://localhost:{port}/", fields=fields) as frames,
    ):
        assert await texts(frames, 1) == ["secret"]


async def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    async def serve(stream: SocketStream) -> None:
        with pytest.raises((ssl.SSLError, anyio.BrokenResourceError, anyio.EndOfStream)):
            await TLSStream.wrap(stream, server_side=True, ssl_context=secure(trustme.CA()))

    async with raw_server(serve) as port:
        with pytest.raises(TlsError):
            async with one_turn(f"wss://localhost:{port}/"):
                pass


WAYS = ("sent", "received")


class Recorder(WireTap):
    def __init__(self) -> None:
        self.entries: list[tuple[str, str, bytes]] = []
        self.carriage: list[tuple[str, str, bytes]] = []

    def sent(self, at_ns: int, label: str, data: bytes) -> None:
        self.entries.append(("sent", label, data))

    def received(self, at_ns: int, label: str, data: bytes) -> None:
        self.entries.append(("received", label, data))

    def carried(self, at_ns: int, label: str, data: bytes, *, sent: bool) -> None:
        self.carriage.append(("sent" if sent else "received", label, data))


async def test_the_tap_sees_every_message_unmasked_and_named_in_both_directions() -> None:
    async def chats(peer: Peer) -> None:
        await peer.receive()
        await peer.send(frame(PING, b"?") + frame(PONG, b"!") + frame(2, b"\xff") + text("é"))
        assert (await peer.receive()).opcode == PONG
        await peer.send(close(1000, "bye"))
        await peer.receive_close()

    tap = Recorder()
    async with ws_server(chats) as url, one_turn(url, {"a": "hé"}, fields={"tap": tap}) as frames:
        await take(frames, 1)
        with pytest.raises(EndOfStream):
            await take(frames, 1)
    labels = [(way, label) for way, label, _ in tap.entries]
    assert ("sent", "request") in labels
    assert tap.carriage == [
        ("sent", "message", '{"a":"hé"}'.encode()),
        ("received", "ping", b"?"),
        ("received", "pong", b"!"),
        ("received", "binary message", b"\xff"),
        ("received", "message", "é".encode()),
        ("sent", "pong", b"?"),
        ("received", "close", b"1000 bye"),
        ("sent", "close", b"1000"),
    ]
    # The frames themselves: the client's with a key of zeros, so that they can be read.
    raw = {way: b"".join(one[2] for one in tap.entries if one[:2] == (way, FRAMES)) for way in WAYS}
    question = '{"a":"hé"}'.encode()
    assert raw["sent"] == (
        bytes([0x81, 0x80 | len(question), 0, 0, 0, 0])
        + question
        + bytes([0x8A, 0x81, 0, 0, 0, 0])
        + b"?"
        + bytes([0x88, 0x82, 0, 0, 0, 0])
        + (1000).to_bytes(2, "big")
    )
    said = frame(PING, b"?") + frame(PONG, b"!") + frame(2, b"\xff") + text("é")
    assert raw["received"] == said + close(1000, "bye")
