"""A run of tests in a process of its own, which reports what it is told of, and may be killed."""

from __future__ import annotations

import importlib
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import anyio

from support.suites import KINDS, cases_of, make_suite, make_test
from turnwire.engine import CaseFinished, ConnectionSource, Event, TurnFinished, run_cases
from turnwire.runlog import RunLog, read_progress
from turnwire.suites.model import Case
from turnwire_core import Plugins

TESTS = 4
TURNS = 2

# Whoever forks this process has paid for all imports.
importlib.import_module("turnwire.assistant")
importlib.import_module("turnwire_core.http")
Plugins().inventory()


def make_cases() -> list[Case]:
    """Tests of two turns, over two protocols; each takes some milliseconds."""
    say = "[first_ms=1] [gap_ms=1] Thank you"
    tests = [make_test(f"Test {n}", *[say] * TURNS) for n in range(TESTS)]
    return cases_of(make_suite(*tests), "demo-sse", "demo-websocket")


def run_killable(path: Path, backend: str, reports: Pipe) -> None:
    """Run the tests, or go on where the log at ``path`` ends; send each report as it is made."""
    resume = path.exists()
    earlier = read_progress(path) if resume else None

    def on_event(event: Event) -> None:
        match event:
            case TurnFinished(case, turn):
                reports.send(("turn", case.id, turn))
            case CaseFinished(case):
                reports.send(("test", case.id, None))

    async def main() -> None:
        async with ConnectionSource() as sources:
            with RunLog(path, command="run", resume=resume) as log:
                await run_cases(
                    make_cases(),
                    sources=sources,
                    kinds=KINDS,
                    log=log,
                    jobs=4,
                    on_event=on_event,
                    earlier=earlier,
                )

    anyio.run(main, backend=backend)
    reports.send(None)
