"""All measurements, interleaved, against what is asked of them; writes docs/performance.md.

    make bench                  some ten minutes
    make bench QUICK=1          a third of that, and less sure
    python benchmarks/run.py --only blast,paced [--rounds 4] [--no-write]
                                these again; the others stay on the page as they were found last

The server has the first core, each client in turn the last. Rounds are interleaved, so that what
the machine does besides meets all alike; medians are taken, and only ratios are judged. A round of
paced streams in which the machine was busy is no such round, and is done again, within bounds.

Peers are installed into an environment of their own, .venv-bench, with the packages of this
workspace; promptfoo beside them, where npm is there and brings it in five minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from report import Bars, Measured, Row, load, number, save, table, write

HERE = Path(__file__).parent
ROOT = HERE.parent
PEERS = ("aiohttp", "httpx", "httpx-sse", "openai", "websockets", "trio")
PACKAGES = ("core", "drivers/http_chat", "drivers/sse", "drivers/websocket", "runner[speed]")

LABELS = {
    "httpx-sse": "httpx + httpx-sse, bare",
    "aiohttp-sse": "aiohttp, bare lines",
    "openai": "openai SDK",
    "websockets": "websockets, bare",
    "aiohttp-ws": "aiohttp, bare",
    "httpx-chat": "one shared httpx client",
    "aiohttp-chat": "one shared aiohttp session",
}
NO_EXTRAS = ("orjson", "uvloop")

CROWDED = 2.0
"""Events per wake-up from which on a paced stream is not what it was meant to be."""
STREAMS = (50, 100, 150, 200, 250, 300, 400, 500, 600, 800)
NPM_SECONDS = 300

# As installed: with compiled modules, whatever the shell of a developer says.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

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

    # -- the measures --------------------------------------------------------------------------

    def blast(self) -> None:
        """One stream as fast as it is read."""
        events = 10_000 if self.quick else 30_000
        jobs = _jobs({"measure": "blast", "events": events}, "sse", ("httpx-sse", "aiohttp-sse"))
        jobs["openai"] = {"measure": "blast", "events": events // 6, "reader": "openai"}
        found = _us(self.compare(jobs))
        own = found["Turnwire"]
        self.judge("SSE, blast, CPU per event", own, found["httpx-sse"], 0.75, "httpx + httpx-sse")
        self.judge("the same", own, found["openai"], 0.08, "openai SDK")
        self.judge("the same on trio", found["Turnwire, trio"], own, 1.2, "asyncio")
        self._group("SSE, one saturated stream", found)
        jobs = _jobs({"measure": "blast", "events": 2 * events}, "ws", ("websockets", "aiohttp-ws"))
        found = _us(self.compare(jobs))
        own = found["Turnwire"]
        self.judge("WebSocket, blast, CPU per message", own, found["websockets"], 1.2, "websockets")
        self.judge("the same on trio", found["Turnwire, trio"], own, 1.2, "asyncio")
        self._group("WebSocket, one saturated stream", found)

    def paced(self) -> None:
        """What assistants do: many streams, and each event wakes the client."""
        plan = {"measure": "paced", "streams": 100, "rate": 50, "seconds": 2}
        crowd = "events_per_wakeup"
        kept = self.compare(_jobs(plan, "sse", ("httpx-sse", "aiohttp-sse")), crowd=crowd)
        found = _us(kept)
        own = found["Turnwire"]
        what = "100 streams of 50 events/s"
        name = f"SSE, {what}, CPU per event"
        self.judge(name, own, found["httpx-sse"], 0.55, "httpx + httpx-sse")
        self.judge("the same", own, found["aiohttp-sse"], 1.4, "aiohttp")
        self.judge("the same on trio", found["Turnwire, trio"], own, 1.2, "asyncio")
        self._group(f"SSE, {what}", found)
        self._note_wakeups(kept)
        kept = self.compare(_jobs(plan, "ws", ("websockets", "aiohttp-ws")), crowd=crowd)
        found = _us(kept)
        own = found["Turnwire"]
        name = f"WebSocket, {what}, CPU per message"
        self.judge(name, own, found["websockets"], 1.6, "websockets")
        self.judge("the same on trio", found["Turnwire, trio"], own, 1.2, "asyncio")
        self._group(f"WebSocket, {what}", found)
        self._note_wakeups(kept)

    def requests(self) -> None:
        """Short requests, many at once."""
        turns = 3 if self.quick else 5
        for at_once in (50, 200, 500):
            plan = {"measure": "requests", "at_once": at_once, "turns": turns}
            jobs = {"Turnwire": plan | {"reader": "turnwire-chat"}}
            jobs |= {name: plan | {"reader": name} for name in ("httpx-chat", "aiohttp-chat")}
            found = _us(self.compare(jobs, rounds=min(3, self.rounds)))
            if at_once == 200:
                name = "HTTP chat, 200 at once, CPU per request"
                self.judge(name, found["Turnwire"], found["httpx-chat"], 0.35, "one httpx client")
            self._group(f"HTTP chat, {at_once} at once", found)

    def first_token(self) -> None:
        """The arrival stamp of the first text against the stamp of its send."""
        plan = {"measure": "first_token", "streams": 100, "rate": 50}
        jobs = {name: plan | {"reader": f"turnwire-{name}"} for name in ("sse", "ws")}
        peers = {name: plan | {"reader": name} for name in ("httpx-sse", "aiohttp-sse")}
        found = self.compare(jobs | peers)
        for name in jobs:
            label = "SSE" if name == "sse" else "WebSocket"
            self.bound(f"{label}, first-token error, p50", found[name]["p50"], " ms", 0.3)
            self.bound(f"{label}, first-token error, p99", found[name]["p99"], " ms", 2)
        for name, values in found.items():
            label = LABELS.get(name, f"Turnwire, {name}")
            self.found.notes.append(
                f"First token at 100 streams started at once, {label}: the stamp is p50 "
                f"{values['p50']:.2g} ms, p99 {values['p99']:.2g} ms behind the send; the text "
                f"was in hand after p50 {values['seen_p50']:.2g} ms, "
                f"p99 {values['seen_p99']:.2g} ms."
            )

    def streams(self) -> None:
        """How many streams of 50 events a second one core reads with a p99 lag below 10 ms."""
        plan = {"measure": "lag", "rate": 50, "seconds": 2}
        bare = plan | {"streams": STREAMS[0], "reader": "aiohttp-sse"}
        if not any(self.client(bare)["p99"] < 10 for _ in range(3)):
            self.found.notes.append(
                "Streams per core were not measured: the machine was so busy that aiohttp, bare, "
                f"could not read {STREAMS[0]} of them within 10 ms either."
            )
            return
        for backend, least in (("asyncio", 200), ("uvloop", 400)):
            for reader in ("turnwire-sse", "turnwire-ws"):
                low, high = -1, len(STREAMS)  # it keeps up with the one, not with the other
                while high - low > 1:
                    middle = (low + high) // 2
                    job = plan | {"streams": STREAMS[middle]}
                    job |= {"reader": reader, "backend": backend}
                    tries = (self.client(job)["p99"] for _ in range(2))
                    if any(p99 < 10 for p99 in tries):
                        low = middle
                    else:
                        high = middle
                most = STREAMS[low] if low >= 0 else 0
                print(f"  {reader}, {backend}: {most}", flush=True)
                label = "SSE" if reader == "turnwire-sse" else "WebSocket"
                self.bound(f"{label}, streams per core, {backend}", most, "", least, least=True)

    def memory(self) -> None:
        """Resident memory for each open stream."""
        plan = {"measure": "memory", "streams": 200 if self.quick else 1000}
        readers = ("turnwire-sse", "turnwire-ws", "httpx-sse", "aiohttp-sse", "websockets")
        found = self.compare({name: plan | {"reader": name} for name in readers}, rounds=1)
        for name, label in (("turnwire-sse", "SSE"), ("turnwire-ws", "WebSocket")):
            self.bound(f"{label}, memory per open stream", found[name]["kib"], " KiB", 30)
        shown = {LABELS.get(name, f"Turnwire, {name[9:]}"): v["kib"] for name, v in found.items()}
        self.found.groups.append(Bars("Memory per open stream", "KiB", shown))

    def linear(self) -> None:
        """Four times as much takes four times as long."""
        for reader, label in (("turnwire-sse", "SSE"), ("turnwire-ws", "WebSocket")):
            plan = {"measure": "pieces", "reader": reader}
            sizes = {"256 KiB": plan | {"size": 1 << 18}, "1 MiB": plan | {"size": 1 << 20}}
            found = _us(self.compare(sizes))
            what = "that of 256 KiB"
            name = f"{label}, an event of 1 MiB in pieces of 1 KiB, CPU per KiB"
            self.judge(name, found["1 MiB"], found["256 KiB"], 1.5, what)
            plan = {"measure": "blast", "reader": reader}
            counts = {"50,000": plan | {"events": 50_000}, "200,000": plan | {"events": 200_000}}
            found = _us(self.compare(counts, rounds=min(3, self.rounds)))
            name = f"{label}, a reply of 200,000 chunks, CPU per chunk"
            self.judge(name, found["200,000"], found["50,000"], 1.5, "that of 50,000")

    def startup(self) -> None:
        """What the command line takes before it does anything."""
        commands = {
            "click": ["-c", "import click"],
            "--help": ["-m", "turnwire", "--help"],
        }
        found: dict[str, list[float]] = defaultdict(list)
        for _ in range(3 * self.rounds):
            for name, arguments in commands.items():
                found[name].append(_cpu_ms([self.python, *arguments]))
        help_ms, click_ms = median(found["--help"]), median(found["click"])
        value = f"{help_ms / click_ms:.2f} × ({help_ms:.0f} ms against {click_ms:.0f} ms of CPU)"
        met = help_ms <= 2 * click_ms
        self.found.rows.append(Row("`turnwire --help`", value, "≤ 2 × importing click", met))
        self._run_of_one_test()

    def _run_of_one_test(self) -> None:
        reply_ms = 200
        url = f"http://127.0.0.1:{self.port}/chat?delay_ms={reply_ms}"
        suite = {
            "name": "one",
            "connections": ["bot"],
            "tests": [
                {"name": "t", "steps": [{"message": "Hi"}], "checks": [{"verdict": "finished"}]}
            ],
        }
        seconds: list[float] = []
        cpu_ms: list[float] = []
        with tempfile.TemporaryDirectory() as folder:
            config = {"connections": {"bot": {"base_url": url}}}
            Path(folder, "turnwire.json").write_text(json.dumps(config))
            Path(folder, "one.turnwire.json").write_text(json.dumps(suite))
            command = [self.python, "-m", "turnwire", "run"]
            for _ in range(2 * self.rounds):
                begun = time.perf_counter()
                cpu_ms.append(_cpu_ms(command, folder))
                seconds.append(time.perf_counter() - begun)
        over = median(seconds) - reply_ms / 1000
        value = f"{over:.2f} s ({median(cpu_ms) / 1000:.2f} s of CPU)"
        name = "`turnwire run` of one test, over its reply time"
        self.found.rows.append(Row(name, value, "≤ 0.4 s", over <= 0.4))

    def runner(self) -> None:
        """What a test costs, with checks and the run log, beside waiting for its reply."""
        command = [self.python, str(HERE / "engine.py"), "--rounds", "1", "--backend", "asyncio"]
        found = []
        for _ in range(self.rounds):
            done = subprocess.run(
                command, capture_output=True, text=True, check=True, env=ENVIRONMENT
            )
            found.append(json.loads(done.stdout.splitlines()[-1]))
        ms = median(one["cpu"] * 1000 / one["tests"] for one in found)
        self.found.rows.append(
            Row("the runner, CPU per test of one turn", f"{ms:.2g} ms", "", None)
        )
        ratio = median(one["ratio"] for one in found)
        self.bound("200 tests, 50 at once, over the ideal time", ratio, " ×", 1.5)
        self._against_promptfoo()

    def _against_promptfoo(self) -> None:
        """Whole commands, from their start to their exit code: 200 tests, 50 at once."""
        count, jobs = 200, 50
        url = f"http://127.0.0.1:{self.port}/chat?delay_ms=200"
        suite = {
            "name": "many",
            "connections": ["bot"],
            "tests": [
                {"name": f"t{n}", "steps": [{"message": "Hi", "checks": [{"regex": "^[0-9]"}]}]}
                for n in range(count)
            ],
        }
        request = {"method": "POST", "body": {"message": "{{prompt}}"}}
        request["headers"] = {"Content-Type": "application/json"}
        provider = {"id": "http", "config": {"url": url, "transformResponse": "json.reply"}}
        provider["config"] |= request  # type: ignore[operator] # it is a dict
        test = {"vars": {"message": "Hi"}, "assert": [{"type": "regex", "value": "^[0-9]"}]}
        evaluation = {"prompts": ["{{message}}"], "providers": [provider], "tests": [test] * count}
        with tempfile.TemporaryDirectory() as folder:
            connections = {"connections": {"bot": {"base_url": url}}}
            Path(folder, "turnwire.json").write_text(json.dumps(connections))
            Path(folder, "many.turnwire.json").write_text(json.dumps(suite))
            Path(folder, "promptfoo.json").write_text(json.dumps(evaluation))
            commands = {"Turnwire": [self.python, "-m", "turnwire", "run", "--jobs", str(jobs)]}
            if (promptfoo := _promptfoo(ROOT / ".venv-bench" / "promptfoo")) is not None:
                options = ["-j", str(jobs), "--no-cache", "--no-table", "--no-write"]
                commands["promptfoo"] = [promptfoo, "eval", "-c", "promptfoo.json", *options]
            found: dict[str, list[float]] = defaultdict(list)
            for _ in range(min(3, self.rounds)):
                for name, command in list(commands.items()):
                    try:
                        found[name].append(_cpu_ms(command, folder) / count)
                    except subprocess.CalledProcessError as exc:
                        if name == "Turnwire":
                            raise
                        self.found.notes.append(f"{name} ended with code {exc.returncode}.")
                        del commands[name]
        ms = {name: median(values) for name, values in found.items()}
        name = f"a command with {count} tests, {jobs} at once, CPU per test"
        value = ", ".join(f"{who} {cpu:.2g} ms" for who, cpu in ms.items())
        self.found.rows.append(Row(name, value, "", None))
        print(f"  {value}", flush=True)
        if promptfoo is None:
            self.found.notes.append("promptfoo was not there, nor npm to bring it in time.")

    def _group(self, title: str, found: Mapping[str, float]) -> None:
        values = {LABELS.get(name, name): value for name, value in found.items()}
        self.found.groups.append(Bars(title, "µs", values))

    def _note_wakeups(self, found: Results) -> None:
        crowded = {
            LABELS.get(name, name): values["events_per_wakeup"]
            for name, values in found.items()
            if values["events_per_wakeup"] > CROWDED
        }
        if crowded:
            said = ", ".join(f"{name} {count:.1f}" for name, count in crowded.items())
            self.found.notes.append(
                f"The machine was busy: more than one event per wake-up ({said}), which flatters "
                "the slower client. Ratios of paced streams are too small."
            )


MEASURES = (
    Bench.blast,
    Bench.paced,
    Bench.streams,
    Bench.first_token,
    Bench.memory,
    Bench.requests,
    Bench.linear,
    Bench.startup,
    Bench.runner,
)


def _jobs(plan: Job, kind: str, peers: Sequence[str]) -> dict[str, Job]:
    own = plan | {"reader": f"turnwire-{kind}"}
    jobs = {
        "Turnwire": own,
        "Turnwire, trio": own | {"backend": "trio"},
        "Turnwire, uvloop": own | {"backend": "uvloop"},
        "Turnwire, without extras": own | {"without": NO_EXTRAS},
    }
    return jobs | {name: plan | {"reader": name} for name in peers}


def _worst(one: Mapping[str, Mapping[str, float]], key: str) -> float:
    """Over the clients on one event loop: trio and uvloop wait otherwise, and count otherwise."""
    return max(values[key] for name, values in one.items() if "," not in name)


def _us(results: Results) -> dict[str, float]:
    return {name: values["us"] for name, values in results.items()}


def _shown(values: Mapping[str, float]) -> str:
    return ", ".join(f"{key} {value:.3g}" for key, value in values.items())


def _cpu_ms(command: Sequence[str], folder: str | None = None) -> float:
    quiet = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1"}
    environment = ENVIRONMENT | quiet | ({"PROMPTFOO_CONFIG_DIR": folder} if folder else {})
    null = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=null, stderr=null, cwd=folder, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return (usage.ru_utime + usage.ru_stime) * 1000


def _environment(folder: Path) -> str:
    """The python of an environment that has the peers; made where there is none."""
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"Installing the peers into {folder}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        editable = [word for one in PACKAGES for word in ("--editable", f"{ROOT}/{one}")]
        subprocess.run([*pip, *editable, *PEERS], check=True)
    return str(python)


def _promptfoo(folder: Path) -> str | None:
    """The command, or None where it cannot be had: it is near two gigabytes."""
    if (known := shutil.which("promptfoo")) is not None:
        return known
    command = folder / "node_modules" / ".bin" / "promptfoo"
    npm = shutil.which("npm")
    if not command.exists() and npm is not None:
        print(f"  Installing promptfoo into {folder}", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        install = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund"]
        try:
            subprocess.run(
                [*install, "--ignore-scripts", "promptfoo"],
                capture_output=True,
                timeout=NPM_SECONDS,
                check=True,
            )
        except (subprocess.SubprocessError, OSError) as exc:
            print(f"  {exc}", flush=True)
    return str(command) if command.exists() else None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    names = [measure.__name__ for measure in MEASURES]
    parser.add_argument("--only", help=f"some of {','.join(names)}")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--no-write", action="store_true", help="print the table, and that is all")
    parser.add_argument("--here", action="store_true", help="this python has the peers already")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "performance.md")
    wanted = parser.parse_args()
    python = sys.executable if wanted.here else _environment(ROOT / ".venv-bench")
    rounds = wanted.rounds or (3 if wanted.quick else 4)
    bench = Bench(python, rounds, quick=wanted.quick)
    only = wanted.only.split(",") if wanted.only else names
    kept = ROOT / ".venv-bench" / "results.json"
    measured = load(kept) if wanted.only else {}
    with bench.server():
        for measure in MEASURES:
            if (name := measure.__name__) in only:
                print(f"{name}: {(measure.__doc__ or '').splitlines()[0]}", flush=True)
                bench.found = Measured()
                measure(bench)
                if hasattr(os, "getloadavg"):
                    bench.found.load = os.getloadavg()[0]
                measured[name] = bench.found
    print("\n".join(["", *table([row for name in only for row in measured[name].rows])]))
    if not wanted.no_write:
        save(kept, measured)
        write(wanted.page, [measured[name] for name in names if name in measured])
        print(f"\nWritten to {wanted.page}")


if __name__ == "__main__":
    main()
