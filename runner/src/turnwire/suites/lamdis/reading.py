"""Test files and suite files of lamdis-runs, as suites of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from turnwire.kinds import Kinds
from turnwire.suites.lamdis.assistants import Assistants
from turnwire.suites.lamdis.auth import AuthDesk
from turnwire.suites.lamdis.expressions import Translator
from turnwire.suites.lamdis.files import Finder
from turnwire.suites.lamdis.keys import (
    AssistantsKeys,
    FileKeys,
    PersonaKeys,
    PersonasFileKeys,
    TestsKeys,
)
from turnwire.suites.lamdis.requests import Requests
from turnwire.suites.lamdis.tests import TestReader
from turnwire.suites.model import Origin, Persona, Suite, Test
from turnwire.suites.native import Draft, name_of, refuse_doubles
from turnwire.suites.sources import Ledger, Source
from turnwire.suites.structuring import structure_leniently
from turnwire_core.config import Document, describe


def read_suite(document: Document, ledger: Ledger, kinds: Kinds) -> Draft | None:
    """A suite from a test file or a suite file; what is wrong is noted in the ledger.

    None where nothing can be made of it.

    Raises:
        PluginError: see :func:`turnwire.suites.native.read_suite`.
    """
    return _Reader(ledger, kinds).draft(Source(document, document.data))


@attrs.define
class _TestFile:
    """The tests of one file, and the connections that it names for them."""

    id: str
    tests: list[Test]
    connections: tuple[str, ...]


class _Reader:
    """Reads one suite with all the files that it refers to."""

    def __init__(self, ledger: Ledger, kinds: Kinds) -> None:
        translator = Translator(ledger)
        self._ledger = ledger
        self._finder = Finder(ledger)
        auth = AuthDesk(ledger, self._finder)
        self._assistants = Assistants(ledger, self._finder, auth, translator)
        self._requests = Requests(ledger, self._finder, auth, translator)
        self._tests = TestReader(ledger, kinds, translator, self._requests)
        self._personas: dict[str, tuple[Persona, Origin]] = {}

    def draft(self, source: Source) -> Draft | None:
        root = source.origin()
        if "tests" not in source.data:
            message = "There are no tests in this file of lamdis-runs."
            hint = "Run a file that has 'tests': a test file, or a suite file."
            self._ledger.add(root, message, hint)
            return None
        keys = structure_leniently(self._ledger, root, source.data, FileKeys)
        if keys is None:
            return None
        own = self._connections(source, keys)
        if isinstance(keys.tests, Mapping):
            files = self._included(source, keys)
        else:
            files = [self._test_file(source, keys)]
        tests = _with_connections(files, own)
        refuse_doubles(tests, self._ledger)
        shared = {test.connections for test in tests}
        if len(shared) == 1:
            # A suite's connections, so that others may take their place on the command line.
            own = shared.pop()
            tests = [attrs.evolve(test, connections=()) for test in tests]
        suite = Suite(
            name=keys.id or keys.suite or name_of(source.file),
            file=source.file,
            tests=tuple(tests),
            description=keys.description or keys.name,
            inline_connections=self._assistants.connections,
            inline_origins=self._assistants.origins,
            connections=own,
            personas={name: persona for name, (persona, _) in self._personas.items()},
            requests=self._requests.specs,
            origin=root,
            secrets=self._ledger.secrets,
        )
        origins = {("requests", name): origin for name, origin in self._requests.origins.items()}
        return Draft(suite, origins)

    def _connections(self, source: Source, keys: FileKeys) -> tuple[str, ...]:
        """The connections that a file names: its assistants, or one that stands in it."""
        root = source.origin()
        names: list[str | None] = []
        if keys.assistants is not None:
            names += self._assistants_of(keys.assistants, root.under("assistants"))
        elif keys.assistant_ref is not None:
            place = root.under("assistantRef")
            names.append(self._assistants.by_reference(keys.assistant_ref, place))
        elif keys.env is not None:
            name = f"{keys.id or keys.suite or name_of(source.file)}-env"
            names.append(self._assistants.in_place(keys.env, name, root.under("env")))
        return tuple(dict.fromkeys(name for name in names if name is not None))

    def _assistants_of(self, keys: AssistantsKeys, place: Origin) -> list[str | None]:
        sources: dict[str, Source] = {}
        references: dict[str, str] = {}
        for index, folder in enumerate(keys.include_folders):
            origin = place.under("includeFolders", index)
            for file in self._finder.folder(folder, origin) or ():
                source = self._finder.source(file, origin)
                if source is not None:
                    sources[source.document.file] = source
                    references[source.document.file] = f"{folder}/{file.stem}"
        for index, reference in enumerate(keys.include):
            source = self._finder.open(reference, place.under("include", index), "assistant")
            if source is not None:
                sources[source.document.file] = source
                references[source.document.file] = reference
        chosen = [
            (source, references[file])
            for file, source in sources.items()
            if not {references[file], _id_in(source)} & set(keys.exclude)
        ]
        if not chosen:
            message = "No assistant is left to run the tests with."
            self._ledger.add(place, message, "Name one in 'include'.")
        return [self._assistants.by_file(source, reference) for source, reference in chosen]

    def _included(self, source: Source, suite: FileKeys) -> list[_TestFile]:
        place = source.origin("tests")
        keys = structure_leniently(self._ledger, place, suite.tests, TestsKeys)
        if keys is None:
            return []
        sources: dict[str, Source] = {}
        for index, reference in enumerate(keys.include_files):
            found = self._finder.open(reference, place.under("includeFiles", index), "test file")
            if found is not None:
                sources.setdefault(found.document.file, found)
        for index, folder in enumerate(keys.include_folders):
            origin = place.under("includeFolders", index)
            for file in self._finder.folder(folder, origin) or ():
                found = self._finder.source(file, origin)
                if found is not None:
                    sources.setdefault(found.document.file, found)
        files: list[_TestFile] = []
        for found in sources.values():
            file_keys = structure_leniently(self._ledger, found.origin(), found.data, FileKeys)
            if file_keys is None:
                continue
            if isinstance(file_keys.tests, Mapping):
                message = "This is a suite, and a suite includes test files only."
                self._ledger.add(found.origin("tests"), message)
                continue
            files.append(self._test_file(found, file_keys))
        known = {file.id for file in files} | {test.id for file in files for test in file.tests}
        for index, id_ in enumerate(keys.include_ids):
            if id_ not in known:
                message = f"There is no test {id_!r} in the files that are included."
                hint = "Name its file in 'includeFiles'."
                self._ledger.add(place.under("includeIds", index), message, hint)
        if not sources and not keys.include_files and not keys.include_folders:
            message = "No test file is included."
            self._ledger.add(place, message, "Name some in 'includeFiles'.")
        return files

    def _test_file(self, source: Source, keys: FileKeys) -> _TestFile:
        root = source.origin()
        for index, reference in enumerate(keys.imports.personas):
            self._add_personas(reference, root.under("imports", "personas", index))
        for index, reference in enumerate(keys.imports.requests):
            self._requests.add_file(reference, root.under("imports", "requests", index))
        written = keys.tests
        place = root.under("tests")
        if not isinstance(written, Sequence) or isinstance(written, str):
            self._ledger.add(place, f"Expected a list of tests, found {describe(written)}.")
            written = []
        elif not written:
            self._ledger.add(place, "A file without tests shows nothing.")
        tests = [
            test
            for index, raw in enumerate(written)
            if (test := self._tests.test(raw, place.under(index), index + 1)) is not None
        ]
        id_ = keys.id or keys.suite or name_of(source.file)
        return _TestFile(id_, tests, self._connections(source, keys))

    def _add_personas(self, reference: str, origin: Origin) -> None:
        source = self._finder.open(reference, origin, "personas file")
        if source is None:
            return
        root = source.origin()
        keys = structure_leniently(self._ledger, root, source.data, PersonasFileKeys)
        for index, persona in enumerate(keys.personas if keys is not None else ()):
            place = root.under("personas", index)
            other = self._personas.get(persona.id)
            if other is not None and other[1] != place:
                message = f"There is a persona {persona.id!r} already, at {other[1]}."
                self._ledger.add(place.under("id"), message, "Rename one of them.")
            self._personas[persona.id] = (_persona(persona, place, self._ledger), place)


def _persona(keys: PersonaKeys, place: Origin, ledger: Ledger) -> Persona:
    description = keys.text or keys.description or keys.name
    if not description:
        ledger.add(place, "Nothing is said about this persona.", "Write a 'description'.")
    return Persona(description or keys.id, keys.user_profile)


def _id_in(source: Source) -> str | None:
    found = source.data.get("id") if isinstance(source.data, Mapping) else None
    return found if isinstance(found, str) else None


def _with_connections(files: Sequence[_TestFile], own: tuple[str, ...]) -> list[Test]:
    """The tests of all files. The suite's assistants count before those of the files.

    Ids that several files have get the id of their file in front.
    """
    counts: dict[str, set[str]] = {}
    for file in files:
        for test in file.tests:
            counts.setdefault(test.id, set()).add(file.id)
    return [
        attrs.evolve(
            test,
            id=f"{file.id}/{test.id}" if len(counts[test.id]) > 1 else test.id,
            connections=own or file.connections,
        )
        for file in files
        for test in file.tests
    ]
