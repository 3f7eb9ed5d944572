"""What is measured of the commands: their start, and what a test costs."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from bench import ENVIRONMENT, HERE, Bench, cpu_ms
from peers import ROOT, promptfoo


def startup(bench: Bench) -> None:
    """What the command line takes before it does anything."""
    commands = {
        "click": ["-c", "import click"],
        "--help": ["-m", "turnwire", "--help"],
    }
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(3 * bench.rounds):
        for name, arguments in commands.items():
            found[name].append(cpu_ms([bench.python, *arguments]))
    help_ms, click_ms = median(found["--help"]), median(found["click"])
    value = f"{help_ms / click_ms:.2f} × ({help_ms:.0f} ms against {click_ms:.0f} ms of CPU)"
    met = help_ms <= 2 * click_ms
    bench.row("`turnwire --help`", value, "≤ 2 × importing click", met)
    _run_of_one_test(bench)


def _run_of_one_test(bench: Bench) -> None:
    reply_ms = 200
    url = f"http://127.0.0.1:{bench.port}/chat?delay_ms={reply_ms}"
    suite = {
        "name": "one",
        "connections": ["bot"],
        "tests": [{"name": "t", "steps": [{"message": "Hi"}], "checks": [{"verdict": "finished"}]}],
    }
    seconds: list[float] = []
    cpu: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        config = {"connections": {"bot": {"base_url": url}}}
        Path(folder, "turnwire.json").write_text(json.dumps(config))
        Path(folder, "one.turnwire.json").write_text(json.dumps(suite))
        command = [bench.python, "-m", "turnwire", "run"]
        for _ in range(2 * bench.rounds):
            begun = time.perf_counter()
            cpu.append(cpu_ms(command, folder))
            seconds.append(time.perf_counter() - begun)
    over = median(seconds) - reply_ms / 1000
    value = f"{over:.2f} s ({median(cpu) / 1000:.2f} s of CPU)"
    name = "`turnwire run` of one test, over its reply time"
    bench.row(name, value, "≤ 0.4 s", over <= 0.4)


def runner(bench: Bench) -> None:
    """What a test costs, with checks and the run log, beside waiting for its reply."""
    command = [bench.python, str(HERE / "engine.py"), "--rounds", "1", "--backend", "asyncio"]
    found = []
    for _ in range(bench.rounds):
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=ENVIRONMENT)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    ms = median(one["cpu"] * 1000 / one["tests"] for one in found)
    bench.row("the runner, CPU per test of one turn", f"{ms:.2g} ms")
    ratio = median(one["ratio"] for one in found)
    bench.bound("200 tests, 50 at once, over the ideal time", ratio, " ×", 1.5)
    _against_promptfoo(bench)


def _against_promptfoo(bench: Bench) -> None:
    """Whole commands, from their start to their exit code: 200 tests, 50 at once."""
    count, jobs = 200, 50
    url = f"http://127.0.0.1:{bench.port}/chat?delay_ms=200"
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
        commands = {"Turnwire": [bench.python, "-m", "turnwire", "run", "--jobs", str(jobs)]}
        if (peer := promptfoo(ROOT / ".venv-bench" / "promptfoo")) is not None:
            options = ["-j", str(jobs), "--no-cache", "--no-table", "--no-write"]
            commands["promptfoo"] = [peer, "eval", "-c", "promptfoo.json", *options]
        found: dict[str, list[float]] = defaultdict(list)
        for _ in range(min(3, bench.rounds)):
            for name, command in list(commands.items()):
                try:
                    found[name].append(cpu_ms(command, folder) / count)
                except subprocess.CalledProcessError as exc:
                    if name == "Turnwire":
                        raise
                    bench.note(f"{name} ended with code {exc.returncode}.")
                    del commands[name]
    ms = {name: median(values) for name, values in found.items()}
    name = f"a command with {count} tests, {jobs} at once, CPU per test"
    value = ", ".join(f"{who} {cpu:.2g} ms" for who, cpu in ms.items())
    bench.row(name, value)
    print(f"  {value}", flush=True)
    if peer is None:
        bench.note("promptfoo was not there, nor npm to bring it in time.")
