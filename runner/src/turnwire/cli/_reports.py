"""The option ``--report``, and what comes of it: a report in each format that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import click

from turnwire.reports import FORMATS, Format
from turnwire.reports.files import write_report
from turnwire.reports.model import RunReport
from turnwire_core.config import nearest

_STDOUT: Final = "-"


@attrs.frozen
class ReportWish:
    """A format, and where its report goes."""

    format: Format
    file: str

    @property
    def is_stdout(self) -> bool:
        """Whether it goes to stdout."""
        return self.file == _STDOUT


def _wishes(
    ctx: click.Context,  # noqa: ARG001 — click's signature
    param: click.Parameter,  # noqa: ARG001
    values: tuple[str, ...],
) -> tuple[ReportWish, ...]:
    wishes = []
    for value in values:
        name, separator, file = value.partition("=")
        format_ = FORMATS.get(name)
        if format_ is None:
            hint = nearest(name, list(FORMATS))
            raise click.BadParameter(
                f"There is no format {name!r}. {hint} There are: {', '.join(FORMATS)}."
            )
        if separator and not file:
            raise click.BadParameter(f"{value!r} names no file. Write {name} or {name}=FILE.")
        wishes.append(ReportWish(format_, file or format_.default_file))
    files = [wish.file for wish in wishes]
    twice = next((file for file in files if files.count(file) > 1), None)
    if twice is not None:
        where = "stdout" if twice == _STDOUT else twice
        raise click.BadParameter(f"Two reports would go to {where}. Name a file for one of them.")
    return tuple(wishes)


report_option: Callable[[Any], Any] = click.option(
    "--report",
    "reports",
    metavar="FORMAT[=FILE]",
    multiple=True,
    callback=_wishes,
    help="Write a report: "
    + ", ".join(
        name if one.default_file == _STDOUT else f"{name} ({one.default_file})"
        for name, one in FORMATS.items()
    )
    + ". '-' is stdout, the default of github. May be given again.",
)


def write_reports(report: RunReport, wishes: Sequence[ReportWish]) -> list[str]:
    """Write the reports to their files; returns those that go to stdout.

    Raises:
        ReportError: one cannot be written; those before it are.
    """
    texts = []
    for wish in wishes:
        text = wish.format.render(report)
        if wish.is_stdout:
            texts.append(text)
        else:
            write_report(Path(wish.file), text)
    return texts
