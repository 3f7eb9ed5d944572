"""Reading a suite in our own format."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, Final

import attrs

from turnwire.checks.structuring import structure_check
from turnwire.kinds import Kinds
from turnwire.suites.keys import SuiteKeys, TestKeys
from turnwire.suites.libraries import Librarian, spelled_out
from turnwire.suites.model import CheckSpec, Origin, StepSpec, Suite, Test, TestLimits
from turnwire.suites.sources import Ledger, Source
from turnwire.suites.steps import structure_step
from turnwire.suites.structuring import overlay, structure_leniently
from turnwire_core.config import Document, describe

CONNECTION_KEY: Final = "connection"
"""The key of a matrix that stands for the connections, and is no variable."""

_ID: Final = re.compile(r"[^\s\[\]#:]+")


@attrs.frozen
class Draft:
    """A suite whose references nobody has followed yet.

    ``origins`` says where the definitions stand, by section and name: ``("requests", "open")``.
    """

    suite: Suite
    origins: Mapping[tuple[str, str], Origin]


def read_suite(document: Document, ledger: Ledger, kinds: Kinds) -> Draft | None:
    """A suite from its document; what is wrong is noted in the ledger.

    None where nothing can be made of it.

    Raises:
        PluginError: a kind in it is claimed twice, or unknown while a plugin is broken.
    """
    inline = isinstance(document.data, Mapping) and isinstance(
        document.data.get("connections"), Mapping
    )
    # A connection is filled when it is loaded, like those in a file of their own.
    source = ledger.fill(document, raw=frozenset({"connections"} if inline else ()))
    return _Reader(source, ledger, kinds).draft()


def name_of(file: FilePath) -> str:
    """The name of a suite that has none: ``shop`` for ``shop.turnwire.yaml``."""
    return file.stem.removesuffix(".turnwire")


def id_of(name: str) -> str:
    """The id of a test that has none: ``opens-an-account`` for ``Opens an account``."""
    return re.sub(r"\W+", "-", name.lower()).strip("-_")


def refuse_doubles(tests: Sequence[Test], ledger: Ledger) -> None:
    """Note the tests whose id another has already."""
    first: dict[str, Test] = {}
    for test in tests:
        other = first.setdefault(test.id, test)
        if other is not test:
            where = f"line {other.origin.line}" if other.origin.line else other.origin.path
            message = f"Another test has the id {test.id!r} already ({where})."
            ledger.add(test.origin, message, "Give one of them an 'id' of its own.")


class _Reader:
    """Reads one suite. Problems go to the ledger."""

    def __init__(self, source: Source, ledger: Ledger, kinds: Kinds) -> None:
        self._source = source
        self._ledger = ledger
        self._kinds = kinds

    def draft(self) -> Draft | None:
        source, ledger = self._source, self._ledger
        data = spelled_out(source.data)
        root = source.origin()
        keys = structure_leniently(ledger, root, data, SuiteKeys, stand_ins={"tests": ()})
        if keys is None:
            return None
        library = Librarian(ledger, self._kinds).gather(source, keys)
        limits = overlay(ledger, root.under("limits"), TestLimits(), keys.limits)
        inline, connections = self._connections(keys.connections)
        tests = [
            test
            for index, raw in enumerate(keys.tests)
            if (test := self._test(raw, root.under("tests", index), keys, limits)) is not None
        ]
        if not keys.tests and data.get("tests") == []:
            ledger.add(root.under("tests"), "A suite without tests shows nothing.")
        refuse_doubles(tests, ledger)
        suite = Suite(
            name=self._name(keys.name),
            file=source.file,
            tests=tuple(tests),
            description=keys.description,
            config=self._config(keys.config),
            inline_connections=inline,
            inline_origins={name: root.under("connections", name) for name in inline},
            connections=connections,
            personas=library.values("personas"),
            requests=library.values("requests"),
            variables=library.values("variables"),
            fixtures=library.values("fixtures"),
            judge=keys.judge,
            checks=self._checks(keys.checks, root.under("checks"), suite_wide=True),
            origin=root,
            secrets=ledger.secrets,
        )
        return Draft(suite, library.origins())

    def _name(self, written: str | None) -> str:
        name = name_of(self._source.file) if written is None else written
        if not name.strip() or "::" in name or not name.isprintable():
            message = f"{name!r} is no name for a suite: it begins the ids of its tests."
            self._ledger.add(self._source.origin("name"), message, "Write a word or some words.")
        return name

    def _config(self, written: str | None) -> FilePath | None:
        if written is None:
            return None
        file = self._source.file.parent / written
        if not file.is_file():
            hint = f"It is looked for beside the suite: {file}."
            self._ledger.add(self._source.origin("config"), "There is no such file.", hint)
        return file

    def _connections(self, written: Any) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """The connections that are defined here, and the names of those to test."""
        place = self._source.origin("connections")
        if isinstance(written, Mapping):
            if not written:
                self._ledger.add(place, "There is no connection in it.", "Define one, or leave it.")
            # The judge among them is no target, unless a test says so.
            judge = self._source.data.get("judge")
            return written, tuple(name for name in written if name != judge)
        if not isinstance(written, list | tuple):
            hint = "Write a list of names, or an object that defines connections."
            self._ledger.add(place, f"Expected connections, found {describe(written)}.", hint)
            return {}, ()
        return {}, self._names(written, place)

    def _names(self, written: Sequence[Any], place: Origin) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for index, name in enumerate(written):
            if not isinstance(name, str):
                message = f"Expected a name, found {describe(name)}."
                self._ledger.add(place.under(index), message)
            elif name in names:
                self._ledger.add(place.under(index), f"{name!r} is there twice.", "Keep one.")
            else:
                names[name] = None
        return tuple(names)

    def _test(self, raw: Any, place: Origin, suite: SuiteKeys, limits: TestLimits) -> Test | None:
        ledger = self._ledger
        unnamed = f"test {place.path}"
        keys = structure_leniently(
            ledger, place, raw, TestKeys, stand_ins={"name": unnamed, "steps": ()}
        )
        if keys is None:
            return None
        if not keys.steps and raw.get("steps") == []:
            ledger.add(place.under("steps"), "A test without steps does nothing.", "Write some.")
        if keys.repeat < 1:
            hint = "To leave the test out write 'skip' with the reason."
            ledger.add(place.under("repeat"), "A test is run at least once.", hint)
        skip = self._skip(keys.skip, place.under("skip"))
        if skip is not None and keys.only:
            message = "A test cannot say both 'skip' and 'only'."
            ledger.add(place.under("only"), message, "Keep one.")
        return Test(
            name=keys.name,
            id=self._id(keys, place),
            origin=place,
            steps=self._steps(keys.steps, place.under("steps")),
            description=keys.description,
            tags=frozenset({*suite.tags, *keys.tags}),
            skip=skip,
            only=keys.only,
            persona=keys.persona,
            connections=self._names(keys.connections, place.under("connections")),
            matrix=self._matrix(keys, place.under("matrix")),
            variables=keys.variables,
            uses=self._names(keys.uses, place.under("uses")),
            repeat=keys.repeat,
            limits=overlay(ledger, place.under("limits"), limits, keys.limits),
            checks=self._checks(keys.checks, place.under("checks")),
        )

    def _id(self, keys: TestKeys, place: Origin) -> str:
        if keys.id is None:
            made = id_of(keys.name)
            if not made:
                message = f"No id can be made of the name {keys.name!r}."
                self._ledger.add(place.under("name"), message, "Write an 'id'.")
            return made
        if not _ID.fullmatch(keys.id):
            message = f"{keys.id!r} is no id: it is part of what stands on command lines."
            hint = "Leave out white space, brackets, '#' and ':'."
            self._ledger.add(place.under("id"), message, hint)
        return keys.id

    def _skip(self, written: Any, place: Origin) -> str | None:
        match written:
            case None | False:
                return None
            case True:
                return "it says 'skip'"
            case str() if written.strip():
                return written
        self._ledger.add(place, "Expected true, or the reason.", 'For example "waits for #12".')
        return None

    def _matrix(self, keys: TestKeys, place: Origin) -> Mapping[str, tuple[Any, ...]]:
        for name, values in keys.matrix.items():
            if not values:
                message = "Without values the test would never be run."
                self._ledger.add(place.under(name), message, "Write some, or leave it out.")
        if CONNECTION_KEY in keys.matrix:
            self._names(keys.matrix[CONNECTION_KEY], place.under(CONNECTION_KEY))
            if keys.connections:
                message = "The test has 'connections' already."
                self._ledger.add(place.under(CONNECTION_KEY), message, "Keep one of the two.")
        for name in {*keys.matrix} & {*keys.variables}:
            message = f"{name!r} stands in 'matrix' and in 'variables'."
            self._ledger.add(place.under(name), message, "Keep one.")
        return keys.matrix

    def _steps(self, written: Sequence[Any], place: Origin) -> tuple[StepSpec, ...]:
        steps: list[StepSpec] = []
        for index, raw in enumerate(written):
            with self._ledger.at(place.under(index)):
                steps.append(structure_step(raw, self._kinds, place.under(index)))
        return tuple(steps)

    def _checks(
        self, written: Sequence[Any], place: Origin, *, suite_wide: bool = False
    ) -> tuple[CheckSpec, ...]:
        checks: list[CheckSpec] = []
        for index, raw in enumerate(written):
            origin = place.under(index)
            with self._ledger.at(origin):
                checks.append(structure_check(raw, self._kinds, origin, suite_wide=suite_wide))
        return tuple(checks)
