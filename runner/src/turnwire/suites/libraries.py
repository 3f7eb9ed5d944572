"""What suites share and import: personas, requests, fixtures, variables.

A file's own definitions win over what it imports. Two imports that define one name are an error:
which of them counts must not depend on their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, Final

import attrs

from turnwire.kinds import Kinds
from turnwire.suites.keys import FixtureKeys, LibraryKeys
from turnwire.suites.model import Fixture, Origin, StepSpec
from turnwire.suites.sources import Ledger, Source
from turnwire.suites.steps import structure_step
from turnwire.suites.structuring import structure_leniently

SUITE_FIXTURE_STEPS: Final = frozenset({"request", "extract"})
"""What a fixture of scope ``suite`` may do: there is no conversation yet."""


@attrs.frozen
class Definition:
    """Something with a name, and where it stands."""

    value: Any
    origin: Origin


@attrs.frozen
class Library:
    """Definitions by name."""

    personas: Mapping[str, Definition] = attrs.field(factory=dict)
    requests: Mapping[str, Definition] = attrs.field(factory=dict)
    fixtures: Mapping[str, Definition] = attrs.field(factory=dict)
    variables: Mapping[str, Definition] = attrs.field(factory=dict)

    def values(self, section: str) -> dict[str, Any]:
        """What is defined in a section, by name."""
        return {name: one.value for name, one in getattr(self, section).items()}

    def origins(self) -> dict[tuple[str, str], Origin]:
        """Where each definition stands, by section and name."""
        return {
            (section, name): one.origin
            for section in _NOUNS
            for name, one in getattr(self, section).items()
        }


_NOUNS: Final = {
    "personas": "persona",
    "requests": "request",
    "fixtures": "fixture",
    "variables": "variable",
}


class Librarian:
    """Reads libraries for one suite, each file once."""

    def __init__(self, ledger: Ledger, kinds: Kinds) -> None:
        self._ledger = ledger
        self._kinds = kinds
        self._read: dict[FilePath, Library] = {}

    def gather(self, source: Source, keys: Any, trail: tuple[FilePath, ...] = ()) -> Library:
        """What a file defines, and what it imports. ``keys`` has the fields of LibraryKeys.

        ``trail`` are the files that lead here by their imports, to see a circle.
        """
        trail = (*trail, source.file.resolve())
        imported = [
            self._import(source.file.parent / name, source.origin("imports", index), trail)
            for index, name in enumerate(keys.imports)
        ]
        own = self._own(source, keys)
        return Library(
            **{section: self._merged(section, own, imported) for section in _NOUNS},
        )

    def _import(self, file: FilePath, origin: Origin, trail: tuple[FilePath, ...]) -> Library:
        key = file.resolve()
        if key in trail:
            names = [one.name for one in (*trail[trail.index(key) :], key)]
            self._ledger.add(origin, f"Files import one another: {' → '.join(names)}.")
            return Library()
        if key not in self._read:
            self._read[key] = Library()
            if not file.is_file():
                hint = f"It is looked for beside this file: {file}."
                self._ledger.add(origin, "There is no such file to import.", hint)
                return Library()
            with self._ledger.at(origin):
                source = self._ledger.fill(self._ledger.read(file))
                origin = source.origin()
                data = spelled_out(source.data)
                keys = structure_leniently(self._ledger, origin, data, LibraryKeys)
                if keys is not None:
                    self._read[key] = self.gather(source, keys, trail)
        return self._read[key]

    def _own(self, source: Source, keys: Any) -> Library:
        def of(section: str, values: Mapping[str, Any]) -> dict[str, Definition]:
            return {
                name: Definition(value, source.origin(section, name))
                for name, value in values.items()
            }

        fixtures = {
            name: self._fixture(raw, source.origin("fixtures", name))
            for name, raw in keys.fixtures.items()
        }
        return Library(
            personas=of("personas", keys.personas),
            requests=of("requests", keys.requests),
            fixtures=of("fixtures", fixtures),
            variables=of("variables", keys.variables),
        )

    def _fixture(self, keys: FixtureKeys, origin: Origin) -> Fixture:
        if not keys.steps:
            self._ledger.add(origin, "A fixture without steps does nothing.", "Write its steps.")
        steps: list[StepSpec] = []
        for index, raw in enumerate(keys.steps):
            place = origin.under("steps", index)
            with self._ledger.at(place):
                steps.append(structure_step(raw, self._kinds, place))
        for step in steps:
            if keys.scope == "suite" and step.kind not in SUITE_FIXTURE_STEPS:
                allowed = " and ".join(sorted(SUITE_FIXTURE_STEPS))
                message = f"A {step.kind!r} step needs a conversation, and there is none yet."
                hint = f"In a fixture of scope 'suite' only {allowed} may stand."
                self._ledger.add(step.origin, message, hint)
        return Fixture(tuple(steps), scope=keys.scope)

    def _merged(
        self, section: str, own: Library, imported: Sequence[Library]
    ) -> dict[str, Definition]:
        merged: dict[str, Definition] = {}
        for library in imported:
            for name, found in getattr(library, section).items():
                other = merged.setdefault(name, found)
                # The same file may be reached on two ways.
                if other.origin != found.origin and name not in getattr(own, section):
                    message = f"The {_NOUNS[section]} {name!r} is imported twice."
                    hint = f"It stands at {other.origin} too. Rename one of them."
                    self._ledger.add(found.origin, message, hint)
        merged |= getattr(own, section)
        return merged


def spelled_out(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a file with the short forms of its definitions written out.

    A persona may be its description, a request its URL, a fixture its steps.
    """
    written = dict(data)
    for section, (type_, key) in _SHORT_FORMS.items():
        if isinstance(data.get(section), Mapping):
            written[section] = {
                name: {key: value} if isinstance(value, type_) else value
                for name, value in data[section].items()
            }
    return written


_SHORT_FORMS: Final[Mapping[str, tuple[type, str]]] = {
    "personas": (str, "description"),
    "requests": (str, "url"),
    "fixtures": (list, "steps"),
}
