"""``turnwire report``."""

from __future__ import annotations

from pathlib import Path

import click

from turnwire.cli._exit import ExitCode
from turnwire.cli._logs import LOG_FOLDER, last_log
from turnwire.cli._reports import ReportWish, report_option, write_reports
from turnwire.reports.reading import read_report
from turnwire.view.screen import Screen


@click.command(
    epilog="A log that was cut off, or whose run still goes on, is reported as far as it came: the "
    "tests that never ended are listed, and the exit code is 130.",
)
@click.argument("log", required=False)
@report_option
@click.option("-v", "--verbose", is_flag=True, help="Show what passed, too.")
@click.option(
    "--no-exit-code",
    is_flag=True,
    help="Exit with 0 whatever came out, as long as the log can be read.",
)
def report(
    log: str | None, reports: tuple[ReportWish, ...], verbose: bool, no_exit_code: bool
) -> int:
    """Report the run that LOG tells of. Exits with the code that the run had.

    LOG is the file of a run log, or a folder, which stands for the newest log of `turnwire run` in
    it; by default runs/. Without --report, what came out is printed for a person to read.
    """
    # rich, and what draws with it, only for who looks.
    from turnwire.reports.terminal import render

    path = Path(log or LOG_FOLDER)
    found = read_report(last_log(str(path)) if log is None or path.is_dir() else path)
    with Screen() as screen:
        if reports:
            for text in write_reports(found, reports):
                screen.line(text.removesuffix("\n"))
        else:
            for line in render(found, verbose=verbose):
                screen.line(line.text, **line.style)
    if screen.broken:
        raise BrokenPipeError
    return ExitCode.OK if no_exit_code else found.exit_code
