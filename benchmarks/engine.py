"""How long many tests take at once, against what they would take if the engine cost nothing.

    python benchmarks/engine.py [--tests 200] [--jobs 50] [--connection demo-sse] [--backend trio]

The built-in assistant runs in a process of its own. Each reply takes 200 ms: three pieces, of which
the first comes after 150 ms. Each test takes one turn, with checks, and the run log is written. The
ideal is tests × 200 ms / jobs; the ratio to it should stay below 1.5. CPU is that of this process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import anyio

from turnwire.checks.structuring import structure_check
from turnwire.engine import ConnectionSource, RunOutcome, run_cases
from turnwire.kinds import Kinds
from turnwire.runlog import RunLog, read_log
from turnwire.suites.model import Case, Origin, Suite, Test
from turnwire.suites.steps import structure_step

KINDS = Kinds.installed()
FILE = Path("benchmark.turnwire.yaml")

FIRST_MS = 150.0
GAP_MS = 25.0
REPLY_MS = FIRST_MS + 2 * GAP_MS


def make_cases(count: int, config: Path, connection: str) -> list[Case]:
    """So many tests of one turn and two checks."""
    origin = Origin(str(FILE))
    raw = {"message": "Thank you", "checks": [{"contains": "welcome"}]}
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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tests", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=50)
    parser.add_argument("--connection", default="demo-sse")
    parser.add_argument("--backend", choices=("asyncio", "trio"), action="append")
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args()
    ideal = wanted.tests * REPLY_MS / 1000 / wanted.jobs
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "turnwire.json"
        command = [sys.executable, "-m", "turnwire", "serve-demo", "--port", "0"]
        pace = [f"--first-ms={FIRST_MS}", f"--gap-ms={GAP_MS}", f"--write-config={config}"]
        with subprocess.Popen(
            [*command, *pace], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as server:
            try:
                assert server.stdout is not None
                server.stdout.readline()
                for backend in wanted.backend or ("asyncio", "trio"):
                    for number in range(wanted.rounds):
                        path = Path(folder) / f"{backend}-{number}.jsonl"
                        cases = make_cases(wanted.tests, config, wanted.connection)
                        before = time.process_time()
                        seconds, outcome = anyio.run(
                            measure, cases, wanted.jobs, path, backend=backend
                        )
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
                            "cpu": round(time.process_time() - before, 3),
                        }
                        print(json.dumps(result))
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
