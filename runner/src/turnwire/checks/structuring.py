"""One check of a file, from plain data to a :class:`CheckSpec`, and its placeholders filled.

A check is an object with exactly one kind as a key, in either spelling. The kind's options stand in
its value, or beside it where they are no key that all checks have::

    {"contains": "refund"}
    {"contains": {"any": ["refund", "return"]}, "severity": "warning"}
    {"contains": true, "any": ["refund", "return"], "not": true}

A value that is no object fills the kind's shorthand option. Where an option is a list, one item may
stand without its brackets.

Any text in the options may hold the placeholders of a suite (``{{variables.city}}``). Such options
are checked as far as they go when the file is loaded, and again when they are filled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, Literal, get_args, get_origin

import attrs

from turnwire.checks.contract import Check, CheckError
from turnwire.kinds import CHECK_KEYS, Kinds
from turnwire.suites.model import CheckSpec, Origin, Scope, Severity
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
from turnwire_core.templates import Template, TemplateError

PLACEHOLDERS: Final = frozenset({"reply", "connection", "test"})
"""What a check's options may name, besides ``variables.X`` and ``env.X``."""

_PLACEHOLDER = re.compile(r"(?<!\\)\{\{[^{}]*\}\}")

_SPREAD = re.compile(r"\{\{\s*\.\.\.")


@attrs.frozen
class Unfilled:
    """Options with placeholders: they become options when :func:`fill_options` fills them."""

    template: Template
    placeholders: tuple[Template, ...]
    """Each placeholder as a template of its own, to tell which of them has no value."""


def structure_check(
    raw: Any, kinds: Kinds, origin: Origin, *, suite_wide: bool = False
) -> CheckSpec:
    """One check as written. ``suite_wide`` is true for those in a suite's own ``checks``.

    Raises:
        Findings: with everything that is wrong, located from the check.
        PluginError: its kind is claimed twice, or unknown while a plugin is broken.
    """
    if not isinstance(raw, Mapping):
        bare = isinstance(raw, str) and kinds.is_check(raw)
        hint = f"Write {{{raw}: …}}." if bare else 'For example {"contains": "refund"}.'
        raise Findings([Finding((), f"Expected a check, found {describe(raw)}.", hint)])
    key, check = _kind_of(raw, kinds)
    findings: list[Finding] = []
    if check.suite_wide != suite_wide:
        where = "a suite's own 'checks'" if check.suite_wide else "a step's or a test's 'checks'"
        findings.append(Finding((key,), f"{key!r} stands in {where} only."))
    elif suite_wide and "scope" in raw:
        message = f"{key!r} looks at all turns of the suite: there is no scope to choose."
        findings.append(Finding(("scope",), message, "Leave it out."))
    common: dict[str, Any] = {}
    for name, type_ in _COMMON_TYPES.items():
        if name in raw:
            try:
                common[name] = structure(raw[name], type_)
            except Findings as exc:
                findings.extend(finding.under(name) for finding in exc.findings)
    options: Any = None
    try:
        options = _Written(raw, key, check).options()
    except Findings as exc:
        findings.extend(exc.findings)
    if findings:
        raise Findings(findings)
    return CheckSpec(
        kind=check.kind,
        options=options,
        origin=origin,
        name=common.get("name"),
        severity=Severity(common.get("severity", Severity.ERROR)),
        scope=Scope(common.get("scope", Scope.LAST)),
        negate=common.get("not", False),
        message=common.get("message"),
    )


def fill_options(spec: CheckSpec, check: Check, values: Mapping[str, Any]) -> Any:
    """The options of a check, placeholders filled with ``values``, keyed as in a template.

    Raises:
        CheckError: a placeholder has no value, or what it stands for is no value for its option.
    """
    if not isinstance(spec.options, Unfilled):
        return spec.options
    for placeholder in spec.options.placeholders:
        # As the item of a list: what has no value is left out, and null is not.
        if not placeholder.render(values):
            (written,) = placeholder.source
            raise CheckError(f"{written} has no value here, so {spec.kind!r} cannot be checked.")
    try:
        return _structured(_with_texts(spec.options.template.render(values), check), check)
    except Findings as exc:
        problems = " ".join(
            f"{'.'.join(map(str, one.location)) or spec.kind}: {one.message}"
            for one in exc.findings
        )
        raise CheckError(
            f"With its placeholders filled, {spec.kind!r} is wrong: {problems}"
        ) from exc


_COMMON_TYPES: Final[Mapping[str, Any]] = {
    "name": str,
    "severity": Literal["error", "warning", "info"],
    "scope": Literal["last", "assistant", "transcript"],
    "not": bool,
    "message": str,
}


def _kind_of(raw: Mapping[str, Any], kinds: Kinds) -> tuple[str, Check]:
    """The key that says the kind, and the kind."""
    own = [str(key) for key in raw if key not in CHECK_KEYS]
    known = [key for key in own if kinds.is_check(key)]
    if not own:
        known_kinds = ", ".join(kinds.checks())
        raise Findings([Finding((), "A check needs a kind.", f"One of {known_kinds}.")])
    if not known:
        try:
            check = kinds.check(own[0])  # says which plugin is broken, if one is
        except KeyError:
            hint = nearest(own[0], list(kinds.checks()))
            message = f"There is no check {own[0]!r}."
            raise Findings([Finding((own[0],), message, hint)]) from None
        return own[0], check
    # {"json": true, "path": "total", "equals": 3}: `equals` is an option of `json` here.
    chosen = [key for key in known if {*known} - {key} <= set(keys_of(kinds.check(key).options))]
    if len(chosen) != 1:
        message = f"A check has one kind, this one has {' and '.join(map(repr, known))}."
        raise Findings([Finding((), message, "Make a check of each.")])
    return chosen[0], kinds.check(chosen[0])


