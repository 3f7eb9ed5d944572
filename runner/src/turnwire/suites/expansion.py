"""From tests to cases: every connection, every combination of a matrix, every repetition.

The id of a case is stable: nothing that is drawn, and no position in a file, is part of it. A value
of a matrix that cannot stand in an id (an object, a generator) is named by its place in the matrix.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from turnwire.suites.model import Case, Suite, Test
from turnwire.suites.native import CONNECTION_KEY
from turnwire.suites.variables import draw_variables
from turnwire_core import ConfigError, Problem
from turnwire_core.config import Findings

NOT_ASKED_FOR: Final = "its own connections are not among those asked for"
"""Why a case is skipped whose test names its connections, and this run others."""

_LONGEST_LABEL: Final = 40


def expand(
    suite: Suite,
    *,
    connections: Sequence[str] | None = None,
    repeat: int | None = None,
    seed: int,
    now: dt.datetime | None = None,
) -> list[Case]:
    """All cases of a suite, in the order of the file.

    ``connections`` take the place of the suite's. A test that names its own is run over those of
    them that are asked for; over the others its cases are skipped. ``repeat`` takes the place of
    every test's. ``now`` is what dates are counted from; give the same to all suites of a run.

    Raises:
        ConfigError: there is no connection to run a test over.
    """
    moment = (now or dt.datetime.now(dt.UTC)).astimezone(dt.UTC)
    cases: list[Case] = []
    problems: list[Problem] = []
    for test in suite.tests:
        own = _own_connections(test)
        asked = tuple(dict.fromkeys(connections or ()))
        targets = own or asked or suite.connections
        if not targets:
            hint = "Name it in the suite's 'connections', or with --connection."
            problems.append(test.origin.problem("Which connection is it to be run over?", hint))
        for case in _cases(suite, test, targets, repeat or test.repeat, seed, moment):
            unwanted = bool(own and asked) and case.connection not in asked
            cases.append(_skipped(case) if unwanted else case)
    if problems:
        raise ConfigError(problems)
    return cases


def _own_connections(test: Test) -> tuple[str, ...]:
    return tuple(map(str, test.matrix.get(CONNECTION_KEY, ()))) or test.connections


def _skipped(case: Case) -> Case:
    if case.test.skip is not None:
        return case
    return attrs.evolve(case, test=attrs.evolve(case.test, skip=NOT_ASKED_FOR))


def _cases(
    suite: Suite, test: Test, targets: Sequence[str], repeat: int, seed: int, now: dt.datetime
) -> Iterator[Case]:
    matrix = {name: values for name, values in test.matrix.items() if name != CONNECTION_KEY}
    labels = [_labels(name, values, suite) for name, values in matrix.items()]
    combinations = list(itertools.product(*matrix.values()))
    brackets = _distinct(
        [
            "-".join((connection, *combined))
            for connection in targets
            for combined in itertools.product(*labels)
        ]
    )
    placed = zip(brackets, itertools.product(targets, combinations), strict=True)
    for bracket, (connection, values) in placed:
        for repetition in range(1, repeat + 1):
            again = f"#{repetition}" if repetition > 1 else ""
            id_ = f"{suite.name}::{test.id}[{bracket}]{again}"
            chosen = dict(zip(matrix, values, strict=True))
            yield Case(
                id=id_,
                suite=suite,
                test=test,
                connection=connection,
                variables=_variables(suite, test, chosen, id_, connection, seed, now),
                repetition=repetition,
            )


def _variables(
    suite: Suite,
    test: Test,
    chosen: Mapping[str, Any],
    id_: str,
    connection: str,
    seed: int,
    now: dt.datetime,
) -> dict[str, Any]:
    values = {f"env.{name}": value for name, value in suite.environment.items()}
    values |= {"connection": connection, "test": id_}
    variables = {**suite.variables, **test.variables, **chosen}
    try:
        return draw_variables(variables, key=f"{seed}\0{id_}", now=now, values=values)
    except Findings as exc:  # a suite that was loaded has none; one made in Python may
        problems = [test.origin.problem(one.message, one.hint) for one in exc.findings]
        raise ConfigError(problems) from exc


_UNFIT: Final = re.compile(r"[^\w.+*-]+")


def _labels(name: str, values: Sequence[Any], suite: Suite) -> list[str]:
    """What stands for each value in an id; no two are alike."""
    return _distinct([_label(name, n, value, suite) for n, value in enumerate(values)])


def _label(name: str, position: int, value: Any, suite: Suite) -> str:
    match value:
        case bool() | None:
            text = {True: "true", False: "false", None: "null"}[value]
        case int() | float():
            text = str(value)
        case str():
            text = value
        case _:
            return f"{name}{position}"
    # A value of the environment may be secret, and an id is shown everywhere.
    label = _UNFIT.sub("_", suite.secrets.mask(text)).strip("_")[:_LONGEST_LABEL]
    return label or f"{name}{position}"


def _distinct(labels: list[str]) -> list[str]:
    """The labels; those that are alike with their number among their like."""
    taken = set(labels)
    seen: dict[str, int] = {}
    distinct: list[str] = []
    for label in labels:
        number = seen.get(label, 0)
        one = label
        while number and one in taken:
            number += 1
            one = f"{label}.{number}"
        seen[label] = max(number, 1)
        taken.add(one)
        distinct.append(one)
    return distinct
