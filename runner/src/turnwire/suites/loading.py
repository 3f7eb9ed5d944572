"""From a file to a suite: read it in its format, follow its references, report all problems."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath

from turnwire.kinds import Kinds
from turnwire.suites import lamdis
from turnwire.suites.model import Suite
from turnwire.suites.native import read_suite
from turnwire.suites.references import check_references
from turnwire.suites.sources import Ledger
from turnwire_core import ConfigError, Problem


def load_suite(
    file: FilePath, kinds: Kinds | None = None, *, environ: Mapping[str, str] | None = None
) -> Suite:
    """Load a suite: one of our own, or a file of lamdis-runs, recognised by what is in it.

    Raises:
        ConfigError: with every problem that the file and what it imports have.
        PluginError: a kind in it is claimed twice, or unknown while a plugin is broken.
    """
    kinds = Kinds.installed() if kinds is None else kinds
    ledger = Ledger(os.environ if environ is None else environ)
    document = ledger.read(FilePath(file))
    read = lamdis.read_suite if lamdis.is_lamdis(document.data) else read_suite
    draft = read(document, ledger, kinds)
    suite = check_references(draft, ledger) if draft is not None else None
    ledger.close()
    if suite is None:  # nothing is made of a file only where something is wrong with it
        raise ConfigError([Problem("This is no suite.", file=str(file))])
    return suite


def load_suites(
    files: Iterable[FilePath],
    kinds: Kinds | None = None,
    *,
    environ: Mapping[str, str] | None = None,
) -> list[Suite]:
    """Load several suites. Their names must differ: they begin the ids of the cases.

    Raises:
        ConfigError: with every problem of every file.
        PluginError: see :func:`load_suite`.
    """
    suites: list[Suite] = []
    problems: list[Problem] = []
    by_name: dict[str, Suite] = {}
    for file in files:
        try:
            suite = load_suite(file, kinds, environ=environ)
        except ConfigError as exc:
            problems += exc.problems
            continue
        other = by_name.setdefault(suite.name, suite)
        if other is not suite:
            message = f"{other.file} is a suite named {suite.name!r} too."
            hint = "Give one of them another 'name': it begins the ids of the tests."
            problems.append(Problem(message, path="$.name", hint=hint, file=str(file)))
        suites.append(suite)
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return suites
