"""Following every reference of a suite: what leads nowhere is found before anything is run.

What a suite says of itself is checked when it is loaded. Which connections there are, and which
variables they bring, is known only with the config: see :func:`check_connections`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from turnwire.checks.structuring import Unfilled
from turnwire.steps import BUILT_IN
from turnwire.suites.model import Case, CheckSpec, Origin, StepSpec, Suite, Test
from turnwire.suites.native import CONNECTION_KEY, Draft
from turnwire.suites.sources import Ledger
from turnwire.suites.variables import Variable, compile_variable, order_of
from turnwire_core import Connection, Problem
from turnwire_core.config import Findings, hide_environment_value, nearest
from turnwire_core.templates import Template

_ASSERTING: Final = frozenset({"extract", "user_objective"})
"""Steps that fail their test by themselves: nothing is there to extract, the goal not reached."""

_CONNECTION_OPTIONS: Final = ("judge", "simulator")
"""Options of steps and checks that name a connection."""


def check_references(draft: Draft, ledger: Ledger) -> Suite:
    """The suite, with the environment that its templates name; what is wrong is noted."""
    suite = draft.suite
    used: set[str] = set()
    for test in suite.tests:
        used |= set(test.uses)
        _check_fixtures(test, suite, ledger)
        _check_persona(test.persona, test.origin.under("persona"), suite, ledger)
        # A check that is written wrong is left out, and was reported.
        if not (suite.checks or _asserts(test, suite) or ledger.blames(test.origin)):
            message = "This test checks nothing: whatever the target says, it passes."
            hint = "Add 'checks' to the test or to one of its steps."
            ledger.add(test.origin, message, hint)
    for step in _all_steps(suite):
        _check_step(step, suite, ledger)
    environment: dict[str, str] = {}
    for names, origin in _all_names(draft, ledger):
        for name in sorted(names):
            space, _, variable = name.partition(".")
            if space != "env":
                continue
            if variable in ledger.environ:
                environment[variable] = ledger.environ[variable]
                hide_environment_value(environment[variable], ledger.secrets)
            else:
                message = f"The environment variable {variable} is not set."
                ledger.add(origin, message, "Set it before you run.")
    return attrs.evolve(suite, environment=environment)


def check_connections(suite: Suite, known: Collection[str]) -> list[Problem]:
    """What of a suite leads nowhere, now that the connections are known.

    ``known`` are the connections that can be used. As a mapping to :class:`Connection` (or None
    for one that cannot be opened) it says also which variables they bring, so that a placeholder
    that nothing could fill is found; with bare names the variables are not looked at.
    """
    names = _Names({*known, *suite.inline_connections})
    for name in suite.connections:
        names.check(name, suite.origin.under("connections"))
    for test in suite.tests:
        for name, origin in _own_connections(test):
            names.check(name, origin)
    names.check_helpers(suite, _all_steps(suite))
    problems = names.problems
    if isinstance(known, Mapping):
        for test in suite.tests:
            targets = [name for name, _ in _own_connections(test)] or suite.connections or known
            problems += _VariableWalk(suite, test).problems(targets, known)
    return list(dict.fromkeys(problems))


def check_cases(cases: Iterable[Case], known: Mapping[str, Connection | None]) -> list[Problem]:
    """Like :func:`check_connections`, but only of what these cases need.

    A suite may name connections that this run does not use; what is skipped needs nothing.
    """
    problems: list[Problem] = []
    walks: dict[int, _VariableWalk] = {}
    for case in cases:
        if case.test.skip is not None:
            continue
        suite, test = case.suite, case.test
        names = _Names({*known, *suite.inline_connections})
        written = dict(_own_connections(test))
        place = written.get(case.connection, suite.origin.under("connections"))
        names.check(case.connection, place)
        names.check_helpers(suite, _steps_of(test, suite))
        walk = walks.setdefault(id(test), _VariableWalk(suite, test))
        problems += [*names.problems, *walk.problems([case.connection], known)]
    return list(dict.fromkeys(problems))


class _Names:
    """Holds names of connections to those that there are."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = known
        self.problems: list[Problem] = []

    def check(self, name: str, origin: Origin) -> None:
        if name not in self._known:
            hint = nearest(name, sorted(self._known))
            self.problems.append(origin.problem(f"There is no connection {name!r}.", hint))

    def check_helpers(self, suite: Suite, steps: Iterable[StepSpec]) -> None:
        """The connections that judge, and those that play the user."""
        if suite.judge is not None:
            self.check(suite.judge, suite.origin.under("judge"))
        for step in steps:
            for options, origin in _options_of(step):
                for option in _CONNECTION_OPTIONS:
                    if isinstance(name := getattr(options, option, None), str):
                        self.check(name, origin)


