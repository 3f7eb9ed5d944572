"""Something to talk to: it says every message back, word by word.

`python echo_server.py [PORT]`; with port 0 the system chooses one.
"""

from __future__ import annotations

import json
import sys

import anyio
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream


async def answer(stream: SocketStream) -> None:
    """Turn after turn, until the client hangs up."""
    lines = BufferedByteReceiveStream(stream)
    async with stream:
        while True:
            try:
                line = await lines.receive_until(b"\n", 1_000_000)
            except (anyio.IncompleteRead, anyio.EndOfStream, anyio.BrokenResourceError):
                return
            for word in json.loads(line)["message"].split():
                await stream.send(json.dumps({"text": f"{word} "}).encode() + b"\n")
                await anyio.sleep(0.05)
            await stream.send(b'{"done": true}\n')


async def main(port: int) -> None:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port) as listener:
        port = listener.extra(SocketAttribute.local_port)
        print(f"Listening at tcp://127.0.0.1:{port}", flush=True)
        await listener.serve(answer)


if __name__ == "__main__":
    anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 8766)
