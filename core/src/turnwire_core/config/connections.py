"""One connection: preset merged, structured, its section parted, checked.

What is wrong in one part does not hide what is wrong in another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import attrs

from turnwire_core.config.checks import check_limits, check_written, hide_credentials
from turnwire_core.config.documents import Location
from turnwire_core.config.interpolation import hide_environment_value
from turnwire_core.config.structuring import (
    Finding,
    Findings,
    camel,
    describe,
    fields_of,
    keys_of,
    nearest,
    structure_mapping,
)
from turnwire_core.contracts.connection import Connection, ReplyRules
from turnwire_core.contracts.driver import Driver, NoOptions
from turnwire_core.errors import PluginError
from turnwire_core.paths import Path
from turnwire_core.secrets import Secrets
from turnwire_core.templates import Template

SHIPPED_PROTOCOLS = ("http_chat", "sse", "websocket")
"""Sections of these names are known, whether their driver is installed or not."""


class DriverSource(Protocol):
    """Where loading asks for drivers and presets: ``turnwire_core.Plugins`` is one."""

    def protocols(self) -> Sequence[str]:
        """The names that have a driver, without importing any."""

    def driver(self, protocol: str) -> Driver[Any]:
        """The driver, imported. Raises PluginError."""

    def preset(self, name: str, protocol: str | None) -> Mapping[str, Any]:
        """A preset by name. Raises KeyError, with what is known in ``args``."""


def structure_connection(
    name: str,
    raw: Any,
    drivers: DriverSource,
    environ: Mapping[str, str],
    secrets: Secrets,
) -> Connection:
    """Build a connection from its part of a file, interpolated already.

    Raises:
        Findings: with everything that is wrong in it.
        PluginError: all is well, but its driver is missing or broken.
    """
    if not isinstance(raw, Mapping):
        raise Findings([Finding((), f"Expected an object, found {describe(raw)}.")])
    findings: list[Finding] = []
    merged = raw
    try:
        merged = _with_preset(raw, drivers)
    except Findings as exc:
        findings.extend(exc.findings)
    protocol = merged.get("protocol", "http_chat")
    sections = frozenset({*SHIPPED_PROTOCOLS, *drivers.protocols()})
    connection = None
    try:
        connection = structure_mapping(
            merged,
            Connection,
            ignore=sections,
            more_keys=tuple(sections),
            advise=lambda key: _misplaced_rule(key, protocol),
        )
    except Findings as exc:
        findings.extend(exc.findings)
    if not isinstance(protocol, str):
        raise Findings(findings)
    for section in sorted(sections & {*merged} - {protocol}):
        try:
            _structure_section(merged[section], None)
        except Findings as exc:
            findings.extend(finding.under(section) for finding in exc.findings)

    driver, plugin_error = None, None
    try:
        driver = drivers.driver(protocol)
    except PluginError as exc:
        plugin_error = exc
    findings.extend(check_written(merged, driver.schemes if driver is not None else None))
    rules, options = ReplyRules(), None
    try:
        rules, options = _structure_section(merged.get(protocol, {}), driver)
    except Findings as exc:
        findings.extend(finding.under(protocol) for finding in exc.findings)
    if connection is None or findings:
        raise Findings(findings)

    if driver is not None and connection.response_field_path is None:
        default = driver.response_field_path
        has_rules = bool(rules.content or rules.content_path)
        if default is not None and not has_rules:
            connection = attrs.evolve(connection, response_field_path=Path(default))
    if driver is not None and not (rules.content or rules.content_path):
        content_path = driver.default_content_path(options)
        if content_path is not None:
            rules = attrs.evolve(rules, content_path=Path(content_path))
    environment, missing = _environment_of(connection, environ, secrets)
    findings.extend(missing)
    connection = attrs.evolve(
        connection,
        name=name,
        rules=rules,
        options=options,
        environment=environment,
        secrets=secrets,
    )
    hide_credentials(connection)
    findings.extend(check_limits(connection))
    if driver is not None and not findings:
        findings.extend(Finding((), message) for message in driver.check(connection, options))
    if findings:
        raise Findings(findings)
    if plugin_error is not None:
        raise plugin_error
    return connection


def _misplaced_rule(key: str, protocol: object) -> str | None:
    """Advice for a reply rule that stands in the connection instead of its protocol's section."""
    from difflib import get_close_matches  # for mistakes only

    rules = [camel(field.name) for field in fields_of(ReplyRules)]
    meant = get_close_matches(key, rules, n=1, cutoff=0.8)
    return f"It belongs into a section: {{{protocol!r}: {{{meant[0]!r}: …}}}}." if meant else None


