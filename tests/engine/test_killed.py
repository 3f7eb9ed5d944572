"""A run that is killed at any moment loses nothing that was told of, and can be completed."""

from __future__ import annotations

import multiprocessing
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import killable
from support.killable import TESTS, TURNS, make_cases, run_killable
from turnwire.runlog import read_log, read_progress

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")

MOMENTS = 10
"""On each backend: twenty in all."""

REPORTS = 2 * TESTS * (TURNS + 1)
"""How many a run makes that is not killed: one for each turn and each test, on two connections."""

Report = tuple[str, str, int | None]


@pytest.fixture(scope="module")
def processes() -> Iterator[Any]:
    # A server that has imported everything, and forks: a new interpreter for each takes a second.
    # It finds what to import by this variable alone.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["support.killable"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(killable.__file__).parents[1]))
        yield context


def run_until(
    processes: Any, path: Path, backend: str, *, reports: int | None = None, after_s: float = 0.0
) -> list[Report]:
    """Start a run, kill it so many seconds after so many reports, and return all it reported.

    Without ``reports`` it is let come to its end.
    """
    receiving, sending = processes.Pipe(duplex=False)
    process = processes.Process(target=run_killable, args=(path, backend, sending))
    process.start()
    sending.close()
    made: list[Report] = []
    try:
        while reports is None or len(made) < reports:
            report = receiving.recv()
            if report is None:
                break
            made.append(report)
        if reports is not None:
            time.sleep(after_s)  # the moment, not a wait for anything
            process.kill()
        while (report := receiving.recv()) is not None:
            made.append(report)
    except EOFError:
        pass  # it is dead; what it had sent was read
    finally:
        process.join(30)
        receiving.close()
    # One that was to be killed late may have come to its end.
    assert process.exitcode == 0 or (reports is not None and process.exitcode == -signal.SIGKILL)
    return made


@pytest.mark.parametrize("moment", range(MOMENTS))
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_killed_run_loses_nothing_and_is_completed(
    tmp_path: Path, processes: Any, backend: str, moment: int
) -> None:
    chance = random.Random(f"{backend} {moment}")
    path = tmp_path / "log.jsonl"
    told = run_until(
        processes,
        path,
        backend,
        reports=chance.randrange(1, REPORTS),
        after_s=chance.uniform(0, 0.01),
    )

    entries = [entry.to_json() for entry in read_log(path)]
    in_log = {
        *(
            ("turn", one["test"], one["turn"])
            for one in entries
            if one["type"] == "assistant_reply"
        ),
        *(("test", one["test"], None) for one in entries if one["type"] == "test_finished"),
    }
    assert set(told) <= in_log

    finished = set(read_progress(path).finished)
    told = run_until(processes, path, backend)
    ids = {case.id for case in make_cases()}
    assert {test for kind, test, _ in told if kind == "test"} == ids - finished
    ended = [entry.test for entry in read_log(path) if entry.type == "test_finished"]  # type: ignore[attr-defined] # of that type
    assert sorted(ended) == sorted(ids)
    assert [entry.type for entry in read_log(path)][-1] == "run_finished"
