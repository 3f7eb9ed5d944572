"""The driver for ``sse`` keeps the contract."""

from __future__ import annotations

import pytest
from anyio.abc import SocketStream

from support.contract_peers import EventStreamPeer, answer_http, reject_http
from support.http_paths import http_path as http_path
from turnwire_core.testing import DriverContract, Play
from turnwire_sse import plugin


@pytest.mark.usefixtures("http_path")
class TestSse(DriverContract):
    protocol = "sse"
    plugin = plugin
    distribution = "turnwire-sse"
    url = "http://127.0.0.1:{port}/chat"
    section = {"contentPath": "text", "finishPath": "done"}
    credentials = {"auth": {"type": "bearer", "token": "${SECRET}"}}

    async def answer(self, stream: SocketStream, play: Play) -> None:
        await answer_http(stream, play, EventStreamPeer)

    async def reject(self, stream: SocketStream, reason: str) -> None:
        await reject_http(stream, reason)
