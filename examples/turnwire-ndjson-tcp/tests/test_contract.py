"""The driver keeps the contract that all drivers keep."""

from __future__ import annotations

import json

from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from turnwire_core.testing import DriverContract, Peer, Play
from turnwire_ndjson_tcp import plugin


class LinePeer(Peer):
    def frame(self, text: str) -> bytes:
        return json.dumps({"text": text}).encode() + b"\n"

    def finish(self) -> bytes:
        return b'{"done": true}\n'

    def breach(self, text: str) -> bytes:
        return text.encode() + b"\n"


class TestNdjsonTcp(DriverContract):
    protocol = "ndjson_tcp"
    plugin = plugin
    distribution = "turnwire-ndjson-tcp"
    url = "tcp://127.0.0.1:{port}"
    section = {"contentPath": "text", "finishPath": "done"}
    can_reject = False  # there is nothing before the reply

    async def answer(self, stream: SocketStream, play: Play) -> None:
        lines = BufferedByteReceiveStream(stream)
        while True:
            line = await lines.receive_until(b"\n", 10_000_000)
            await play(LinePeer(stream, json.loads(line)["message"]))
