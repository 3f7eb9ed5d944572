"""What a test leaves behind: open files and sockets, tasks, threads."""

from __future__ import annotations

import gc
import os
import threading
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import attrs
from anyio.lowlevel import checkpoint

_SETTLING_SECONDS = 2.0

_POOLED = ("asyncio_", "ThreadPoolExecutor-", "Trio thread", "AnyIO worker thread")
"""Idle threads that an event loop keeps for its next question to the resolver."""


@attrs.frozen
class Holdings:
    """What this process, and this event loop, hold at a moment."""

    descriptors: frozenset[str]
    tasks: frozenset[tuple[int, str]]
    threads: frozenset[str]

    @classmethod
    def now(cls) -> Holdings:
        return cls(
            descriptors=frozenset(_descriptors()),
            tasks=frozenset((one.id, str(one.name)) for one in anyio.get_running_tasks()),
            threads=frozenset(
                f"{one.name} ({one.ident})"
                for one in threading.enumerate()
                if not one.name.startswith(_POOLED)
            ),
        )

    def beyond(self, before: Holdings) -> dict[str, list[str]]:
        """What is here and was not before, by kind."""
        news = {
            "open files": sorted(self.descriptors - before.descriptors),
            "tasks": sorted(name for _, name in self.tasks - before.tasks),
            "threads": sorted(self.threads - before.threads),
        }
        return {kind: found for kind, found in news.items() if found}


def _descriptors() -> list[str]:
    """Each open file with what it is, where the system says so; else its number."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            numbers = os.listdir(folder)  # noqa: PTH208 - pathlib would open it once more
        except OSError:
            continue
        found = []
        for number in numbers:
            try:
                found.append(f"{number}: {os.readlink(f'{folder}/{number}')}")  # noqa: PTH115
            except OSError:
                # The descriptor that this listing took, gone by now; or a system without links.
                if folder == "/dev/fd" and _is_open(int(number)):
                    found.append(number)
        return found
    return []


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """What is opened inside must be gone afterwards, closed by hand and not by the collector."""
    gc.collect()
    before = Holdings.now()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ResourceWarning)
        yield
        gc.collect()
        # Event loops close a socket some rounds after they are told to.
        with anyio.move_on_after(_SETTLING_SECONDS):
            while Holdings.now().beyond(before):
                await checkpoint()
    assert Holdings.now().beyond(before) == {}
    assert [str(one.message) for one in warned if one.category is ResourceWarning] == []
