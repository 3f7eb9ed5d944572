"""``request``: an HTTP call before or between the turns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from turnwire.steps._text import shown
from turnwire.steps.contract import RunningTest, Step, StepError
from turnwire.suites.model import Expectation, RequestSpec
from turnwire_core.contracts.connection import UNSET, Auth, Milliseconds, option
from turnwire_core.paths import MISSING, Path
from turnwire_core.reader.conditions import same_json
from turnwire_core.templates import Template


@attrs.frozen
class RequestOptions:
    """Which call, and what to make of its answer."""

    name: str | None = option("One of the suite's `requests`.", None)
    url: Template | None = option("Or the whole URL of a call that stands here.", None)
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] | None = option(
        "The method. Default: `GET`, or that of the named request.", None
    )
    headers: Mapping[str, Template] = option("Headers, besides the named request's.", factory=dict)
    query: Mapping[str, Template] = option(
        "Query parameters, besides the named request's.", factory=dict
    )
    body: Template | None = option("A JSON body. Default: the named request's.", None)
    auth: Auth | None = option("Credentials, as in a connection.", None)
    timeout_ms: Milliseconds | None = option("Bounds the call.", None)
    input: Mapping[str, Template] = option(
        "Variables for this call alone: `{{variables.NAME}}` in the request.", factory=dict
    )
    assign: str | None = option("The variable that takes the whole answer.", None)
    extract: Mapping[str, Path] = option(
        "Variables, and where in the JSON answer the value of each is.", factory=dict
    )
    expect: tuple[Expectation, ...] = option(
        "What the answer must have. Without a `status` here, it must be a success (2xx).", ()
    )

    def __attrs_post_init__(self) -> None:
        if (self.name is None) == (self.url is None):
            raise ValueError("Write either 'name', one of the suite's requests, or 'url'.")


class RequestStep(Step):
    """See :class:`RequestOptions`."""

    kind = "request"
    options = RequestOptions
    shorthand = "name"
    doc = "Make an HTTP call, such as one that prepares data; check and keep what it answers."

    async def run(self, options: RequestOptions, test: RunningTest) -> None:
        """Call, hold the answer to what is expected, and keep what is wanted.

        Raises:
            StepError: see :meth:`RunningTest.call`; a value to extract is not there, or the
                answer is not as expected (kind ``check``); its status is no success, and none
                was expected (kind ``transport``).
        """
        label = options.name or "request"
        spec = _spec(options, test)
        given = {name: test.fill(template) for name, template in options.input.items()}
        before = dict(test.variables)
        test.variables |= given
        try:
            status, answer = await test.call(spec, label=label)
        finally:
            for name in given:
                test.variables.pop(name)
                if name in before:
                    test.variables[name] = before[name]
        _hold(options.expect, status, answer, test, label)
        if options.assign is not None:
            test.assign(options.assign, answer)
        for name, path in options.extract.items():
            value = path.get(answer)
            if value is MISSING:
                raise StepError(
                    f"The answer of {label!r} has nothing at {path}: {shown(answer)}", kind="check"
                )
            test.assign(name, value)


def _spec(options: RequestOptions, test: RunningTest) -> RequestSpec:
    named = test.case.suite.requests.get(options.name or "")
    spec = RequestSpec(url=options.url) if options.url is not None else named
    if spec is None:
        raise StepError(f"The suite has no request {options.name!r}.", kind="config")
    own = {
        name: getattr(options, name)
        for name in ("method", "body", "auth", "timeout_ms")
        if getattr(options, name) is not None
    }
    return attrs.evolve(
        spec,
        headers={**spec.headers, **options.headers},
        query={**spec.query, **options.query},
        **own,
    )


def _hold(
    expected: tuple[Expectation, ...], status: int, answer: Any, test: RunningTest, label: str
) -> None:
    """Hold an answer to what is expected of it; each expectation is recorded as a check."""
    if not any(one.status is not None for one in expected) and not 200 <= status <= 299:
        raise StepError(
            f"{label!r} was answered with the status {status}: {shown(answer)}", kind="transport"
        )
    missed = [
        name
        for one in expected
        for name, held, wanted, found in _compared(one, status, answer)
        if not _recorded(test, f"{label}: {name}", held, wanted, found)
    ]
    if missed:
        raise StepError(
            f"The answer of {label!r} is not as expected: {', '.join(missed)}.", kind="check"
        )


def _recorded(test: RunningTest, name: str, held: bool, wanted: str, found: str) -> bool:
    test.require(held, name=name, expected=wanted, actual=found)
    return held


def _compared(one: Expectation, status: int, answer: Any) -> list[tuple[str, bool, str, str]]:
    """(name, whether it holds, what was wanted, what was found), of all that it says."""
    compared = []
    if one.status is not None:
        compared.append(("status", status == one.status, str(one.status), str(status)))
    if one.path is None and one.equals is UNSET:
        return compared
    name = str(one.path) if one.path is not None else "answer"
    found = one.path.get(answer) if one.path is not None else answer
    actual = shown(found) if found is not MISSING else "nothing there"
    if one.equals is UNSET:
        compared.append((name, found is not MISSING, "anything", actual))
    else:
        held = found is not MISSING and same_json(found, one.equals)
        compared.append((name, held, shown(one.equals), actual))
    return compared
