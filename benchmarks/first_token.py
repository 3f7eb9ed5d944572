"""How wrong is firstTokenMs? The server says when it sent, by the same clock.

    python benchmarks/first_token.py [TURNS]

Prints, for each protocol and backend, how much later than the server's send each first chunk was
stamped: median, 99th percentile and the largest. On an idle machine the median is to be below
1 ms; on a busy one this measures the machine.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio

from turnwire_core import Chunk, open_conversation, parse_connection
from turnwire_core.recorder import percentile_ms

_RULES = {"contentPath": "content", "finishPath": "done", "finishValue": True}


def connections(port: int) -> dict[str, dict[str, object]]:
    http = f"http://127.0.0.1:{port}"
    return {
        "http_chat": {"base_url": f"{http}/chat"},
        "sse": {"base_url": f"{http}/stream", "protocol": "sse", "sse": _RULES},
        "websocket": {
            "base_url": f"ws://127.0.0.1:{port}/ws",
            "protocol": "websocket",
            "websocket": _RULES,
        },
    }


@contextmanager
def stamping_server() -> Iterator[int]:
    command = [sys.executable, str(Path(__file__).with_name("stamping_server.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


async def errors_ns(port: int, protocol: str, turns: int) -> list[int]:
    """Arrival stamp minus send stamp of the first chunk, for each turn after the first."""
    connection = parse_connection(connections(port)[protocol], trust_env=False)
    errors: list[int] = []

    def note(chunk: Chunk) -> None:
        if chunk.index == 0:
            errors.append(chunk.received_ns - int(chunk.text))

    async with open_conversation(connection) as conversation:
        for _ in range(turns + 1):
            (await conversation.send("now?", on_chunk=note)).raise_for_verdict()
    return errors[1:]


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print("| protocol | backend | turns | p50 ms | p99 ms | max ms |")
    print("|---|---|---|---|---|---|")
    with stamping_server() as port:
        for backend in ("asyncio", "trio"):
            for protocol in connections(port):
                errors = sorted(anyio.run(errors_ns, port, protocol, turns, backend=backend))
                p50, p99 = statistics.median(errors) / 1e6, percentile_ms(errors, 99)
                print(
                    f"| {protocol} | {backend} | {turns} "
                    f"| {p50:.3f} | {p99:.3f} | {errors[-1] / 1e6:.3f} |"
                )


if __name__ == "__main__":
    main()
