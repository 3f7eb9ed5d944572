"""From a config file to connections: read, interpolate, structure.

Everything wrong in a file comes in one :class:`~turnwire_core.ConfigError`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path as FilePath
from typing import Any

import attrs

from turnwire_core.config.connections import DriverSource, structure_connection
from turnwire_core.config.documents import Document, Location, as_path, read_document
from turnwire_core.config.interpolation import interpolate
from turnwire_core.config.structuring import Finding, Findings, describe, nearest
from turnwire_core.contracts.connection import Connection
from turnwire_core.errors import ConfigError, PluginError, Problem
from turnwire_core.secrets import Secrets


@attrs.frozen
class Config:
    """A loaded file.

    ``connections`` holds what can be opened. A connection whose driver is missing or broken stands
    in ``unavailable`` with the reason: it must not keep the others from running. ``names`` are all
    that the file has, also those that were not wanted.
    """

    connections: Mapping[str, Connection]
    secrets: Secrets
    file: str | None = None
    unavailable: Mapping[str, PluginError] = attrs.field(factory=dict)
    names: tuple[str, ...] = ()

    def connection(self, name: str) -> Connection:
        """The connection of that name.

        Raises:
            ConfigError: there is none; the message names the nearest.
            PluginError: it is there, but its driver is not.
        """
        if name in self.connections:
            return self.connections[name]
        if name in self.unavailable:
            raise self.unavailable[name]
        message = f"There is no connection {name!r}."
        hint = nearest(name, list(self.names))
        raise ConfigError([Problem(message, path="$.connections", hint=hint, file=self.file)])


def read_config(
    file: str | os.PathLike[str],
    drivers: DriverSource,
    *,
    only: Collection[str] | None = None,
    environ: Mapping[str, str] | None = None,
    text: str | None = None,
) -> Config:
    """Load a config file. With ``only``, connections of other names are left out unread.

    With ``text`` it is loaded as if that stood in it: a change can be tried before it is written.

    Raises:
        ConfigError: with every problem that the file has.
    """
    document = read_document(FilePath(file), text)
    return _load(document.data, drivers, only=only, environ=environ, document=document)


def read_mapping(
    data: Mapping[str, Any],
    drivers: DriverSource,
    *,
    only: Collection[str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """Like :func:`read_config`, for data that is already there: ``{"connections": {…}}``."""
    return _load(data, drivers, only=only, environ=environ, document=None)


def _load(
    data: Any,
    drivers: DriverSource,
    *,
    only: Collection[str] | None,
    environ: Mapping[str, str] | None,
    document: Document | None,
) -> Config:
    environ = os.environ if environ is None else environ
    secrets = Secrets()
    findings = _check_root(data)
    connections: dict[str, Connection] = {}
    unavailable: dict[str, PluginError] = {}
    wanted = data.get("connections") if isinstance(data, Mapping) else None
    for name, raw in wanted.items() if isinstance(wanted, Mapping) else ():
        if only is not None and name not in only:
            continue
        raw, missing = interpolate(raw, environ, secrets)
        findings.extend(finding.under("connections", name) for finding in missing)
        unfilled = {finding.location for finding in missing}
        try:
            connections[name] = structure_connection(name, raw, drivers, environ, secrets)
        except PluginError as exc:
            unavailable[name] = exc
        except Findings as exc:
            # Of a value that could not be filled it is enough to hear so.
            others = [finding for finding in exc.findings if finding.location not in unfilled]
            findings.extend(finding.under("connections", name) for finding in others)
    if findings:
        problems = [_as_problem(finding, document, secrets) for finding in findings]
        raise ConfigError(sorted(problems, key=lambda problem: problem.line or 0))
    base = FilePath(document.file).parent if document else FilePath()
    return Config(
        connections={name: _anchor_files(one, base) for name, one in connections.items()},
        secrets=secrets,
        file=document.file if document else None,
        unavailable=unavailable,
        names=tuple(wanted) if isinstance(wanted, Mapping) else (),
    )


def _check_root(data: Any) -> list[Finding]:
    if not isinstance(data, Mapping):
        hint = 'Write {"connections": {"NAME": {…}}}.'
        return [Finding((), f"Expected an object at the top, found {describe(data)}.", hint)]
    findings = [
        Finding((key,), f"Unknown key {key!r}.", nearest(str(key), ["connections"]))
        for key in data
        if key not in ("connections", "$schema")
    ]
    connections = data.get("connections")
    if not isinstance(connections, Mapping):
        found = describe(connections) if "connections" in data else "nothing"
        hint = 'Write {"connections": {"NAME": {…}}}.'
        where: Location = ("connections",) if "connections" in data else ()
        findings.append(Finding(where, f"Expected the connections by name, found {found}.", hint))
    return findings


def _as_problem(finding: Finding, document: Document | None, secrets: Secrets) -> Problem:
    return Problem(
        message=secrets.mask(finding.message),
        path=as_path(finding.location),
        hint=secrets.mask(finding.hint) if finding.hint else None,
        file=document.file if document else None,
        line=document.line_of(finding.location) if document else None,
    )


def _anchor_files(connection: Connection, base: FilePath) -> Connection:
    """File names in a config are relative to the config, not to where the command was typed."""
    tls = connection.tls
    anchored: dict[str, Any] = {
        name: str(base / getattr(tls, name))
        for name in ("ca_bundle", "client_cert", "client_key")
        if getattr(tls, name) is not None
    }
    return attrs.evolve(connection, tls=attrs.evolve(tls, **anchored)) if anchored else connection
