"""What ``turnwire run`` is asked to do: which suites, which tests of them, in which way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Any

import attrs
import click

from turnwire.cli._config import CONFIG_NAMES
from turnwire.cli._logs import last_log
from turnwire.engine import ConnectionSource
from turnwire.kinds import Kinds
from turnwire.reports.reading import read_report
from turnwire.runlog import Progress, RunPlan, read_progress
from turnwire.suites.discovery import find_suites
from turnwire.suites.expansion import expand
from turnwire.suites.loading import load_suites
from turnwire.suites.model import Case, Suite
from turnwire.suites.references import check_cases
from turnwire.suites.selection import Selection, Shard
from turnwire_core import ConfigError, Problem
from turnwire_core.config import read_document


@attrs.frozen
class Choice:
    """What the command line chooses: all that a run that is resumed takes from its log."""

    files: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    keyword: str | None = None
    tags: tuple[str, ...] = ()
    only_failed: frozenset[str] | None = None
    shard: str | None = None
    repeat: int | None = None
    seed: int | None = None

    def as_json(self) -> dict[str, Any]:
        """What a log says of it under ``selection``; files and seed have fields of their own."""
        written: dict[str, Any] = {
            "connections": list(self.connections) or None,
            "keyword": self.keyword,
            "tags": list(self.tags) or None,
            "onlyFailed": None if self.only_failed is None else sorted(self.only_failed),
            "shard": self.shard,
            "repeat": self.repeat,
        }
        return {key: value for key, value in written.items() if value is not None}

    @classmethod
    def from_log(cls, progress: Progress) -> Choice:
        """What the run in a log was asked for."""
        started = progress.started
        said: Mapping[str, Any] = started.selection
        failed = said.get("onlyFailed")
        return cls(
            files=tuple(started.suites),
            connections=tuple(said.get("connections", ())),
            keyword=said.get("keyword"),
            tags=tuple(said.get("tags", ())),
            only_failed=None if failed is None else frozenset(failed),
            shard=said.get("shard"),
            repeat=said.get("repeat"),
            seed=started.seed,
        )


@attrs.frozen
class Plan:
    """What is run."""

    suites: Sequence[Suite]
    cases: Sequence[Case]
    choice: Choice
    seed: int
    config: Path | None
    """The file that ``--config`` names. One that is found is the ``config`` of the suites that
    name none."""
    progress: Progress | None = None
    """How far the run had come that is resumed."""
    partial: Sequence[Suite] = ()
    """Suites with checks over all their tests, of which only some are run: these checks are left
    out. A percentile of some of the turns is another number, and too few turns would be an error
    of whoever ran one test."""

    problems: Sequence[Problem] = ()
    """Connections and variables that the chosen tests name and nobody knows. Each is the error of
    its tests, and keeps no other from running; said before the rest is paid for."""

    @property
    def pending(self) -> int:
        """How many tests are still to be run."""
        finished = self.progress.finished if self.progress is not None else {}
        return sum(case.id not in finished for case in self.cases)

    def for_log(self, *, jobs: int, more: Mapping[str, Any]) -> RunPlan:
        """What the first entry of the log says of it."""
        return RunPlan(
            suites=[str(suite.file) for suite in self.suites],
            seed=self.seed,
            jobs=jobs,
            selection={**self.choice.as_json(), **more},
        )


def make_plan(choice: Choice, *, config: str | None, resume: Path | None, kinds: Kinds) -> Plan:
    """Load the suites, make their cases, and select.

    Raises:
        ConfigError: with every problem of every file.
        click.UsageError: options that do not go together.
        PluginError: a kind is of a plugin that does not work.
        RunLogError: the log that is to be resumed cannot be.
    """
    progress, now = None, datetime.now(UTC)
    if resume is not None:
        if choice != Choice():
            raise click.UsageError(
                "--resume goes on with the suites, the tests and the seed that LOG tells of: "
                "name no others with it."
            )
        progress = read_progress(resume)
        choice = Choice.from_log(progress)
        config = config if config is not None else progress.started.config
        now = datetime.fromisoformat(progress.started.started)
    seed = choice.seed if choice.seed is not None else SystemRandom().getrandbits(32)
    # Before the suites: a mistyped option is not to be found after a screen of other problems.
    selection = Selection(
        keyword=choice.keyword,
        tags=choice.tags,
        only_failed_ids=choice.only_failed,
        shard=Shard.parse(choice.shard) if choice.shard is not None else None,
    )
    files = find_suites(choice.files)
    if not files:
        raise click.UsageError(
            "There are no suites here. Their names end in .turnwire.yaml (or .json, .toml); name "
            "one, or a folder."
        )
    suites = _with_config(load_suites(files, kinds), given=config)
    _check_configs(suites, config)
    cases: list[Case] = []
    problems: list[Problem] = []
    for suite in suites:
        try:
            cases += expand(
                suite,
                connections=choice.connections or None,
                repeat=choice.repeat,
                seed=seed,
                now=now,
            )
        except ConfigError as exc:
            problems += exc.problems
    if problems:
        raise ConfigError(problems)
    chosen, partial = _without_partial_checks(selection.apply(cases), cases)
    return Plan(
        suites=suites,
        cases=chosen,
        partial=partial,
        choice=choice,
        seed=seed,
        config=Path(config) if config is not None else None,
        progress=progress,
        problems=_unknown_references(chosen, config),
    )


def _without_partial_checks(
    chosen: Sequence[Case], cases: Sequence[Case]
) -> tuple[Sequence[Case], Sequence[Suite]]:
    """The chosen cases, and the suites whose own checks they have no more: see ``Plan.partial``."""
    counts, wanted = (Counter(id(case.suite) for case in some) for some in (chosen, cases))
    suites = {id(case.suite): case.suite for case in chosen if case.suite.checks}
    partial = {key: one for key, one in suites.items() if counts[key] < wanted[key]}
    # One for all cases of a suite: connections and fixtures go by its identity.
    bare = {key: attrs.evolve(suite, checks=()) for key, suite in partial.items()}
    changed = [
        attrs.evolve(case, suite=bare[id(case.suite)]) if id(case.suite) in bare else case
        for case in chosen
    ]
    return changed, list(partial.values())


def failed_ids(log: Path | None, folder: str) -> frozenset[str]:
    """The tests of an earlier run that did not pass, those that it did not finish among them.

    Raises:
        click.UsageError: there is no earlier run.
        RunLogError: its log cannot be read.
    """
    return frozenset(case.id for case in read_report(log or last_log(folder)).not_passed)


def _with_config(suites: Sequence[Suite], *, given: str | None) -> Sequence[Suite]:
    """The suites; those that name no config file with the one in the current folder."""
    if given is not None or all(suite.config is not None for suite in suites):
        return suites
    found = [name for name in CONFIG_NAMES if Path(name).is_file()]
    if len(found) > 1:
        raise click.UsageError(f"There are {' and '.join(found)}. Name one with --config.")
    if not found:
        return suites
    return [
        suite if suite.config is not None else attrs.evolve(suite, config=Path(found[0]))
        for suite in suites
    ]


def _unknown_references(cases: Sequence[Case], given: str | None) -> list[Problem]:
    """Connections and variables that the tests name and nobody knows."""
    sources = ConnectionSource(config=Path(given) if given is not None else None)
    problems: list[Problem] = []
    for suite in {id(case.suite): case.suite for case in cases}.values():
        # What a connection's replies bring is left open: loading it is the business of its tests.
        known = dict.fromkeys(sources.names(suite))
        problems += check_cases([case for case in cases if case.suite is suite], known)
    return problems


def _check_configs(suites: Sequence[Suite], given: str | None) -> None:
    """That each config file can be read at all, before anything is run."""
    files = {suite.config for suite in suites if suite.config is not None}
    if given is not None:
        files.add(Path(given))
    problems: list[Problem] = []
    for file in sorted(files):
        try:
            read_document(file)
        except ConfigError as exc:
            problems += exc.problems
    if problems:
        raise ConfigError(problems)
