"""How long many tests take at once, against what they would take if the engine cost nothing.

    python benchmarks/engine.py [--tests 200] [--jobs 50] [--protocol sse] [--backend trio]

Each reply takes 200 ms: as SSE two pieces, after 150 ms and 175 ms, and the finish. Each test takes
one turn in a conversation of its own, with two checks, and the run log is written. The ideal is
tests × 200 ms / jobs; the ratio to it should stay below 1.5. CPU is that of this process. It stood
ready while others had its core for ``waited`` seconds: unless that is next to nothing, the ratio
says more of the machine than of the engine.

The server is the benchmarks' own, and has a core to itself. One test goes ahead of all, so that
drivers and libraries are imported: what a start costs, ``benchmarks/run.py`` measures by itself.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anyio

from turnwire.checks.structuring import structure_check
from turnwire.engine import ConnectionSource, RunOutcome, run_cases
from turnwire.kinds import Kinds
from turnwire.runlog import RunLog, read_log
from turnwire.suites.model import Case, Origin, Suite, Test
from turnwire.suites.steps import structure_step

KINDS = Kinds.installed()
FILE = Path("benchmark.turnwire.yaml")

REPLY_MS = 200
BACKENDS: dict[str, dict[str, Any]] = {
    "uvloop": {"backend": "asyncio", "backend_options": {"use_uvloop": True}},
    "asyncio": {"backend": "asyncio", "backend_options": {"use_uvloop": False}},
    "trio": {"backend": "trio"},
}
"""`turnwire run` takes uvloop for asyncio where it is installed."""

TARGETS = {
    "http_chat": "chat?delay_ms=200",
    "sse": "sse?delay_ms=150&gap_us=25000&events=2",
    "websocket": "ws?delay_ms=150&gap_us=25000&events=2",
}
SECTIONS = {
    "http_chat": {"responseFieldPath": "reply"},
    "sse": {
        "sse": {
            "contentPath": "choices[0].delta.content",
            "finishPath": "choices[0].finish_reason",
            "finishValue": "stop",
        }
    },
    "websocket": {
        "websocket": {"messageField": "text", "contentPath": "content", "finishPath": "done"}
    },
}


def make_config(port: int) -> dict[str, object]:
    """A connection for each protocol, by its name."""
    return {
        "connections": {
            protocol: {
                "base_url": f"{'ws' if protocol == 'websocket' else 'http'}://127.0.0.1:{port}/{target}",
                "protocol": protocol,
                **SECTIONS[protocol],
            }
            for protocol, target in TARGETS.items()
        }
    }


def make_cases(count: int, config: Path, connection: str) -> list[Case]:
    """So many tests of one turn and two checks."""
    origin = Origin(str(FILE))
    raw = {"message": "Thank you", "checks": [{"regex": "^[0-9]+$"}]}
    test = Test(
        name="Thanks are answered",
        id="thanks",
        origin=origin,
        steps=(structure_step(raw, KINDS, origin),),
        checks=(structure_check({"verdict": "finished"}, KINDS, origin),),
    )
    suite = Suite(name="benchmark", file=FILE, tests=(test,), config=config)
    return [
        Case(f"benchmark::thanks[{connection}]#{n}", suite, test, connection, repetition=n)
        for n in range(1, count + 1)
    ]


async def measure(cases: list[Case], jobs: int, path: Path) -> tuple[float, RunOutcome]:
    """Seconds from the first test to the last entry of the log, and what came of the tests."""
    async with ConnectionSource() as sources:
        started = time.perf_counter()
        with RunLog(path, command="run") as log:
            outcome = await run_cases(cases, sources=sources, kinds=KINDS, log=log, jobs=jobs)
        return time.perf_counter() - started, outcome


@contextmanager
def server() -> Iterator[int]:
    """The port of a server on the first core, with this process on the last."""
    command = [sys.executable, str(Path(__file__).with_name("server.py"))]
    cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cpus) > 1:
        command.append(str(cpus[0]))
        os.sched_setaffinity(0, {cpus[-1]})
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def kept_waiting() -> float:
    """How many seconds the main thread has stood in the queue for its core, as Linux counts it."""
    try:
        return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tests", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=50)
    parser.add_argument("--protocol", choices=TARGETS, default="sse")
    parser.add_argument("--backend", choices=BACKENDS, action="append")
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args()
    ideal = wanted.tests * REPLY_MS / 1000 / wanted.jobs
    with tempfile.TemporaryDirectory() as folder, server() as port:
        config = Path(folder) / "turnwire.json"
        config.write_text(json.dumps(make_config(port)))
        cases = make_cases(wanted.tests, config, wanted.protocol)
        for backend in wanted.backend or [name for name in BACKENDS if find_spec(name)]:
            run = functools.partial(anyio.run, measure, **BACKENDS[backend])
            first = Path(folder) / f"{backend}.jsonl"
            run(cases[:1], 1, first)
            for number in range(wanted.rounds):
                path = Path(folder) / f"{backend}-{number}.jsonl"
                before, waited = time.process_time(), kept_waiting()
                seconds, outcome = run(cases, wanted.jobs, path)
                cpu, waited = time.process_time() - before, kept_waiting() - waited
                assert outcome.counts["passed"] == wanted.tests, outcome.counts
                finished = sum(one.type == "test_finished" for one in read_log(path))
                assert finished == wanted.tests
                result = {
                    "backend": backend,
                    "tests": wanted.tests,
                    "jobs": wanted.jobs,
                    "seconds": round(seconds, 3),
                    "ideal": ideal,
                    "ratio": round(seconds / ideal, 2),
                    "cpu": round(cpu, 3),
                    "waited": round(waited, 3),
                }
                print(json.dumps(result))


if __name__ == "__main__":
    main()
