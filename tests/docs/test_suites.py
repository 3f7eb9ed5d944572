"""The suites that the docs show are run, and what is shown of suites is run in one."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import anyio
import pytest
from ruamel.yaml import YAML

from support.command_line import without_blame
from support.pages import ROOT, Example, examples, examples_of
from turnwire.engine import ConnectionSource, RunOutcome, run_cases
from turnwire.kinds import Kinds
from turnwire.suites.expansion import expand
from turnwire.suites.loading import load_suite


def _data(example: Example) -> Any:
    return YAML(typ="safe").load(example.body)


def _is_suite(example: Example) -> bool:
    data = _data(example)
    return isinstance(data, dict) and "tests" in data


def _runs_it_itself(page: Path) -> bool:
    """Whether the page shows what a run of its suites prints: that is compared elsewhere."""
    commands = re.compile(r"^\$ (turnwire run|pytest)\b", re.MULTILINE)
    return any(commands.search(one.body) for one in examples_of(page))


SUITES = [one for one in examples("yaml") if _is_suite(one) and not _runs_it_itself(one.page)]
FRAGMENTS = [one for one in examples("yaml") if isinstance(_data(one), list)]


def _run(file: Path, kinds: Kinds) -> RunOutcome:
    suite = load_suite(file, kinds)

    async def run() -> RunOutcome:
        cases = expand(suite, seed=7)
        async with ConnectionSource() as sources:
            return await run_cases(cases, sources=sources, kinds=kinds, log=None, jobs=8)

    return anyio.run(run)


def _reasons(outcome: RunOutcome) -> list[str]:
    """Why anything did not pass, warnings too."""
    checks = [check for result in outcome.results for check in result.checks]
    return [
        *(reason for result in outcome.results for reason in result.reasons),
        *(one.reason for one in (*checks, *outcome.suite_checks) if one.status != "passed"),
    ]


def _files_of(page: Path, folder: Path) -> Kinds:
    """Write the files that a page shows; the kinds are those of its plugins too."""
    kinds = Kinds(discover=False)
    for example in examples_of(page):
        if example.title and "/" not in example.title:
            file = folder / example.title
            file.write_text(example.body)
            if "@hookimpl" in example.body:
                spec = importlib.util.spec_from_file_location(file.stem, file)
                assert spec
                assert spec.loader
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                kinds.register(module)
    return kinds


@pytest.mark.parametrize("example", SUITES, ids=str)
def test_a_suite_that_is_shown_passes_unless_it_is_wrong(example: Example, tmp_path: Path) -> None:
    assert example.title
    kinds = _files_of(example.page, tmp_path)
    outcome = _run(tmp_path / example.title, kinds)
    assert outcome.results
    if example.title.startswith("wrong"):
        assert _reasons(outcome)
    else:
        assert _reasons(outcome) == []


@pytest.mark.parametrize("example", FRAGMENTS, ids=str)
def test_steps_and_checks_that_are_shown_hold(example: Example, tmp_path: Path) -> None:
    kinds = Kinds(discover=False)
    items = _data(example)
    steps = items
    if all(any(kinds.is_check(key) for key in item) for item in items):
        steps = [{"message": "When are you open?", "checks": items}]
    test = {"name": "As shown", "steps": steps, "checks": [{"verdict": "finished"}]}
    file = tmp_path / "shown.turnwire.json"
    file.write_text(json.dumps({"connections": ["demo-sse"], "tests": [test]}))
    assert _reasons(_run(file, kinds)) == []


def test_there_is_something_to_run() -> None:
    assert len(SUITES) >= 10
    assert len(FRAGMENTS) >= 3


def test_the_workflow_of_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    page = ROOT / "docs/tutorial.md"
    (workflow,) = [one for one in examples_of(page) if "jobs:" in one.body]
    _files_of(page, tmp_path)
    (tmp_path / "turnwire.yaml").unlink()  # that one leads to a server of the reader's
    steps = _data(workflow)["jobs"]["conversations"]["steps"]
    (command,) = [step["run"] for step in steps if step.get("run", "").startswith("turnwire")]
    summary = tmp_path / "summary.md"
    words = shlex.split(command.replace("$GITHUB_STEP_SUMMARY", str(summary)))
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=tmp_path,
        env={**os.environ, "GITHUB_STEP_SUMMARY": str(summary)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.match(r"::notice .*3 passed", without_blame(done.stdout))
    assert "3 passed" in summary.read_text()
    (kept,) = [step["with"]["path"] for step in steps if "upload" in step.get("uses", "")]
    assert kept.split() == ["runs/", "turnwire-junit.xml"]
    assert ET.parse(tmp_path / "turnwire-junit.xml").getroot().get("tests") == "3"
    assert len(list((tmp_path / "runs").glob("*.jsonl"))) == 1
