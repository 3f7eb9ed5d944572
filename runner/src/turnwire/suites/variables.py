"""Variables: values, generators that draw them anew for each case, and values made of others.

    variables:
      city: Bern
      order: {$uuid: true}
      arrival: {$date: {days: 3}}
      account: {owner: {$choice: [Ann, Bob]}, note: "For {{variables.city}}"}

A generator is an object with one key that begins with ``$``; it may stand anywhere in a value.
``$literal`` keeps what it holds as it is. What is drawn depends on the seed, the case and the
variable alone: not on which other cases are run, nor on their order.
"""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeGuard

import attrs

from turnwire_core.config import Finding, Findings, describe, nearest
from turnwire_core.config.documents import Location
from turnwire_core.templates import Template, TemplateError

PLACEHOLDERS: Final = frozenset({"connection", "test"})
"""What a variable's value may name, besides ``variables.X`` and ``env.X``."""


@attrs.frozen
class Draw:
    """What a variable is made from, for one case. Times are in UTC."""

    rng: random.Random
    now: dt.datetime
    values: Mapping[str, Any]
    """Of placeholders, keyed as in a template."""


Maker = Callable[[Draw], Any]


@attrs.frozen
class Variable:
    """A variable as written, compiled. ``names`` are its placeholders, as in a template."""

    make: Maker
    names: frozenset[str]

    @property
    def needs(self) -> frozenset[str]:
        """The variables that it is made of."""
        space = "variables."
        return frozenset(name.removeprefix(space) for name in self.names if name.startswith(space))


def compile_variable(raw: Any) -> Variable:
    """A variable from plain data.

    Raises:
        Findings: a generator is unknown or written wrong, or a placeholder is.
    """
    compiler = _Compiler()
    make = compiler.value(raw, ())
    if compiler.findings:
        raise Findings(compiler.findings)
    return Variable(make, frozenset(compiler.names))


def order_of(variables: Mapping[str, Variable]) -> list[str]:
    """The names, each after those that it is made of.

    Raises:
        Findings: one is made of itself, or of one that is not there; located from the variables.
    """
    ordered: dict[str, None] = {}
    findings: dict[Finding, None] = {}

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            circle = " → ".join([*trail[trail.index(name) :], name])
            findings[Finding((name,), f"It is made of itself: {circle}.")] = None
        elif name not in ordered:
            for needed in sorted(variables[name].needs):
                if needed in variables:
                    visit(needed, (*trail, name))
                else:
                    message = f"There is no variable {needed!r}."
                    hint = nearest(needed, [one for one in variables if one != name])
                    findings[Finding((name,), message, hint)] = None
            ordered[name] = None

    for name in variables:
        visit(name, ())
    if findings:
        raise Findings(list(findings))
    return list(ordered)


def draw_variables(
    variables: Mapping[str, Any], *, key: str, now: dt.datetime, values: Mapping[str, Any]
) -> dict[str, Any]:
    """The values for one case, in the order in which they are written.

    ``key`` is the seed and the case: for equal keys equal values are drawn. ``now`` is in UTC.
    ``values`` are those of placeholders other than ``variables.X``, keyed as in a template.

    Raises:
        Findings: see :func:`compile_variable` and :func:`order_of`.
    """
    compiled = {name: compile_variable(raw) for name, raw in variables.items()}
    known = dict(values)
    for name in order_of(compiled):
        # A generator of its own for each: a new variable must not change what the others draw.
        rng = random.Random(f"{key}\0{name}")  # noqa: S311 # to be repeated, not to be secret
        known[f"variables.{name}"] = compiled[name].make(Draw(rng, now, known))
    return {name: known[f"variables.{name}"] for name in variables}


