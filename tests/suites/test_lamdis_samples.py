"""The samples in examples/lamdis, run against the built-in assistant."""

from __future__ import annotations

import shutil
from pathlib import Path

import anyio
import pytest

from turnwire.assistant import serve_assistant
from turnwire.engine import ConnectionSource, run_cases
from turnwire.kinds import Kinds
from turnwire.suites.expansion import expand
from turnwire.suites.loading import load_suite
from turnwire.suites.references import check_connections

SAMPLES = Path(__file__).parents[2] / "examples" / "lamdis"
WRITTEN_FOR = "http://127.0.0.1:8765"
ENVIRON = {"DEMO_API_KEY": "sesame-1234"}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("file", "names"),
    [
        (
            "suites/shop.json",
            ["order-is-known", "refund-is-explained", "opening-hours-are-found"],
        ),
        ("tests/shop/orders.json", ["order-is-known", "refund-is-explained"]),
        ("tests/shop/objective.json", ["opening-hours-are-found"]),
    ],
)
async def test_the_samples_pass(file: str, names: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "lamdis"
    shutil.copytree(SAMPLES, folder)
    with anyio.fail_after(20):
        async with serve_assistant() as assistant:
            for sample in folder.rglob("*.json"):
                text = sample.read_text(encoding="utf-8")
                sample.write_text(text.replace(WRITTEN_FOR, assistant.url), encoding="utf-8")
            kinds = Kinds(discover=False)
            suite = load_suite(folder / file, kinds, environ=ENVIRON)
            assert [test.id for test in suite.tests] == names
            async with ConnectionSource(environ=ENVIRON) as sources:
                known = {name: await sources.connection(name, suite) for name in suite.connections}
                assert check_connections(suite, known) == []
                outcome = await run_cases(
                    expand(suite, seed=1), sources=sources, kinds=kinds, log=None, jobs=2
                )
    assert [(result.case.test.id, result.status) for result in outcome.results] == [
        (name, "passed") for name in names
    ]
