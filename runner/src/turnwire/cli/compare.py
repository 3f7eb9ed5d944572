"""``turnwire compare``."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click

from turnwire.cli._exit import ExitCode
from turnwire.cli._logs import last_log
from turnwire.comparing import Bounds, compare
from turnwire.comparing.model import Comparison
from turnwire.reports.reading import read_report
from turnwire.view.screen import Screen

_MODULES: Final = {
    "text": "turnwire.comparing.terminal",
    "json": "turnwire.comparing.json_",
    "markdown": "turnwire.comparing.markdown",
}
"""By format; imported when it is wanted: rich draws tables, and only for who looks."""
_REASONS: Final = ("any", "broke", "slower", "never")


@click.command(
    "compare",
    epilog="Exit codes: 0 nothing broke and nothing is slower beyond noise, 1 something did or is, "
    "2 a log cannot be read, 5 no test is in both runs.",
)
@click.argument("before")
@click.argument("after")
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(_MODULES)),
    default="text",
    show_default=True,
    help="How it is printed.",
)
@click.option(
    "--fail-on",
    type=click.Choice(_REASONS),
    default="any",
    show_default=True,
    help="What makes the exit code 1.",
)
@click.option(
    "--confidence",
    metavar="PERCENT",
    type=click.FloatRange(50, 99.9),
    default=95.0,
    show_default=True,
    help="Of all intervals together.",
)
@click.option(
    "--min-percent",
    metavar="PERCENT",
    type=click.FloatRange(min=0),
    default=5.0,
    show_default=True,
    help="A change must be at least so large a share of what was before.",
)
@click.option(
    "--min-ms",
    metavar="MS",
    type=click.FloatRange(min=0),
    default=5.0,
    show_default=True,
    help="A change of a time must be at least so many milliseconds.",
)
@click.option(
    "--min-conversations",
    metavar="N",
    type=click.IntRange(min=2),
    default=10,
    show_default=True,
    help="Say nothing of times that fewer conversations have in both runs.",
)
@click.option(
    "--with-spoilt",
    is_flag=True,
    help="Take in replies whose times the machine that measured may have spoilt.",
)
@click.option(
    "--with-replayed",
    is_flag=True,
    help="Compare times also where recordings answered in place of a target.",
)
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    help="Show what is new or gone, and all counts, too.",
)
def compare_command(
    before: str, after: str, format_: str, fail_on: str, verbose: bool, **wishes: Any
) -> int:
    """Compare the runs that two logs tell of: what broke, what was mended, what became slower.

    BEFORE and AFTER are run logs, or folders, each of which stands for the newest log of
    `turnwire run` in it. Tests are paired by id, turns by their order. A time counts as changed
    only beyond noise: its bootstrap interval excludes zero, and the change is large enough to
    matter. Repetitions (`turnwire run --repeat 10`) make the intervals narrow.
    """
    reports = [
        read_report(last_log(name) if Path(name).is_dir() else name) for name in (before, after)
    ]
    bounds = Bounds(confidence=wishes.pop("confidence") / 100, **wishes)
    found = compare(reports[0], reports[1], names=(before, after), bounds=bounds)
    with Screen() as screen:
        _show(found, format_, screen, verbose=verbose)
    if screen.broken:
        raise BrokenPipeError
    return _exit_code(found, fail_on)


def _show(found: Comparison, format_: str, screen: Screen, *, verbose: bool) -> None:
    render = import_module(_MODULES[format_]).render
    if format_ == "text":
        for line in render(found, verbose=verbose):
            screen.line(line.text, **line.style)
    else:
        screen.line(render(found).removesuffix("\n"))


def _exit_code(found: Comparison, fail_on: str) -> ExitCode:
    if not found.paired:
        return ExitCode.NOTHING_SELECTED
    failed = {
        "any": found.broke or found.slower,
        "broke": found.broke,
        "slower": found.slower,
        "never": False,
    }
    return ExitCode.CHECK_FAILED if failed[fail_on] else ExitCode.OK
