"""How near a replay at true speed comes to the times of the recording.

    python benchmarks/replay.py [--turns 10] [--backend trio]

Conversations with the built-in assistant are recorded over each protocol and played back. What is
shown is, over all chunks, by how much the offset from the start of the turn differs from the
recorded one, and the share within two milliseconds. The machine should be idle.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

import anyio

from turnwire.assistant import DEMO_PACE, demo_connections, serve_assistant
from turnwire.builtin import builtin_connection
from turnwire.recordings import Recorder, load_recordings
from turnwire.replaying import Manner, Replayer
from turnwire.wiring import Wiring
from turnwire_core import Connection, Plugins, Reply, open_conversation

_NAMES = ("demo-http", "demo-sse", "demo-websocket")
_WITHIN_MS = 2.0


async def converse(wiring: Wiring, connection: Connection, turns: int) -> list[Reply]:
    async with (
        wiring.conversation(connection) as (wired, observers),
        open_conversation(wired, observers=observers) as conversation,
    ):
        return [await conversation.send("When are you open?") for _ in range(turns)]


def rank(values: Sequence[float], percent: float) -> float:
    return sorted(values)[max(math.ceil(percent * len(values) / 100), 1) - 1]


async def measure(turns: int) -> bool:
    print(f"{'connection':16}{'chunks':>8}{'p50':>10}{'p95':>10}{'max':>10}{'within 2 ms':>14}")
    good = True
    for name in _NAMES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder)
            with Recorder(path) as recorder:
                async with serve_assistant(pace=DEMO_PACE) as assistant:
                    settings = demo_connections(assistant.url)[name]
                    connection = builtin_connection(name, settings, Plugins())
                    live = await converse(recorder, connection, turns)
            replayer = Replayer(load_recordings(path), path, manner=Manner())
            again = await converse(replayer, connection, turns)
        off = [
            abs(now - then)
            for before, after in zip(live, again, strict=True)
            for then, now in zip(
                before.metrics.chunk_offsets_ms, after.metrics.chunk_offsets_ms, strict=True
            )
        ]
        good &= [one.content for one in live] == [one.content for one in again]
        share = sum(one <= _WITHIN_MS for one in off) / len(off)
        numbers = (rank(off, 50), rank(off, 95), max(off))
        shown = "".join(f"{number:>7.2f} ms" for number in numbers)
        print(f"{name:16}{len(off):>8}{shown}{share:>13.1%}")
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--backend", choices=("asyncio", "trio"), default="asyncio")
    arguments = parser.parse_args()
    if not anyio.run(measure, arguments.turns, backend=arguments.backend):
        raise SystemExit("A reply was another.")


if __name__ == "__main__":
    main()
