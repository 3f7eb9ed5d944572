"""Reports of a run, each made from its log and from nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

import attrs

__all__ = ["FORMATS", "Format"]


@attrs.frozen
class Format:
    """One format of reports. Its module is imported when it is rendered."""

    name: str
    module: str
    default_file: str
    """Where it goes when no file is named; ``-`` is stdout."""

    def render(self, report: Any) -> str:
        """The text of the report of a :class:`~turnwire.reports.model.RunReport`."""
        function: Callable[[Any], str] = import_module(self.module).render
        return function(report)


FORMATS: Final[Mapping[str, Format]] = {
    one.name: one
    for one in (
        Format("json", "turnwire.reports.json_", "turnwire-report.json"),
        Format("junit", "turnwire.reports.junit", "turnwire-junit.xml"),
        Format("markdown", "turnwire.reports.markdown", "turnwire-report.md"),
        # The runner of GitHub reads its commands from the output of a step.
        Format("github", "turnwire.reports.github", "-"),
        Format("csv", "turnwire.reports.csv_", "turnwire-turns.csv"),
    )
}
"""By the name that the command line has for it."""
