"""The driver for ``websocket`` keeps the contract."""

from __future__ import annotations

from anyio.abc import SocketStream

from support.contract_peers import answer_ws, reject_http
from turnwire_core.testing import DriverContract, Play
from turnwire_websocket import plugin


class TestWebSocket(DriverContract):
    protocol = "websocket"
    plugin = plugin
    distribution = "turnwire-websocket"
    url = "ws://127.0.0.1:{port}/chat"
    section = {"contentPath": "text", "finishPath": "done"}
    credentials = {"auth": {"type": "bearer", "token": "${SECRET}"}}
    reads_ahead = True

    async def answer(self, stream: SocketStream, play: Play) -> None:
        await answer_ws(stream, play)

    async def reject(self, stream: SocketStream, reason: str) -> None:
        await reject_http(stream, reason)