def _own_connections(test: Test) -> list[tuple[str, Origin]]:
    """The connections that a test names itself, with where it does."""
    if CONNECTION_KEY in test.matrix:
        place = test.origin.under("matrix", CONNECTION_KEY)
        names: Sequence[Any] = test.matrix[CONNECTION_KEY]
    else:
        place, names = test.origin.under("connections"), test.connections
    return [(str(name), place.under(index)) for index, name in enumerate(names)]


def templates_in(value: Any) -> Iterator[Template]:
    """Every template in the options of a step or check, or in a request."""
    match value:
        case Template():
            yield value
        case Unfilled():
            yield value.template
        case CheckSpec() | StepSpec():
            return  # has an origin of its own, and is looked at by itself
        case Mapping():
            for item in value.values():
                yield from templates_in(item)
        case list() | tuple():
            for item in value:
                yield from templates_in(item)
        case _ if attrs.has(type(value)):
            for field in attrs.fields(type(value)):
                yield from templates_in(getattr(value, field.name))


def names_in(value: Any) -> frozenset[str]:
    """Every placeholder in it, as in a template: ``variables.city``, ``env.USER``."""
    return frozenset(name for template in templates_in(value) for name in template.names)


def checks_of(step: StepSpec) -> tuple[CheckSpec, ...]:
    """The checks of a step, and those among its options."""
    return (*_inner_checks(step), *step.checks)


def _inner_checks(step: StepSpec) -> list[CheckSpec]:
    if not attrs.has(type(step.options)):
        return []
    values = [getattr(step.options, field.name) for field in attrs.fields(type(step.options))]
    return [
        item
        for value in values
        if isinstance(value, tuple)
        for item in value
        if isinstance(item, CheckSpec)
    ]


def _all_steps(suite: Suite) -> Iterator[StepSpec]:
    for fixture in suite.fixtures.values():
        yield from fixture.steps
    for test in suite.tests:
        yield from test.steps


def _steps_of(test: Test, suite: Suite) -> list[StepSpec]:
    """The steps of a test in the order in which they are run, fixtures first."""
    fixtures = [suite.fixtures[name] for name in test.uses if name in suite.fixtures]
    once = [step for one in fixtures if one.scope == "suite" for step in one.steps]
    each = [step for one in fixtures if one.scope == "test" for step in one.steps]
    return [*once, *each, *test.steps]


def _options_of(step: StepSpec) -> Iterator[tuple[Any, Origin]]:
    yield step.options, step.origin
    for check in checks_of(step):
        yield check.options, check.origin


def _asserts(test: Test, suite: Suite) -> bool:
    """Whether anything in the test could fail it, but for a target that breaks."""
    return bool(test.checks) or any(
        step.checks
        or step.kind in _ASSERTING
        or step.kind not in BUILT_IN  # a plugin's step may record what it expects
        or getattr(step.options, "expect", ())
        or getattr(step.options, "extract", ())
        for step in _steps_of(test, suite)
    )


def _check_fixtures(test: Test, suite: Suite, ledger: Ledger) -> None:
    for index, name in enumerate(test.uses):
        if name not in suite.fixtures:
            hint = nearest(name, list(suite.fixtures))
            message = f"There is no fixture {name!r}."
            ledger.add(test.origin.under("uses", index), message, hint)


def _check_persona(name: str | None, origin: Origin, suite: Suite, ledger: Ledger) -> None:
    # A description has several words; one word alone can only be meant as a name.
    if name is not None and name not in suite.personas and not any(map(str.isspace, name)):
        hint = f"{nearest(name, list(suite.personas))} A description has more than one word."
        ledger.add(origin, f"There is no persona {name!r}.", hint)


def _check_step(step: StepSpec, suite: Suite, ledger: Ledger) -> None:
    persona = getattr(step.options, "persona", None)
    if isinstance(persona, str):
        _check_persona(persona, step.origin, suite, ledger)
    if step.kind == "request":
        name = getattr(step.options, "name", None)
        if name is not None and name not in suite.requests:
            hint = nearest(name, list(suite.requests))
            ledger.add(step.origin, f"The suite has no request {name!r}.", hint)


