"""No secret of a suite or of a connection is shown, wherever it turns up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.suites import make_suite, make_test, run_suite
from turnwire_core.secrets import Secrets

pytestmark = pytest.mark.anyio

SECRET = "sk-very-secret-1"


@pytest.mark.parametrize(
    "step",
    [
        {"message": "echo {{env.KEY}}", "checks": [{"equals": "nothing"}]},
        {"message": "Hi", "checks": [{"contains": "{{variables.key}}", "message": SECRET}]},
        {"message": "Hi", "checks": [{"contains": "x", "not": True, "name": "n"}]},
        {"request": {"url": "http://127.0.0.1:1/{{env.KEY}}"}},
        {"request": {"url": "no-url-{{env.KEY}}"}},
        {"extract": {"from": "transcript", "regex": "x", "assign": "x"}},
        {"user_objective": "Find {{env.KEY}}"},
    ],
)
async def test_a_secret_of_the_suite_is_masked(tmp_path: Path, step: dict[str, Any]) -> None:
    suite = make_suite(
        make_test("Secret", "echo {{variables.key}}", step, variables={"key": SECRET}),
        environment={"KEY": SECRET},
        secrets=Secrets([SECRET]),
    )
    ran = await run_suite(suite, folder=tmp_path)
    assert SECRET not in (tmp_path / "log.jsonl").read_text()
    assert SECRET not in repr(ran.result)
    assert SECRET not in str(ran.result.checks)


async def test_a_traceback_is_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "functions.py").write_text(
        f"def fail(context):\n    raise RuntimeError('cannot use {SECRET}')\n"
    )
    suite = make_suite(
        make_test("Trace", "Hi", checks=[{"python": "functions:fail"}]),
        file=tmp_path / "shop.turnwire.yaml",
        secrets=Secrets([SECRET]),
    )
    ran = await run_suite(suite, folder=tmp_path)
    assert ran.result.status == "error"
    assert SECRET not in (tmp_path / "log.jsonl").read_text()
    assert SECRET not in repr(ran.result)