class _Compiler:
    """Turns a value into a function of what is drawn; ``findings`` collects what is wrong."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.names: set[str] = set()

    def value(self, raw: Any, location: Location) -> Maker:
        match raw:
            case str() if "{{" in raw:
                return self._template(raw, location)
            case list() | tuple():
                items = [self.value(item, (*location, n)) for n, item in enumerate(raw)]
                return lambda draw: [make(draw) for make in items]
            case Mapping():
                if len(raw) == 1 and (name := str(next(iter(raw)))).startswith("$"):
                    return self._generator(name, raw[name], location)
                return self._object(raw, location)
            case _:
                return _constant(raw)

    def _template(self, raw: str, location: Location) -> Maker:
        try:
            template = Template(raw, names=PLACEHOLDERS)
        except TemplateError as exc:
            self._wrong(location, str(exc))
            return _constant(None)
        self.names |= template.names
        return lambda draw: template.render(draw.values)

    def _object(self, raw: Mapping[str, Any], location: Location) -> Maker:
        for key in raw:
            if str(key).startswith("$"):
                message = f"{key!r} makes a generator, which has no other key beside it."
                hint = "Data with such a key is written {$literal: {…}}."
                self._wrong((*location, key), message, hint)
            elif "{{" in str(key):
                self._wrong((*location, key), "A key holds no placeholders, only a value does.")
        members = {key: self.value(item, (*location, key)) for key, item in raw.items()}
        return lambda draw: {key: make(draw) for key, make in members.items()}

    def _generator(self, name: str, argument: Any, location: Location) -> Maker:
        place = (*location, name)
        match name:
            case "$literal":
                return _constant(argument)
            case "$uuid":
                self._expect_true(name, argument, place)
                return lambda draw: str(uuid.UUID(int=draw.rng.getrandbits(128), version=4))
            case "$now":
                self._expect_true(name, argument, place)
                return lambda draw: draw.now.isoformat(timespec="milliseconds")
            case "$randomInt":
                return self._random_int(argument, place)
            case "$date":
                return self._date(argument, place)
            case "$choice":
                return self._choice(argument, place)
        known = ["$uuid", "$now", "$randomInt", "$date", "$choice", "$literal"]
        self._wrong(place, f"There is no generator {name!r}.", nearest(name, known))
        return _constant(None)

    def _expect_true(self, name: str, argument: Any, place: Location) -> None:
        if argument is not True:
            self._wrong(place, f"Expected true, found {describe(argument)}.", f"{{{name}: true}}.")

    def _random_int(self, argument: Any, place: Location) -> Maker:
        hint = "For example {$randomInt: {min: 1, max: 6}}."
        options = self._options(argument, ("min", "max"), place, hint)
        if options is None:
            return _constant(None)
        low, high = options.get("min"), options.get("max")
        if not (_is_whole(low) and _is_whole(high)):
            self._wrong(place, "It needs 'min' and 'max', whole numbers.", hint)
            return _constant(None)
        if low > high:
            self._wrong(place, f"'min' is {low}, more than 'max', which is {high}.")
            return _constant(None)
        return lambda draw: draw.rng.randint(low, high)

    def _date(self, argument: Any, place: Location) -> Maker:
        hint = 'For example {$date: {days: 1, format: "%Y-%m-%d"}}.'
        options = self._options(argument, ("days", "format"), place, hint)
        if options is None:
            return _constant(None)
        days, form = options.get("days", 0), options.get("format", "%Y-%m-%d")
        if not _is_whole(days):
            self._wrong((*place, "days"), "Expected a whole number of days from today.", hint)
        elif not (isinstance(form, str) and form):
            self._wrong((*place, "format"), "Expected a format.", hint)
        elif abs(days) > _LONGEST_DAYS:
            self._wrong((*place, "days"), f"More than {_LONGEST_DAYS} days from today.")
        else:
            return lambda draw: (draw.now + dt.timedelta(days=days)).strftime(form)
        return _constant(None)

    def _choice(self, argument: Any, place: Location) -> Maker:
        if not (isinstance(argument, list | tuple) and argument):
            hint = "For example {$choice: [red, green]}."
            self._wrong(place, "Expected a list with something in it.", hint)
            return _constant(None)
        items = [self.value(item, (*place, n)) for n, item in enumerate(argument)]
        return lambda draw: draw.rng.choice(items)(draw)

    def _options(
        self, argument: Any, known: Sequence[str], place: Location, hint: str
    ) -> Mapping[str, Any] | None:
        if not isinstance(argument, Mapping):
            self._wrong(place, f"Expected an object, found {describe(argument)}.", hint)
            return None
        unknown = [key for key in argument if key not in known]
        for key in unknown:
            self._wrong((*place, key), f"Unknown key {key!r}.", nearest(str(key), list(known)))
        return None if unknown else argument

    def _wrong(self, location: Location, message: str, hint: str | None = None) -> None:
        self.findings.append(Finding(location, message, hint))


_LONGEST_DAYS: Final = 365_000
"""About a thousand years: what a calendar of four-digit years can hold."""


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _constant(value: Any) -> Maker:
    return lambda _draw: value
