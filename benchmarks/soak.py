"""A thousand conversations at once in one process, for minutes: is every reply whole and its own?

    python benchmarks/soak.py [--seconds 300] [--conversations 1000] [--protocol P] [--backend B]

Each protocol and backend has a process of its own, and a server in another. A conversation has
some turns, then it is closed and another takes its place. Prints a Markdown table; exits with 1 if

- a reply was not finished, not whole, or not its conversation's own,
- descriptors, tasks or threads were left when all conversations were closed,
- memory was in use then that was not before: blocks of Python's allocator, or bytes of malloc's.

Resident memory is shown and not judged: for some minutes it grows by the free space between what is
in use, however little that is.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import itertools
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import anyio
import attrs
from soak_server import CHUNKS, chunks, raise_descriptor_limit

from turnwire_core import Chunk, Connection, open_conversation, parse_connection

PROTOCOLS = ("http_chat", "sse", "websocket")
BACKENDS = ("asyncio", "trio")
TURNS = 3
"""Of one conversation: each socket serves several, and many are opened and closed."""

WARM_UP = 50
"""Conversations before the first count: what is built once is no leak."""

STEADY_SECONDS = 120
"""How long it may take until each of the first conversations has had a reply."""

SAMPLE_SECONDS = 0.25
STOP_SECONDS = 10

BLOCKS_LEFT = 8
"""Of Python's allocator, how many may be there more than before for each of the conversations at
once, whatever the number of turns: some five stay in free lists and tables that had to grow."""

MIB_LEFT = 2.0
"""The same of malloc, which has what is larger than 512 bytes."""

_PAGE = os.sysconf("SC_PAGE_SIZE")


def connection_for(protocol: str, port: int) -> Connection:
    rules = {"contentPath": "content", "finishPath": "done", "finishValue": True}
    body = {"body": {"message": "{{message}}"}}
    mapping: dict[str, Any] = {
        "http_chat": {
            "base_url": f"http://127.0.0.1:{port}/chat",
            "responseFieldPath": "reply",
            "request": body,
        },
        "sse": {"base_url": f"http://127.0.0.1:{port}/stream", "sse": rules, "request": body},
        "websocket": {"base_url": f"ws://127.0.0.1:{port}/ws", "websocket": rules},
    }[protocol]
    # A thousand handshakes at once, on a machine that does other things, take their time.
    limits = {"connectMs": 60_000}
    return parse_connection(
        {"protocol": protocol, "timeoutMs": 120_000, "limits": limits, **mapping}, trust_env=False
    )


@attrs.define
class Counts:
    """What this process holds."""

    descriptors: int
    tasks: int
    threads: int
    blocks: int = 0
    malloc_mib: float = 0

    @classmethod
    def now(cls) -> Counts:
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        return cls(descriptors, len(anyio.get_running_tasks()), threading.active_count())

    @classmethod
    def settled(cls) -> Counts:
        """When all that is garbage is collected."""
        gc.collect()
        counts = cls.now()
        counts.blocks = sys.getallocatedblocks()
        counts.malloc_mib = malloc_mib()
        return counts


class _MallocInfo(ctypes.Structure):
    """``struct mallinfo2`` of glibc 2.33."""

    _fields_: ClassVar = [
        *((name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd")),
        *((name, ctypes.c_size_t) for name in ("usmblks", "fsmblks", "uordblks", "fordblks")),
        ("keepcost", ctypes.c_size_t),
    ]


def malloc_mib() -> float:
    """What malloc has given out; 0 where the C library does not say."""
    mallinfo = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo is None:
        return 0.0
    mallinfo.restype = _MallocInfo
    info = mallinfo()
    return (info.uordblks + info.hblkhd) / 2**20


def resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE / 2**20


@attrs.define
class Soak:
    """``conversations`` at once on ``connection``. ``whole``: a reply comes as one chunk."""

    connection: Connection
    conversations: int
    whole: bool
    numbers: Iterator[int] = attrs.field(factory=itertools.count)
    opened: int = 0
    first_replies: int = 0
    turns: int = 0
    wrong: list[str] = attrs.field(factory=list)
    memory: list[tuple[float, float]] = attrs.field(factory=list)
    """When, in minutes, and how much, in MiB."""
    lags: list[float] = attrs.field(factory=list)
    most: Counts = attrs.field(factory=lambda: Counts(0, 0, 0))
    steady: anyio.Event = attrs.field(factory=anyio.Event)
    over: bool = False

    async def run(self, seconds: float) -> None:
        """Talk for so long after each of the first conversations has had a reply."""
        async with anyio.create_task_group() as tasks:
            for _ in range(self.conversations):
                tasks.start_soon(self._keep_talking)
            with anyio.move_on_after(STEADY_SECONDS):
                await self.steady.wait()
            async with anyio.create_task_group() as sampling:
                sampling.start_soon(self._sample)
                await anyio.sleep(seconds)
                sampling.cancel_scope.cancel()
            self.over = True

    async def _keep_talking(self) -> None:
        while not self.over:
            await self.converse()

    async def converse(self) -> None:
        """One conversation, from its first turn to its end."""
        name = f"conversation-{next(self.numbers)}"
        self.opened += 1
        async with open_conversation(self.connection) as conversation:
            for turn in range(TURNS):
                if self.over:
                    return
                message = f"{name}/{turn}"
                arrived: list[str] = []

                def note(chunk: Chunk, arrived: list[str] = arrived) -> None:
                    arrived.append(chunk.text)

                reply = await conversation.send(message, on_chunk=note)
                self.turns += 1
                self.first_replies += turn == 0
                if self.first_replies == self.conversations:
                    self.steady.set()
                expected = chunks(message)
                if not reply.ok:
                    self.wrong.append(f"{message}: {reply.verdict}: {reply.error}")
                elif reply.content != "".join(expected):
                    self.wrong.append(f"{message}: another text: {reply.content[:80]!r}")
                elif arrived != (["".join(expected)] if self.whole else expected):
                    self.wrong.append(f"{message}: other chunks: {len(arrived)} of {CHUNKS}")

    async def _sample(self) -> None:
        while True:
            before = time.perf_counter()
            await anyio.sleep(SAMPLE_SECONDS)
            self.lags.append(time.perf_counter() - before - SAMPLE_SECONDS)
            self.memory.append((time.monotonic() / 60, resident_mib()))
            counts = Counts.now()
            self.most = Counts(
                max(self.most.descriptors, counts.descriptors),
                max(self.most.tasks, counts.tasks),
                max(self.most.threads, counts.threads),
            )


async def measure(protocol: str, conversations: int, seconds: float, port: int) -> dict[str, Any]:
    """Run one soak; what it found, with its ``problems``."""
    connection = connection_for(protocol, port)
    whole = protocol == "http_chat"
    warm = Soak(connection, WARM_UP, whole, numbers=itertools.count(10**9))
    async with anyio.create_task_group() as tasks:
        for _ in range(WARM_UP):
            tasks.start_soon(warm.converse)
    before = Counts.settled()
    soak = Soak(connection, conversations, whole)
    await soak.run(seconds)
    # What was closed in the last turns of the event loop is gone after some more.
    for _ in range(20):
        await anyio.sleep(0.01)
    after = Counts.settled()

    quarter = len(soak.memory) // 4
    early_at, early = map(statistics.median, zip(*soak.memory[quarter : 2 * quarter], strict=True))
    late_at, late = map(statistics.median, zip(*soak.memory[-quarter:], strict=True))
    problems = [*warm.wrong[:5], *soak.wrong[:5]]
    if not soak.steady.is_set():
        problems.append(f"{soak.first_replies} first replies within {STEADY_SECONDS} s")
    if len(soak.wrong) > 5:
        problems.append(f"… {len(soak.wrong)} wrong replies in all")
    for kind in ("descriptors", "tasks", "threads"):
        if getattr(after, kind) > getattr(before, kind):
            problems.append(f"{kind}: {getattr(before, kind)} before, {getattr(after, kind)} after")
    if after.blocks - before.blocks > BLOCKS_LEFT * conversations:
        problems.append(f"blocks: {before.blocks} before, {after.blocks} after")
    if after.malloc_mib - before.malloc_mib > MIB_LEFT:
        problems.append(f"malloc: {before.malloc_mib:.1f} MiB before, {after.malloc_mib:.1f} after")
    return {
        "opened": soak.opened,
        "turns": soak.turns,
        "wrong": len(soak.wrong),
        "resident": max(mib for _, mib in soak.memory),
        "malloc": after.malloc_mib - before.malloc_mib,
        "slope": (late - early) / (late_at - early_at),
        "descriptors": [before.descriptors, soak.most.descriptors, after.descriptors],
        "tasks": [before.tasks, soak.most.tasks, after.tasks],
        "blocks": after.blocks - before.blocks,
        "lag": [
            statistics.median(soak.lags) * 1000,
            statistics.quantiles(soak.lags, n=100)[98] * 1000,
        ],
        "problems": problems,
    }


@contextlib.contextmanager
def soak_server() -> Iterator[int]:
    command = [sys.executable, str(Path(__file__).with_name("soak_server.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def run_alone(protocol: str, backend: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """One soak in a process of its own, so that no other's memory is in its figures."""
    command = [sys.executable, __file__, "--alone", "--protocol", protocol, "--backend", backend,
               "--seconds", str(arguments.seconds),
               "--conversations", str(arguments.conversations)]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=True)
    return json.loads(done.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--conversations", type=int, default=1000)
    parser.add_argument("--protocol", action="append", choices=PROTOCOLS)
    parser.add_argument("--backend", action="append", choices=BACKENDS)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        raise_descriptor_limit()
        with soak_server() as port:
            found = anyio.run(
                measure, arguments.protocol[0], arguments.conversations, arguments.seconds, port,
                backend=arguments.backend[0],
            )  # fmt: skip
        print(json.dumps(found))
        return 0

    print(f"{arguments.conversations} conversations at once, {arguments.seconds:g} s each, "
          f"Python {sys.version.split()[0]}, {os.cpu_count()} CPUs\n")  # fmt: skip
    columns = ["protocol", "backend", "conversations", "turns", "wrong replies",
               "most MiB (a minute)", "blocks left", "malloc left", "descriptors", "tasks",
               "loop lag ms, p50 / p99"]  # fmt: skip
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)
    problems = []
    for protocol in arguments.protocol or PROTOCOLS:
        for backend in arguments.backend or BACKENDS:
            found = run_alone(protocol, backend, arguments)
            print(
                f"| {protocol} | {backend} | {found['opened']} | {found['turns']} "
                f"| {found['wrong']} | {found['resident']:.0f} ({found['slope']:+.1f}) "
                f"| {found['blocks']} | {found['malloc']:.2f} MiB "
                f"| {' → '.join(map(str, found['descriptors']))} "
                f"| {' → '.join(map(str, found['tasks']))} "
                f"| {' / '.join(f'{lag:.0f}' for lag in found['lag'])} |",
                flush=True,
            )
            problems += [f"{protocol}, {backend}: {problem}" for problem in found["problems"]]
    print("\nDescriptors and tasks: before → most → after.")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
