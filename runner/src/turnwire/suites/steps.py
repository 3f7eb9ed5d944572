"""One step of a file, from plain data to a :class:`StepSpec`.

A step is an object with exactly one kind as a key, in either spelling. The kind's options stand in
its value, or beside it where they are no key that all steps have::

    {"message": "Hi {{variables.name}}", "checks": [{"contains": "Hello"}]}
    {"message": {"content": "Hi", "persona": "retail"}}
    {"message": "Hi", "persona": "retail", "name": "greet"}

The value of ``check`` is a check, or a list of them: such a step does nothing but check.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, get_origin

import attrs

from turnwire.checks.structuring import PLACEHOLDERS, structure_check
from turnwire.kinds import STEP_KEYS, Kinds
from turnwire.steps.contract import Step
from turnwire.suites.model import CheckSpec, Origin, StepSpec
from turnwire_core.config import (
    Finding,
    Findings,
    camel,
    describe,
    fields_of,
    keys_of,
    nearest,
    structure,
    structure_mapping,
)
from turnwire_core.config.documents import Location

CHECK_STEP: Final = "check"


def structure_step(raw: Any, kinds: Kinds, origin: Origin) -> StepSpec:
    """One step as written.

    Raises:
        Findings: with everything that is wrong, located from the step.
        PluginError: a kind in it is claimed twice, or unknown while a plugin is broken.
    """
    if not isinstance(raw, Mapping):
        example = 'For example {"message": "Hello"}.'
        raise Findings([Finding((), f"Expected a step, found {describe(raw)}.", example)])
    key, step = _kind_of(raw, kinds)
    findings: list[Finding] = []
    name: str | None = None
    try:
        name = structure(raw["name"], str) if "name" in raw else None
    except Findings as exc:
        findings += [finding.under("name") for finding in exc.findings]

    written: list[tuple[Location, Any]] = []
    options: Any = None
    try:
        if step.kind == CHECK_STEP:
            written += _listed(raw[key], (key,))
            _refuse_others(raw, key)
            options = step.options()
        else:
            options = _options(raw, key, step, kinds, origin)
    except Findings as exc:
        findings += exc.findings
    if "checks" in raw:
        written += _listed(raw["checks"], ("checks",))
    checks = tuple(_structured_checks(written, kinds, origin, findings))
    if step.kind == CHECK_STEP and not written:
        findings.append(Finding((key,), "It checks nothing.", "Write a check, or a list of them."))
    if findings:
        raise Findings(findings)
    return StepSpec(step.kind, options, origin, name=name, checks=checks)


def _kind_of(raw: Mapping[str, Any], kinds: Kinds) -> tuple[str, Step]:
    """The key that says the kind, and the kind."""
    own = [str(key) for key in raw if key not in STEP_KEYS]
    known = [key for key in own if kinds.is_step(key)]
    if not own:
        hint = f"One of {', '.join(kinds.steps())}."
        if "checks" in raw:
            hint = f"A step that only checks is written {{{CHECK_STEP!r}: […]}}. {hint}"
        raise Findings([Finding((), "A step needs a kind.", hint)])
    if not known:
        try:
            step = kinds.step(own[0])  # says which plugin is broken, if one is
        except KeyError:
            hint = nearest(own[0], list(kinds.steps()))
            if kinds.is_check(own[0]):
                hint = f"It is a check: write it into 'checks', or as {{{CHECK_STEP!r}: …}}."
            message = f"There is no step {own[0]!r}."
            raise Findings([Finding((own[0],), message, hint)]) from None
        return own[0], step
    # {"request": "shop.open", "extract": {…}}: `extract` is an option of `request` here.
    chosen = [key for key in known if {*known} - {key} <= set(keys_of(kinds.step(key).options))]
    if len(chosen) != 1:
        message = f"A step has one kind, this one has {' and '.join(map(repr, known))}."
        raise Findings([Finding((), message, "Make a step of each.")])
    return chosen[0], kinds.step(chosen[0])


def _options(raw: Mapping[str, Any], key: str, step: Step, kinds: Kinds, origin: Origin) -> Any:
    """The options that stand in the kind's value and beside it, as the kind's class.

    Raises:
        Findings: located from the step.
    """
    findings: list[Finding] = []
    values: dict[str, Any] = {}
    places: dict[str, Location] = {}
    value = raw[key]
    if isinstance(value, Mapping):
        for name, item in value.items():
            values[name], places[name] = item, (key, name)
    elif step.shorthand is not None and value is not None:
        values[step.shorthand], places[step.shorthand] = value, (key,)
    elif value is not True:
        keys = ", ".join(camel(field.name) for field in fields_of(step.options))
        hint = f"An object of: {keys}." if keys else "Write true."
        message = f"{key!r} takes no such value: {describe(value)}."
        raise Findings([Finding((key,), message, hint)])
    spellings = keys_of(step.options)
    for name, item in raw.items():
        if name == key or name in STEP_KEYS:
            continue
        if name not in spellings:
            known = [*(camel(field.name) for field in fields_of(step.options)), *STEP_KEYS]
            hint = nearest(str(name), known)
            findings.append(Finding((name,), f"Unknown key {name!r}.", hint))
        elif name in values:
            message = f"{name!r} stands in {key!r} and beside it."
            findings.append(Finding((name,), message, "Keep one."))
        else:
            values[name], places[name] = item, (name,)
    checks: dict[str, tuple[CheckSpec, ...]] = {}
    for name in [name for name in values if name in spellings]:
        field = spellings[name]
        if field.type == tuple[CheckSpec, ...]:
            listed = _listed(values[name], places[name])
            checks[field.alias or field.name] = tuple(
                _structured_checks(listed, kinds, origin, findings)
            )
            values[name] = []
        elif get_origin(field.type) is tuple and not isinstance(values[name], list | tuple):
            values[name] = [values[name]]  # one item of a list may stand without its brackets
    options: Any = None
    try:
        options = structure_mapping(values, step.options, names=PLACEHOLDERS)
    except Findings as exc:
        for finding in exc.findings:
            first, *rest = finding.location or (None,)
            place = (key,) if first is None else places[str(first)]
            findings.append(Finding((*place, *rest), finding.message, finding.hint))
    if findings:
        raise Findings(findings)
    return attrs.evolve(options, **checks)


def _structured_checks(
    listed: list[tuple[Location, Any]], kinds: Kinds, origin: Origin, findings: list[Finding]
) -> Iterator[CheckSpec]:
    """The checks among these; what is wrong with others is added to ``findings``."""
    for location, check in listed:
        try:
            yield structure_check(check, kinds, origin.under(*location))
        except Findings as exc:
            findings += [finding.under(*location) for finding in exc.findings]


def _refuse_others(raw: Mapping[str, Any], key: str) -> None:
    """Whatever is no key of all steps has no meaning beside ``check``."""
    findings = [
        Finding((name,), f"Unknown key {name!r}.", nearest(str(name), [key, *STEP_KEYS]))
        for name in raw
        if name != key and name not in STEP_KEYS
    ]
    if findings:
        raise Findings(findings)


def _listed(value: Any, location: Location) -> list[tuple[Location, Any]]:
    """The items of a list, or the one value, each with its place."""
    if isinstance(value, list | tuple):
        return [((*location, index), item) for index, item in enumerate(value)]
    return [(location, value)]