class _Written:
    """The options of one check as they are written: inside the kind's value, and beside it."""

    def __init__(self, raw: Mapping[str, Any], key: str, check: Check) -> None:
        self._key = key
        self._check = check
        self._values: dict[str, Any] = {}
        self._places: dict[str, Location] = {}
        self._findings: list[Finding] = []
        self._read_value(raw[key])
        spellings = keys_of(check.options)
        for name, value in raw.items():
            if name == key or name in CHECK_KEYS:
                continue
            if name not in spellings:
                known = [*(camel(field.name) for field in fields_of(check.options)), *CHECK_KEYS]
                self._wrong((name,), f"Unknown key {name!r}.", nearest(str(name), known))
            elif name in self._values:
                self._wrong((name,), f"{name!r} stands in {key!r} and beside it.", "Keep one.")
            else:
                self._add(name, value, (name,))

    def options(self) -> Any:
        """An instance of the kind's options class, or :class:`Unfilled`.

        Raises:
            Findings: with everything that is wrong, located from the check.
        """
        open_names = {name for name, value in self._values.items() if "{{" in _texts_of(value)}
        for name in open_names:
            try:
                Template(self._values[name], names=PLACEHOLDERS)
            except TemplateError as exc:
                self._wrong(self._places[name], str(exc))
        options = None
        try:
            options = _structured(self._values, self._check)
        except Findings as exc:
            self._findings += map(self._placed, self._lasting(exc.findings, open_names))
        if self._findings:
            raise Findings(self._findings)
        if not open_names:
            return options
        written = sorted(set(_PLACEHOLDER.findall(_texts_of(self._values))))
        return Unfilled(
            Template(self._values, names=PLACEHOLDERS),
            # Without the dots of {{...words}}: an empty list that is spread is a value too.
            tuple(Template([_SPREAD.sub("{{", one)], names=PLACEHOLDERS) for one in written),
        )

    def _read_value(self, value: Any) -> None:
        key, shorthand = self._key, self._check.shorthand
        if isinstance(value, Mapping):
            for name, item in value.items():
                self._add(str(name), item, (key, str(name)))
        elif value is True:
            return  # {"streams": true}: there is nothing to say, or it stands beside
        elif value is False:
            self._wrong((key,), f"{key!r} is not switched off by false.", "Write 'not: true'.")
        elif value is None:
            self._wrong((key,), f"{key!r} has no value.")
        elif shorthand is None:
            keys = ", ".join(camel(field.name) for field in fields_of(self._check.options))
            hint = f"An object of: {keys}." if keys else "Write true."
            self._wrong((key,), f"{key!r} has no short form, found {describe(value)}.", hint)
        else:
            self._add(shorthand, value, (key,))

    def _add(self, name: str, value: Any, place: Location) -> None:
        self._values[name] = value
        self._places[name] = place

    def _wrong(self, place: Location, message: str, hint: str | None = None) -> None:
        self._findings.append(Finding(place, message, hint))

    def _lasting(self, findings: list[Finding], open_names: set[str]) -> list[Finding]:
        """Without what may be right once the placeholders are filled."""
        spellings = keys_of(self._check.options)
        open_names = open_names & spellings.keys()
        if not open_names:
            return findings
        written = {spellings[name].name for name in self._values if name in spellings}
        missing = {
            field.name for field in fields_of(self._check.options) if field.default is attrs.NOTHING
        } - written
        return [
            one
            for one in findings
            if (one.location[0] not in open_names if one.location else missing)
        ]

    def _placed(self, finding: Finding) -> Finding:
        """A finding of the options, located from the check."""
        if not finding.location:
            return finding.under(self._key)
        name, *rest = finding.location
        return attrs.evolve(finding, location=(*self._places[str(name)], *rest))


def _structured(values: Mapping[str, Any], check: Check) -> Any:
    spellings = keys_of(check.options)
    listed = {
        name: [value]
        if name in spellings and _is_list(spellings[name].type) and not _is_container(value)
        else value
        for name, value in values.items()
    }
    return structure_mapping(listed, check.options)


def _with_texts(values: Mapping[str, Any], check: Check) -> Mapping[str, Any]:
    """Numbers as text where an option is text: a placeholder alone has the variable's own type."""
    spellings = keys_of(check.options)

    def convert(name: str, value: Any) -> Any:
        types = _types_in(spellings[name].type) if name in spellings else set()
        if str not in types or types & {int, float, bool}:
            return value
        if isinstance(value, list):
            return [
                json.dumps(one) if isinstance(one, bool | int | float) else one for one in value
            ]
        return json.dumps(value) if isinstance(value, bool | int | float) else value

    return {name: convert(name, value) for name, value in values.items()}


def _types_in(type_: Any) -> set[Any]:
    """The types that a type is made of: ``str`` and None of ``tuple[str, ...] | None``."""
    inner = get_args(type_)
    return set().union(*map(_types_in, inner)) if inner else {type_}


def _is_list(type_: Any) -> bool:
    """Whether an option is a list, or may be one: ``tuple[str, ...] | None``."""
    return get_origin(type_) is tuple or any(
        get_origin(inner) is tuple for inner in get_args(type_)
    )


def _is_container(value: Any) -> bool:
    return value is None or isinstance(value, list | tuple | Mapping)


def _texts_of(value: Any) -> str:
    """All text in a JSON value, to look for placeholders."""
    match value:
        case str():
            return value
        case Mapping():
            return "\n".join(f"{key}\n{_texts_of(item)}" for key, item in value.items())
        case list() | tuple():
            return "\n".join(map(_texts_of, value))
    return ""
