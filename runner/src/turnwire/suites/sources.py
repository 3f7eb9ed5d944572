"""The files that a suite is read from, and everything found wrong in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import Any

import attrs

from turnwire.suites.model import Origin
from turnwire_core import ConfigError, Problem
from turnwire_core.config import Document, Finding, Findings, describe, interpolate, read_document
from turnwire_core.secrets import Secrets


@attrs.frozen
class Source:
    """One file that was read. ``data`` may be a filled copy of what the document holds."""

    document: Document
    data: Any

    @property
    def file(self) -> FilePath:
        """Where it lies."""
        return FilePath(self.document.file)

    def origin(self, *location: str | int) -> Origin:
        """A place in it."""
        return Origin.of(self.document, *location)


class Ledger:
    """Reads files and collects what is wrong, so that a tester hears of everything at once.

    One ledger belongs to one suite: ``secrets`` holds what came from the environment.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.secrets = Secrets()
        self.problems: list[Problem] = []
        self._documents: dict[FilePath, Document] = {}

    def read(self, file: FilePath) -> Document:
        """A file's document, read once.

        Raises:
            ConfigError: it cannot be read, or its syntax is broken.
        """
        key = file.resolve()
        if key not in self._documents:
            self._documents[key] = read_document(file)
        return self._documents[key]

    def fill(self, document: Document, *, raw: frozenset[str] = frozenset()) -> Source:
        """The document with ``${NAME}`` filled, but for the top-level keys in ``raw``."""
        data = document.data
        if not isinstance(data, Mapping):
            hint = "A suite is an object: name, tests and so on."
            self.add(Origin.of(document), f"Expected an object, found {describe(data)}.", hint)
            return Source(document, {})
        own = {key: value for key, value in data.items() if key not in raw}
        filled, findings = interpolate(own, self.environ, self.secrets)
        source = Source(document, {**filled, **{key: data[key] for key in raw if key in data}})
        self.add_findings(source.origin(), findings)
        return source

    def add(self, origin: Origin, message: str, hint: str | None = None) -> None:
        """Note a problem."""
        mask = self.secrets.mask
        self.problems.append(origin.problem(mask(message), mask(hint) if hint else None))

    def add_findings(self, origin: Origin, findings: list[Finding]) -> None:
        """Note findings that are located from ``origin``."""
        for finding in findings:
            self.add(origin.under(*finding.location), finding.message, finding.hint)

    def blames(self, origin: Origin) -> bool:
        """Whether something was found wrong at ``origin`` or inside of it."""
        return any(
            problem.file == origin.file and problem.path.startswith(origin.path)
            for problem in self.problems
        )

    @contextmanager
    def at(self, origin: Origin) -> Iterator[None]:
        """Note what is raised inside as found at ``origin``, and go on after it."""
        try:
            yield
        except Findings as exc:
            self.add_findings(origin, exc.findings)
        except ConfigError as exc:
            self.problems += exc.problems

    def close(self) -> None:
        """Raise what was collected.

        Raises:
            ConfigError: with every problem, each once, in the order of the files.
        """
        if self.problems:
            raise ConfigError(list(dict.fromkeys(self.problems)))
