"""The contract kit: what every driver must do, as tests that a driver inherits.

A driver's author writes one class, says in it which driver is meant, and how the server's side of
the protocol is written. The tests come with it, on asyncio and on trio:

    class LinePeer(Peer):
        def frame(self, text): return json.dumps({"text": text}).encode() + b"\\n"
        def finish(self): return b'{"done": true}\\n'

    class TestLines(DriverContract):
        protocol = "lines"
        plugin = turnwire_lines.plugin
        url = "tcp://127.0.0.1:{port}"
        section = {"contentPath": "text", "finishPath": "done"}

        async def answer(self, stream, play):
            lines = BufferedByteReceiveStream(stream)
            while True:
                line = await lines.receive_until(b"\\n", 65536)
                await play(LinePeer(stream, json.loads(line)["message"]))

What a protocol cannot do is said by the attributes of :class:`DriverContract`. The kit needs the
extra ``turnwire-core[testing]``.
"""

import pytest

# Before they are imported: a failing assertion then shows its values, as in a test file.
for _module in (
    "_base",
    "_cancellation",
    "_failures",
    "_leftovers",
    "_limits",
    "_metadata",
    "_secrets",
    "_sharing",
    "_stamps",
    "_streaming",
    "_turns",
):
    pytest.register_assert_rewrite(f"{__name__}.{_module}")

from turnwire_core.testing._contract import DriverContract  # noqa: E402 - see above
from turnwire_core.testing._peer import Peer, Play  # noqa: E402 - see above
from turnwire_core.testing._server import tcp_server  # noqa: E402 - see above

__all__ = ["DriverContract", "Peer", "Play", "tcp_server"]
