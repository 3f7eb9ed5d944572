"""``turnwire run``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from turnwire.cli._exit import ExitCode
from turnwire.cli._logs import LOG_FOLDER
from turnwire.cli._options import CliOptions
from turnwire.cli._plan import Choice, Plan, failed_ids, make_plan
from turnwire.cli._recording import record_option, recording, replay_options, replayed
from turnwire.cli._reports import ReportWish, report_option, write_reports
from turnwire.cli._running import backend_option, run
from turnwire.engine import ConnectionSource, RunOutcome, run_cases
from turnwire.kinds import Kinds
from turnwire.reports.model import RunReport
from turnwire.reports.reading import read_report
from turnwire.runlog import RunLog, RunLogError, log_path
from turnwire.view.screen import Screen
from turnwire.view.text import visible
from turnwire.wiring import Wiring
from turnwire_core import ConfigError

if TYPE_CHECKING:
    from turnwire.replaying import Cut, Speed

_JOBS: Final = 4
"""Tests at once, by default: enough to keep a target busy, few enough that its times are its own
and not those of a queue before it."""


@attrs.frozen
class _Manner:
    """In which way the tests are run and told of."""

    log: str
    jobs: int
    fail_fast: bool
    stop_on_misread: bool
    fail_under: float | None
    verbosity: int
    reports: tuple[ReportWish, ...]
    backend: str
    resume: Path | None
    record: str | None
    replay: Path | None
    speed: Speed | None
    cut: Cut | None
    trust_times: bool


@click.command(
    "run",
    epilog="Exit codes: 0 all passed, 1 a check failed, 2 usage or config, 3 the target or a judge "
    "could not be reached or broke, 4 a plugin or Turnwire itself failed, 5 nothing was selected, "
    "130 interrupted. Where several happened: 4 before 2 before 3 before 1.",
)
@click.argument("files", nargs=-1, metavar="[FILE]…")
@click.option(
    "-c",
    "--config",
    metavar="FILE",
    help="The connections. Default: what a suite names, else ./turnwire.{json,yaml,toml}.",
)
@click.option(
    "--connection",
    "connections",
    metavar="NAME",
    multiple=True,
    help="Run over this connection instead of the suite's; may be given again.",
)
@click.option(
    "-k",
    "keyword",
    metavar="EXPR",
    help="Only tests whose id or name has these words: 'refund and not slow'.",
)
@click.option(
    "--tag",
    "tags",
    metavar="EXPR",
    multiple=True,
    help="Only tests with these tags: 'smoke or refund'. Given again, both must hold.",
)
@click.option(
    "--only-failed",
    is_flag=True,
    help="Only tests that did not pass in the last run whose log is in the folder of --log.",
)
@click.option(
    "--failed-in",
    metavar="LOG",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Only tests that did not pass in the run that LOG tells of.",
)
@click.option("--shard", metavar="I/N", help="The I-th of N parts, to share them among machines.")
@click.option("--repeat", type=click.IntRange(min=1), metavar="N", help="Run each test N times.")
@click.option("--seed", type=click.IntRange(min=0), help="Repeats the generated values of a run.")
@click.option(
    "--jobs",
    "-j",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Tests that run at once. Default: {_JOBS}.",
)
@click.option("--fail-fast", is_flag=True, help="Begin no test after one that did not pass.")
@click.option(
    "--stop-on-misread",
    is_flag=True,
    help="Begin no test after a reply that its connection's paths do not fit; without it, that is "
    "only said, at once.",
)
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Let checks fail as long as PERCENT of the judged tests pass. Errors, and checks over a "
    "whole suite, count as ever.",
)
@click.option("--dry-run", is_flag=True, help="Print the ids of the tests; run none.")
@click.option(
    "--log",
    metavar="FILE",
    default=LOG_FOLDER,
    show_default=True,
    help="Where the run log goes; a folder gets a new file in it.",
)
@click.option(
    "--resume",
    metavar="LOG",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Complete the run that LOG tells of: what it finished is not run again.",
)
@record_option
@replay_options
@report_option
@click.option(
    "-v",
    "verbosity",
    count=True,
    help="Show what passed, with its conversation; -vv: the raw bytes, one test at a time.",
)
@backend_option
@click.pass_obj
def run_command(
    options: CliOptions,
    /,
    config: str | None,
    only_failed: bool,
    failed_in: Path | None,
    dry_run: bool,
    jobs: int | None,
    **wishes: Any,
) -> ExitCode:
    """Run the tests of suites, and exit with a code that says what came out.

    FILE is a suite, or a folder with suites in it; by default all *.turnwire.yaml (or .json, .toml)
    below the current folder. Progress and results go to stderr, reports that are asked for to
    their files. Nothing is different on a CI server: what it is to read, ask for with --report.
    """
    choice = Choice(
        files=wishes.pop("files"),
        connections=wishes.pop("connections"),
        keyword=wishes.pop("keyword"),
        tags=wishes.pop("tags"),
        shard=wishes.pop("shard"),
        repeat=wishes.pop("repeat"),
        seed=wishes.pop("seed"),
    )
    _check_replay(wishes)
    manner = _Manner(jobs=_jobs(jobs, wishes["verbosity"]), **wishes)
    if only_failed or failed_in is not None:
        folder = manner.log if Path(manner.log).is_dir() else LOG_FOLDER
        choice = attrs.evolve(choice, only_failed=failed_ids(failed_in, folder))
    kinds = Kinds.installed()
    plan = make_plan(choice, config=config, resume=manner.resume, kinds=kinds)
    for suite in plan.suites:
        options.hide(suite.secrets)
    if dry_run:
        for case in plan.cases:
            click.echo(visible(case.id))
    if not plan.cases:
        click.echo(_nothing(plan), err=True)
        return ExitCode.NOTHING_SELECTED
    if dry_run and plan.problems:
        raise ConfigError(plan.problems)
    for problem in plan.problems:
        click.secho(f"warning: {visible(str(problem))}", err=True, fg="yellow")
    return ExitCode.OK if dry_run else _Run(plan, manner, kinds, options).run()


def _check_replay(wishes: Mapping[str, Any]) -> None:
    if wishes["replay"] is not None and wishes["record"] is not None:
        raise click.UsageError("--record and --replay do not go together: it is recorded already.")
    if wishes["replay"] is None:
        for name in ("trust_times", "speed", "cut"):
            if wishes[name]:
                option = "--trust-replayed-times" if name == "trust_times" else f"--{name}"
                raise click.UsageError(f"{option} is for --replay.")


def _jobs(given: int | None, verbosity: int) -> int:
    if verbosity < 2:
        return given or _JOBS
    if given is not None and given > 1:
        raise click.UsageError("-vv shows one test at a time: leave --jobs away, or say 1.")
    return 1


def _nothing(plan: Plan) -> str:
    if plan.choice.only_failed == frozenset():
        return "Nothing to run: in the run that is named, every test passed."
    tests = sum(len(suite.tests) for suite in plan.suites)
    return f"Nothing to run: none of the {tests} tests was selected."


class _Run:
    """One run of the command."""

    def __init__(self, plan: Plan, manner: _Manner, kinds: Kinds, options: CliOptions) -> None:
        self._plan = plan
        self._manner = manner
        self._kinds = kinds
        self._options = options
        self._fail_under = manner.fail_under
        if self._fail_under is None and plan.progress is not None:
            self._fail_under = plan.progress.started.selection.get("failUnder")
        self._interrupted = False
        self._failure: Exception | None = None
        self._not_run = 0

    def run(self) -> ExitCode:
        """Run, and tell what came of it: whatever happens, as far as it came."""
        path = self._manner.resume or log_path(self._manner.log, "run")
        if path.exists() and not path.is_file():
            # A pipe or a device: nothing can be read from it again.
            raise click.UsageError(f"The log of a run must be a file, unlike {path}.")
        with Screen() as screen:
            self._log_and_run(path, screen)
            report = self._tell(path, screen)
        if self._failure is not None:
            raise self._failure
        if screen.broken:
            raise BrokenPipeError
        return ExitCode.INTERRUPTED if self._interrupted else ExitCode(report.exit_code)

    def _log_and_run(self, path: Path, screen: Screen) -> None:
        plan, manner = self._plan, self._manner
        more = {"failUnder": self._fail_under} if self._fail_under is not None else {}
        wiring_of = recording(manner.record)
        replay = None
        if manner.replay is not None:
            wiring_of, replay = replayed(
                manner.replay, manner.speed, manner.cut, trust_times=manner.trust_times
            )
        with_log = RunLog(
            path,
            command="run",
            config=str(plan.config) if plan.config is not None else None,
            mask=self._options.mask,
            plan=attrs.evolve(plan.for_log(jobs=manner.jobs, more=more), replay=replay),
            resume=manner.resume is not None,
        )
        try:
            with with_log as log, wiring_of as wiring:
                outcome = run(lambda: self._engine(log, screen, wiring), manner.backend)
                self._not_run = len(outcome.not_run)
                log.conclude(outcome.counts, exit_code(outcome, self._fail_under))
        except KeyboardInterrupt:
            self._interrupted = True
        except Exception as exc:  # noqa: BLE001 — raised again, when what there is has been told
            self._failure = exc

    async def _engine(self, log: RunLog, screen: Screen, wiring: Wiring) -> RunOutcome:
        # rich, and what draws with it, only for who runs something.
        from turnwire.cli._watching import TappedSource, Watcher
        from turnwire.view.live import Clock
        from turnwire.view.progress import LineView, RunView, run_view

        plan, manner = self._plan, self._manner
        clock = Clock()
        sources: ConnectionSource
        shown: RunView
        if manner.verbosity > 1:
            sources = TappedSource(screen, clock, config=plan.config)
            # The bytes go past line by line: nothing may be redrawn among them.
            shown = LineView(screen, plan.pending)
        else:
            sources = ConnectionSource(config=plan.config)
            shown = run_view(screen, plan.pending, verbose=manner.verbosity > 0)
        with shown as view:
            watcher = Watcher(
                view, self._options, verbosity=manner.verbosity, clock=clock, screen=screen
            )
            async with sources:
                return await run_cases(
                    plan.cases,
                    sources=sources,
                    kinds=self._kinds,
                    log=log,
                    jobs=manner.jobs,
                    fail_fast=manner.fail_fast,
                    stop_on_misread=manner.stop_on_misread,
                    on_event=watcher,
                    earlier=plan.progress,
                    wiring=wiring,
                )

    def _tell(self, path: Path, screen: Screen) -> RunReport:
        """The end of the run, for people on stderr, and the reports."""
        from turnwire.reports.terminal import render

        try:
            report = read_report(path)
        except RunLogError:
            # What kept the log from being written says more than that it cannot be read.
            raise self._failure or RunLogError(f"The run log {path} was lost.") from None
        screen.note("")
        for line in render(report):
            screen.note(line.text, **line.style)
        if self._not_run:
            options = [
                name
                for name, given in (
                    ("--fail-fast", self._manner.fail_fast),
                    ("--stop-on-misread", self._manner.stop_on_misread),
                )
                if given
            ]
            because = " or ".join(options)
            screen.note(f"{self._not_run} not run, because of {because}.", fg="yellow")
        for suite in self._plan.partial:
            checks = f"{len(suite.checks)} check{'s' if len(suite.checks) != 1 else ''}"
            left_out = f"{visible(suite.name)}: {checks} over the whole suite left out"
            screen.note(f"{left_out}: only a part of its tests was chosen.", fg="yellow")
        screen.note(f"Run log: {visible(str(path))}", dim=True)
        for text in write_reports(report, self._manner.reports):
            screen.line(text.removesuffix("\n"))
        return report


def exit_code(outcome: RunOutcome, fail_under: float | None) -> int:
    """What the command exits with.

    With ``fail_under`` the checks of tests may fail, as long as that share of the tests that were
    judged (passed or failed) passed. It excuses nothing else.
    """
    code = outcome.exit_code
    if code != ExitCode.CHECK_FAILED or fail_under is None:
        return code
    if any(check.counts for check in outcome.suite_checks):
        return code
    passed, failed = outcome.counts["passed"], outcome.counts["failed"]
    # Multiplied, not divided: 70 of 100 are at least 70 percent.
    return ExitCode.OK if passed * 100 >= fail_under * (passed + failed) else code
