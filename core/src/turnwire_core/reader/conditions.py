"""Comparing JSON values, and conditions on frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from turnwire_core.contracts.connection import Condition
from turnwire_core.paths import MISSING

Matcher = Callable[[Any, str | None], bool]
"""(parsed data or MISSING, SSE event name) → whether the condition holds."""


def same_json(one: Any, other: Any) -> bool:
    """Equality of JSON values. Python's own takes ``True`` for ``1``; JSON does not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(same_json(one[k], other[k]) for k in one)
        case list(), list():
            return len(one) == len(other) and all(map(same_json, one, other))
    return bool(one == other)


def compile_wanted(wanted: Any) -> Callable[[Any], bool]:
    """A test for a value: equal to ``wanted``, or to one of its items if it is a list."""
    options = wanted if isinstance(wanted, list) else [wanted]
    if options and all(type(option) is str for option in options):
        # The usual case by far. A set cannot hold what arrives (it may be a dict), a tuple can
        # be searched for anything, and text equals nothing but text.
        return tuple(options).__contains__
    return lambda value: any(same_json(value, option) for option in options)


def compile_condition(condition: Condition) -> Matcher:
    """A condition as one function."""
    tests: list[Matcher] = []
    for path, wanted in condition.tests:
        get = path.get if path is not None else None
        tests.append(_compile_test(get, wanted))
    if len(tests) == 1:
        return tests[0]
    return lambda data, event: all(test(data, event) for test in tests)


def _compile_test(get: Callable[[Any], Any] | None, wanted: Any) -> Matcher:
    holds = _is_there if wanted is True else compile_wanted(wanted)
    if get is None:
        return lambda _data, event: holds(MISSING if event is None else event)
    if wanted is True:
        # ``true`` means both "is there" and the value true itself; the first includes the second.
        return lambda data, _event: _is_there(get(data))
    return lambda data, _event: holds(get(data))


def _is_there(value: Any) -> bool:
    return value is not MISSING and value is not None


def matches(condition: Condition, data: Any, event: str | None = None) -> bool:
    """Whether a condition holds of parsed data and the name of its SSE event.

    Compiles each time; what is matched often is compiled once with :func:`compile_condition`.
    """
    return compile_condition(condition)(data, event)