def _with_preset(raw: Mapping[str, Any], drivers: DriverSource) -> Mapping[str, Any]:
    name = raw.get("preset")
    if name is None:
        return raw
    protocol = raw.get("protocol")
    try:
        preset = drivers.preset(str(name), protocol if isinstance(protocol, str) else None)
    except KeyError as exc:
        known = [str(one) for one in exc.args[1:]]
        hint = nearest(str(name), known) if known else "No installed driver brings presets."
        raise Findings([Finding(("preset",), f"Unknown preset {name!r}.", hint)]) from exc
    return _merge(preset, raw)


_SHORT_FORMS = {
    "contentPath": "content",
    "content": "contentPath",
    "finishPath": "finish",
    "finish": "finishPath",
    "body": "bodies",
    "bodies": "body",
}
"""Writing one of these takes the other away from the preset: a connection's own word wins."""


def _merge(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """``own`` over ``base``: objects key by key, everything else whole."""
    merged = dict(base)
    for key, value in own.items():
        merged.pop(_SHORT_FORMS.get(key, ""), None)
        if key in ("finishPath", "finish"):
            merged.pop("finishValue", None)
        # A template's inside is data: a body is taken or replaced, never mixed.
        is_section = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merge(merged[key], value) if is_section and key != "body" else value
    return merged


def _structure_section(raw: Any, driver: Driver[Any] | None) -> tuple[ReplyRules, Any]:
    """The protocol's section, parted into the core's rules and the driver's options.

    Without the driver its keys cannot be told from mistakes, so only the rules are checked.
    """
    if not isinstance(raw, Mapping):
        raise Findings([Finding((), f"Expected an object, found {describe(raw)}.")])
    options_class = driver.options if driver is not None else NoOptions
    rule_keys = frozenset(keys_of(ReplyRules))
    option_keys = (
        frozenset(keys_of(options_class)) if driver is not None else frozenset(raw) - rule_keys
    )
    findings: list[Finding] = []
    rules, options = ReplyRules(), None
    option_names = tuple(key for key in option_keys if "_" not in key)
    try:
        rules = structure_mapping(raw, ReplyRules, ignore=option_keys, more_keys=option_names)
    except Findings as exc:
        findings.extend(exc.findings)
    try:
        own = {key: value for key, value in raw.items() if key in option_keys}
        options = structure_mapping(own, options_class) if driver is not None else None
    except Findings as exc:
        findings.extend(exc.findings)
    if findings:
        raise Findings(findings)
    return rules, options


def _environment_of(
    connection: Connection, environ: Mapping[str, str], secrets: Secrets
) -> tuple[dict[str, str], list[Finding]]:
    """The values of every ``{{env.X}}`` that some template of the connection names."""
    environment: dict[str, str] = {}
    findings: list[Finding] = []
    for location, template in _templates_of(connection):
        for name in sorted(template.names):
            space, _, variable = name.partition(".")
            if space != "env":
                continue
            if variable in environ:
                environment[variable] = environ[variable]
                hide_environment_value(environ[variable], secrets)
            else:
                message = f"The environment variable {variable} is not set."
                findings.append(Finding(location, message, "Set it before you run."))
    return environment, findings


def _templates_of(value: Any) -> list[tuple[Location, Template]]:
    """Every template in a structured value, with where it stands."""
    members: Iterable[tuple[str | int, Any]]
    match value:
        case Template():
            return [((), value)]
        case Mapping():
            members = value.items()
        case list() | tuple():
            members = enumerate(value)
        case _ if attrs.has(type(value)):
            names = [field.name for field in fields_of(type(value))]
            members = [(camel(name), getattr(value, name)) for name in names]
        case _:
            return []
    return [
        ((key, *location), template)
        for key, item in members
        for location, template in _templates_of(item)
    ]