def _all_names(draft: Draft, ledger: Ledger) -> Iterator[tuple[frozenset[str], Origin]]:
    """The placeholders of everything in a suite, with where they stand.

    Variables are compiled on the way; what is wrong with them is noted.
    """
    suite = draft.suite
    for step in _all_steps(suite):
        for options, origin in _options_of(step):
            yield names_in(options), origin
    for check in (*suite.checks, *(check for test in suite.tests for check in test.checks)):
        yield names_in(check.options), check.origin
    for name, request in suite.requests.items():
        yield names_in(request), draft.origins[("requests", name)]
    own: dict[str, Variable] = {}
    for name, raw in suite.variables.items():
        origin = draft.origins[("variables", name)]
        with ledger.at(origin):
            own[name] = compile_variable(raw)
            yield own[name].names, origin
    for test in suite.tests:
        origins = {name: draft.origins[("variables", name)] for name in own}
        variables = dict(own)
        for section, name, raw in _variables_of(test):
            origin = origins[name] = test.origin.under(section, name)
            with ledger.at(origin):
                variables[name] = compile_variable(raw)
                yield variables[name].names, origin
        try:
            order_of(variables)
        except Findings as exc:
            for finding in exc.findings:
                name = str(finding.location[0])
                ledger.add(origins[name], finding.message, finding.hint)


def _variables_of(test: Test) -> Iterator[tuple[str, str, Any]]:
    """(section, name, value) of a test's variables. A matrix stands for a list of values."""
    for name, raw in test.variables.items():
        yield "variables", name, raw
    for name, values in test.matrix.items():
        if name != CONNECTION_KEY:
            yield "matrix", name, values


class _VariableWalk:
    """Goes through a test as it will be run, to see which variables there are at each step."""

    def __init__(self, suite: Suite, test: Test) -> None:
        self._suite = suite
        self._test = test
        self._steps = _steps_of(test, suite)
        self._later = {name for step in self._steps for name in _assigned(step)}
        self._defined: set[str] = set()
        self._anything = False
        self._problems: list[Problem] = []

    def problems(
        self, targets: Iterable[str], known: Mapping[str, Connection | None]
    ) -> Sequence[Problem]:
        """What has no value over these connections."""
        suite, test = self._suite, self._test
        self._defined = {*suite.variables, *test.variables, *test.matrix} - {CONNECTION_KEY}
        brought = _brought(targets, known)
        self._defined |= brought or set()
        self._anything = brought is None
        self._problems = []
        for step in self._steps:
            self._step(step)
        for check in test.checks:
            self._look(names_in(check.options), check.origin)
        return self._problems

    def _step(self, step: StepSpec) -> None:
        self._look(names_in(step.options), step.origin)
        request = self._suite.requests.get(getattr(step.options, "name", None) or "")
        if step.kind == "request" and request is not None:
            given = getattr(step.options, "input", None)
            inputs = {*given} if isinstance(given, Mapping) else set()
            self._look(names_in(request), step.origin, inputs)
        # Checks among the options come before what the step assigns, those in 'checks' after it.
        for check in _inner_checks(step):
            self._look(names_in(check.options), check.origin)
        self._defined |= _assigned(step)
        self._anything = self._anything or step.kind not in BUILT_IN
        for check in step.checks:
            self._look(names_in(check.options), check.origin)

    def _look(
        self, names: frozenset[str], origin: Origin, also: Collection[str] = frozenset()
    ) -> None:
        for full in sorted(names):
            space, _, name = full.partition(".")
            if space != "variables" or self._anything or name in self._defined or name in also:
                continue
            message = f"Nothing gives {{{{variables.{name}}}}} a value."
            hint = nearest(name, sorted({*self._defined, *self._later, *also}))
            if name in self._later:
                message = f"{{{{variables.{name}}}}} gets its value only in a later step."
                hint = "Put that step first."
            self._problems.append(origin.problem(message, hint))


def _brought(targets: Iterable[str], known: Mapping[str, Connection | None]) -> set[str] | None:
    """The variables that connections bring; None where one of them may bring anything."""
    names: set[str] = set()
    for target in targets:
        connection = known.get(target)
        if connection is None:
            return None
        names |= {*connection.variables, *connection.rules.capture}
    return names


def _assigned(step: StepSpec) -> set[str]:
    """The variables that a step gives a value."""
    assign = getattr(step.options, "assign", None)
    extract = getattr(step.options, "extract", None)
    names = {assign} if isinstance(assign, str) else set()
    return names | ({*extract} if isinstance(extract, Mapping) else set())
