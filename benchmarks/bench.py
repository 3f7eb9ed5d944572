"""The runs of a benchmark: a server with the first core, and each client in turn with the last.

Rounds are interleaved, so that what the machine does besides meets all alike; medians are taken,
and only ratios are judged. A round of paced streams in which the machine was busy is no such round,
and is done again, within bounds.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from report import Bars, Measured, Row, number

HERE = Path(__file__).parent

CROWDED = 2.0
"""Events per wake-up from which on a paced stream is not what it was meant to be."""

# As installed: with compiled modules, whatever the shell of a developer says.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

LABELS = {
    "asyncio-raw": "asyncio, bytes only",
    "turnwire-http": "Turnwire's HTTP",
    "turnwire-events": "Turnwire's HTTP and events",
    "httpx-sse": "httpx + httpx-sse, bare",
    "aiohttp-sse": "aiohttp, bare lines",
    "openai": "openai SDK",
    "websockets": "websockets, bare",
    "aiohttp-ws": "aiohttp, bare",
    "httpx-chat": "one shared httpx client",
    "aiohttp-chat": "one shared aiohttp session",
}

Job = dict[str, Any]
Results = Mapping[str, Mapping[str, float]]
"""By the name of a job, its medians."""


class Bench:
    """The jobs of one run, done by a python that has the peers, against one server."""

    def __init__(self, python: str, rounds: int, *, quick: bool) -> None:
        self.python = python
        self.rounds = rounds
        self.quick = quick
        self.cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self.found = Measured()
        self.port = 0

    @contextmanager
    def server(self) -> Iterator[None]:
        command = [self.python, str(HERE / "server.py")]
        if len(self.cpus) > 1:
            command.append(str(self.cpus[0]))
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            self.port = int(process.stdout.readline())
            try:
                yield
            finally:
                process.terminate()

    def client(self, job: Job) -> dict[str, float]:
        wanted = job | {"port": self.port, "cpu": self.cpus[-1] if len(self.cpus) > 1 else None}
        command = [self.python, str(HERE / "client.py"), json.dumps(wanted)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=300, check=False, env=ENVIRONMENT
        )
        if done.returncode:
            raise SystemExit(f"{job} failed:\n{done.stderr}")
        found: dict[str, float] = json.loads(done.stdout)
        return found

    def compare(
        self, jobs: Mapping[str, Job], *, rounds: int | None = None, crowd: str | None = None
    ) -> Results:
        """Medians of interleaved rounds.

        With ``crowd``, of those rounds in which that value was smallest, of up to twice as many.
        """
        wanted = rounds or self.rounds
        found: list[dict[str, dict[str, float]]] = []
        while len(found) < wanted or (
            crowd is not None
            and len(found) < 2 * wanted
            and sum(_worst(one, crowd) <= CROWDED for one in found) < wanted
        ):
            found.append({name: self.client(job) for name, job in jobs.items()})
        if crowd is not None:
            found = sorted(found, key=lambda one: _worst(one, crowd))[:wanted]
        medians = {
            name: {key: median(one[name][key] for one in found) for key in found[0][name]}
            for name in jobs
        }
        for name, values in medians.items():
            print(f"  {name}: {_shown(values)}", flush=True)
        return medians

    def judge(self, measure: str, found: float, against: float, most: float, what: str) -> None:
        ratio = found / against
        value = f"{ratio:.2f} × ({number(found)} µs against {number(against)} µs)"
        self.found.rows.append(Row(measure, value, f"≤ {most:g} × {what}", ratio <= most))

    def bound(
        self, measure: str, found: float, unit: str, bound: float, *, least: bool = False
    ) -> None:
        met = found >= bound if least else found <= bound
        sign = "≥" if least else "≤"
        self.found.rows.append(Row(measure, f"{found:.3g}{unit}", f"{sign} {bound:g}{unit}", met))

    def row(self, measure: str, value: str, target: str = "", met: bool | None = None) -> None:
        self.found.rows.append(Row(measure, value, target, met))

    def group(self, title: str, found: Mapping[str, float], unit: str = "µs") -> None:
        values = {LABELS.get(name, name): value for name, value in found.items()}
        self.found.groups.append(Bars(title, unit, values))

    def note(self, text: str) -> None:
        self.found.notes.append(text)


def cpu_ms(command: Sequence[str], folder: str | None = None) -> float:
    """What a command takes of a core, from its start to its exit.

    Raises:
        CalledProcessError: its exit code is not 0.
    """
    quiet = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1"}
    environment = ENVIRONMENT | quiet | ({"PROMPTFOO_CONFIG_DIR": folder} if folder else {})
    null = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=null, stderr=null, cwd=folder, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return (usage.ru_utime + usage.ru_stime) * 1000


def us(results: Results) -> dict[str, float]:
    return {name: values["us"] for name, values in results.items()}


def _worst(one: Mapping[str, Mapping[str, float]], key: str) -> float:
    """Over the clients on one event loop: trio and uvloop wait otherwise, and count otherwise."""
    return max(values[key] for name, values in one.items() if "," not in name)


def _shown(values: Mapping[str, float]) -> str:
    return ", ".join(f"{key} {value:.3g}" for key, value in values.items())
