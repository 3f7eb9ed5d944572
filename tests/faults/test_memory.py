"""How much memory a turn takes at most, whatever a target sends: measured, with default limits."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

import support
from support.faults.bombs import BOMBS, Bomb, document
from support.faults.http import whole
from support.faults.model import says
from support.faults.sockets import tells
from support.faults.streams import HEL, LO, OPEN
from support.raw_server import raw_server
from support.ws_server import message

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.memory,
    pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss means something else there"),
]

MOST_MIB = 64
_PATIENCE_SECONDS = 30

_SMALL = (
    Bomb("small", "http_chat", says(whole(b'{"reply":"Hello"}'))),
    Bomb("small", "sse", says(OPEN + HEL + LO)),
    Bomb("small", "websocket", tells(message(t="Hello", done=True))),
)


class Process:
    """The process that takes the turns: see :mod:`support.faults.probe`."""

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self.lost = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.faults.probe", backend],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(support.__file__).parent.parent,
            text=True,
        )

    def take(self, **job: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        self.lost = True  # until it has answered: what is late must not answer the next
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        self.lost = False
        return answer

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def processes() -> Iterator[list[Process]]:
    found: list[Process] = []
    yield found
    for process in found:
        process.end()


@pytest.fixture
async def process(processes: list[Process], anyio_backend: str) -> Process:
    """One for each backend. It has had a turn of each protocol, and is otherwise idle."""
    for process in processes:
        if process.backend == anyio_backend and not process.lost:
            return process
    process = Process(anyio_backend)
    processes.append(process)
    for small in _SMALL:
        assert (await measure(process, small, warm=True))["verdict"] == "finished"
    return process


async def measure(process: Process, bomb: Bomb, **job: Any) -> dict[str, Any]:
    scheme = "ws" if bomb.protocol == "websocket" else "http"
    with anyio.fail_after(_PATIENCE_SECONDS):
        async with raw_server(bomb.serve) as port:
            connection = document(bomb, f"{scheme}://127.0.0.1:{port}/")
            return await anyio.to_thread.run_sync(
                lambda: process.take(connection=connection, **job), abandon_on_cancel=True
            )


@pytest.mark.parametrize("bomb", BOMBS, ids=[f"{bomb.protocol}: {bomb.name}" for bomb in BOMBS])
async def test_no_target_can_fill_the_memory(bomb: Bomb, process: Process) -> None:
    result = await measure(process, bomb)
    assert re.fullmatch(bomb.verdict, result["verdict"]), result
    assert result["grown_kib"] / 1024 <= MOST_MIB, result
