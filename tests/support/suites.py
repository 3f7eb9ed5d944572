"""Suites written in Python: what a loader would make of a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import attrs

from turnwire.checks.structuring import PLACEHOLDERS, structure_check
from turnwire.engine import CaseResult, ConnectionSource, Event, RunOutcome, run_cases
from turnwire.kinds import Kinds
from turnwire.runlog import Entry, RunLog, read_log
from turnwire.suites.model import Case, CheckSpec, Origin, StepSpec, Suite, Test
from turnwire.suites.steps import structure_step
from turnwire_core.templates import Template

KINDS = Kinds(discover=False)
FILE = Path("shop.turnwire.yaml")


def check(raw: Any, *, kinds: Kinds = KINDS, suite_wide: bool = False) -> CheckSpec:
    """A check as it would be written."""
    return structure_check(raw, kinds, Origin(str(FILE), "$.checks[0]", 9), suite_wide=suite_wide)


def step(raw: Any, *, kinds: Kinds = KINDS) -> StepSpec:
    """A step as it would be written; text alone is a message."""
    written = {"message": raw} if isinstance(raw, str) else raw
    return structure_step(written, kinds, Origin(str(FILE), "$.tests[0].steps[0]", 5))


def template(source: Any) -> Template:
    """A template that may name what a suite's may."""
    return Template(source, names=PLACEHOLDERS)


def make_test(name: str, *steps: Any, kinds: Kinds = KINDS, **more: Any) -> Test:
    """A test of these steps. Its ``checks`` are written as in a file."""
    more["checks"] = tuple(check(one, kinds=kinds) for one in more.get("checks", ()))
    return Test(
        name=name,
        id=name.lower().replace(" ", "-"),
        origin=Origin(str(FILE), "$.tests[0]", 4),
        steps=tuple(step(one, kinds=kinds) for one in steps),
        **more,
    )


def make_suite(*tests: Test, **more: Any) -> Suite:
    """A suite of these tests."""
    return Suite(name=more.pop("name", "shop"), file=more.pop("file", FILE), tests=tests, **more)


def cases_of(suite: Suite, *connections: str, repeat: int = 1, **variables: Any) -> list[Case]:
    """Every test of the suite over each of the connections."""
    return [
        Case(
            id=f"{suite.name}::{test.id}[{connection}]" + (f"#{number}" if number > 1 else ""),
            suite=suite,
            test=test,
            connection=connection,
            variables={**suite.variables, **test.variables, **variables},
            repetition=number,
        )
        for test in suite.tests
        for connection in connections
        for number in range(1, repeat + 1)
    ]


@attrs.frozen
class Ran:
    """What came of a suite that was run, and its log."""

    outcome: RunOutcome
    entries: Sequence[Entry]
    events: Sequence[Event]

    @property
    def result(self) -> CaseResult:
        """The result of the only test."""
        (result,) = self.outcome.results
        return result

    def of_type(self, type_: str) -> list[Any]:
        """The entries of one type, in their order."""
        return [entry for entry in self.entries if entry.type == type_]


async def run_suite(
    suite: Suite,
    *connections: str,
    folder: Path,
    jobs: int = 4,
    kinds: Kinds = KINDS,
    on_event: Callable[[Event], None] | None = None,
    **more: Any,
) -> Ran:
    """Run a suite as `turnwire run` would, with a log in ``folder``."""
    path = folder / "log.jsonl"
    events: list[Event] = []

    def note(event: Event) -> None:
        events.append(event)
        if on_event is not None:
            on_event(event)

    cases = cases_of(suite, *(connections or ("demo-sse",)))
    with anyio.fail_after(20):
        async with ConnectionSource() as sources:
            with RunLog(path, command="run") as log:
                outcome = await run_cases(
                    cases, sources=sources, kinds=kinds, log=log, jobs=jobs, on_event=note, **more
                )
    return Ran(outcome, list(read_log(path)), events)
