"""The suites in ``examples/``: one in which all is well, and one in which nothing is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from turnwire.engine import ConnectionSource, RunOutcome, run_cases
from turnwire.kinds import Kinds
from turnwire.suites.discovery import is_suite
from turnwire.suites.expansion import expand
from turnwire.suites.loading import load_suite
from turnwire.suites.model import CheckSpec, Suite
from turnwire.suites.references import checks_of

EXAMPLES = Path(__file__).parents[2] / "examples"
SHOP = EXAMPLES / "shop.turnwire.yaml"
FAILURES = EXAMPLES / "failures.yaml"
KINDS = Kinds(discover=False)


@pytest.fixture(scope="module")
def shop() -> Suite:
    return load_suite(SHOP, KINDS)


def _checks(suite: Suite) -> list[CheckSpec]:
    steps = [step for test in suite.tests for step in test.steps]
    steps += [step for fixture in suite.fixtures.values() for step in fixture.steps]
    return [
        *suite.checks,
        *(check for test in suite.tests for check in test.checks),
        *(check for step in steps for check in checks_of(step)),
    ]


def test_the_example_has_every_kind_of_check(shop: Suite) -> None:
    assert {check.kind for check in _checks(shop)} == set(KINDS.checks())


def test_the_example_has_every_kind_of_step(shop: Suite) -> None:
    assert {step.kind for test in shop.tests for step in test.steps} == set(KINDS.steps())


def test_the_example_is_of_some_size(shop: Suite) -> None:
    assert len(shop.tests) >= 10


async def _run(suite: Suite, connections: Sequence[str]) -> RunOutcome:
    cases = expand(suite, connections=connections, seed=7)
    async with ConnectionSource() as sources:
        return await run_cases(cases, sources=sources, kinds=KINDS, log=None, jobs=8)


@pytest.mark.anyio
@pytest.mark.parametrize("connection", ["demo-http", "demo-sse", "demo-websocket"])
async def test_the_same_suite_passes_over_each_protocol(shop: Suite, connection: str) -> None:
    outcome = await _run(shop, [connection])
    reasons = [reason for result in outcome.results if not result.ok for reason in result.reasons]
    reasons += [check.reason for check in outcome.suite_checks if check.status != "passed"]
    assert reasons == []
    assert len(outcome.suite_checks) == len(shop.checks)
    assert outcome.exit_code == 0
    passed = {one.case.test.id for one in outcome.results if one.status == "passed"}
    assert len(passed) >= 10


def test_the_same_suite_passes_under_pytest(tmp_path: Path) -> None:
    arguments = ["-q", "-n0", "-p", "no:cacheprovider", "--turnwire-connection", "demo-websocket"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, str(EXAMPLES), f"--junitxml={tmp_path}/j.xml"],
        cwd=EXAMPLES.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    results = ET.parse(tmp_path / "j.xml").getroot().find("testsuite")
    assert results is not None
    assert int(results.get("tests", "0")) - int(results.get("skipped", "0")) >= 10


def _turnwire(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "turnwire", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_part_of_the_suite_is_not_held_to_what_goes_for_the_whole(tmp_path: Path) -> None:
    log = str(tmp_path / "log.jsonl")
    done = _turnwire("run", str(SHOP), "--connection", "demo-sse", "-k", "refunds", "--log", log)
    assert done.returncode == 0, done.stderr
    said = "shop: 2 checks over the whole suite left out: only a part of its tests was chosen."
    assert said in done.stderr
    # Resumed, it is the same part.
    assert said in _turnwire("run", "--resume", log).stderr


def test_nobody_comes_upon_the_failures_by_accident() -> None:
    assert not is_suite(FAILURES)


@pytest.mark.parametrize(
    ("kind", "code"), [("check", 1), ("config", 2), ("transport", 3), ("judge", 3), ("plugin", 4)]
)
def test_each_kind_of_failure_has_its_exit_code(kind: str, code: int, tmp_path: Path) -> None:
    done = _turnwire("run", str(FAILURES), "--tag", kind, "--log", str(tmp_path / "log.jsonl"))
    assert done.returncode == code, done.stderr


def test_reports_tell_the_kinds_of_failures_apart(tmp_path: Path) -> None:
    log, as_json, junit = tmp_path / "log.jsonl", tmp_path / "r.json", tmp_path / "r.xml"
    done = _turnwire("run", str(FAILURES), "--log", str(log))
    assert done.returncode == 4, done.stderr
    # Only from the log, later: what was on the terminal is gone.
    wishes = ["--report", f"json={as_json}", "--report", f"junit={junit}"]
    again = _turnwire("report", str(log), *wishes)
    assert again.returncode == 4, again.stderr
    found = [
        (case["id"].partition("::")[2].partition("[")[0], case["status"], case["failure"])
        for case in json.loads(as_json.read_text())["suites"][0]["cases"]
    ]
    assert sorted(found) == [
        ("a-check-does-not-hold", "failed", "check"),
        ("a-check-names-a-function-that-is-not-there", "error", "config"),
        ("code-that-was-plugged-in-breaks", "error", "plugin"),
        ("the-judge-cannot-be-reached", "error", "judge"),
        ("the-target-breaks-off", "error", "transport"),
        ("the-target-cannot-be-reached", "error", "transport"),
    ]
    root = ET.parse(junit).getroot()
    assert (root.get("failures"), root.get("errors")) == ("1", "5")
    types = sorted(error.get("type", "") for error in root.iter("error"))
    assert types == ["config", "judge", "plugin", "transport", "transport"]
