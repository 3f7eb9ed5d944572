"""A run of tests while it goes on: a live view on a terminal, plain lines elsewhere.

Both are told of the same things and know nothing of the engine. No call waits for a terminal: a
slow one would stand in the times that are being measured.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

import attrs

from turnwire.view.screen import Screen
from turnwire.view.text import visible

COLOURS: Final = {"passed": "green", "failed": "red", "error": "magenta", "skipped": "yellow"}


@attrs.frozen
class Finished:
    """How a test came out, in words that are masked and not yet safe to show."""

    id: str
    status: str
    failure: str | None
    duration_ms: float
    reason: str = ""
    details: Sequence[str] = ()
    """Lines to show below it, safe already."""


class RunView:
    """What is told of a run; this one shows nothing. Use as a context manager.

    Texts must be masked.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave nothing on the terminal that was only for the time of the run."""

    def started(self, test: str) -> None:
        """A test begins."""

    def turn_started(self, test: str, turn: int) -> None:
        """A turn begins; ``turn`` counts from 0."""

    def chunk(self, test: str, text: str, *, received_ns: int, replaces: bool) -> None:
        """Text of the reply arrived."""

    def turn_finished(
        self, test: str, *, first_token_ms: float | None, latency_ms: float | None
    ) -> None:
        """The turn is over."""

    def misread(self, what: str, hints: Sequence[str]) -> None:
        """The replies of a connection are not read as was meant: to be said at once."""

    def finished(self, test: Finished) -> None:
        """A test is over."""


def run_view(screen: Screen, total: int, *, verbose: bool) -> RunView:
    """The live view if stderr is a terminal that can move its cursor, else plain lines.

    With ``verbose`` the live view keeps a line of each test that passed, too.
    """
    dumb = os.environ.get("TERM") in ("dumb", "unknown")
    if sys.stderr.isatty() and not dumb and not os.environ.get("CI"):
        # rich takes a third of what all else takes that is imported before a test can begin.
        from turnwire.view.dashboard import LiveView, stderr_console

        return LiveView(stderr_console(), total, verbose=verbose)
    return LineView(screen, total)


class LineView(RunView):
    """One line for each test that is finished: for CI, pipes and terminals that only print."""

    def __init__(self, screen: Screen, total: int) -> None:
        self._screen = screen
        self._total = total
        self._done = 0

    def misread(self, what: str, hints: Sequence[str]) -> None:
        for line in misread_lines(what, hints):
            self._screen.note(line, fg="yellow")

    def finished(self, test: Finished) -> None:
        self._done += 1
        self._screen.note(
            f"[{self._done}/{self._total}] {headline(test)}", fg=COLOURS.get(test.status)
        )
        for line in test.details:
            self._screen.note(line)


def misread_lines(what: str, hints: Sequence[str]) -> list[str]:
    """The lines of it, safe to show."""
    return [visible(f"warning: {what}"), *(f"  {visible(hint)}" for hint in hints)]


def headline(test: Finished) -> str:
    """A test and how it came out, in one line."""
    kind = f" ({test.failure})" if test.status == "error" and test.failure else ""
    line = f"{test.status}{kind} {visible(test.id)} {test.duration_ms / 1000:.2f} s"
    return f"{line}  {visible(test.reason)}" if test.reason else line
