"""The driver for ``http_chat`` keeps the contract."""

from __future__ import annotations

from anyio.abc import SocketStream

from support.contract_peers import DocumentPeer, answer_http, reject_http
from turnwire_core.testing import DriverContract, Play
from turnwire_http_chat import plugin


class TestHttpChat(DriverContract):
    protocol = "http_chat"
    plugin = plugin
    distribution = "turnwire-http-chat"
    url = "http://127.0.0.1:{port}/chat"
    credentials = {"auth": {"type": "bearer", "token": "${SECRET}"}}
    streams = False
    can_end_unfinished = False

    async def answer(self, stream: SocketStream, play: Play) -> None:
        await answer_http(stream, play, DocumentPeer)

    async def reject(self, stream: SocketStream, reason: str) -> None:
        await reject_http(stream, reason)
