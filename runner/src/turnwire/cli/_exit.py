"""Exit codes, and the one place that says which error becomes which code.

Scripts and CI jobs branch on these numbers: they are part of the public interface.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from enum import IntEnum


class ExitCode(IntEnum):
    """What a ``turnwire`` command tells the shell."""

    OK = 0
    """Everything passed."""
    CHECK_FAILED = 1
    """The target answered, and a check did not hold."""
    USAGE = 2
    """The command line or a config file is wrong."""
    TARGET = 3
    """The target could not be reached, or broke."""
    INTERNAL = 4
    """A plugin or Turnwire itself failed."""
    NOTHING_SELECTED = 5
    """No test matched what was asked for."""
    INTERRUPTED = 130
    """Ctrl-C: 128 + SIGINT, as a shell has it."""
    PIPE_CLOSED = 141
    """The reader of our output went away: 128 + SIGPIPE, as a shell has it."""


def exit_code_for(error: BaseException) -> ExitCode:
    """The exit code of an error that reached the top of a command."""
    from turnwire.runlog import RunLogError, RunLogIncomplete
    from turnwire.wiring import RecordingError, RecordingIncomplete
    from turnwire_core.errors import ConfigError, DriverError

    match error:
        case RunLogIncomplete() | RecordingIncomplete():
            return ExitCode.INTERNAL
        case ConfigError() | RunLogError() | RecordingError():
            return ExitCode.USAGE
        case DriverError():
            return ExitCode.TARGET
        case KeyboardInterrupt():
            return ExitCode.INTERRUPTED
        case BrokenPipeError():
            return ExitCode.PIPE_CLOSED
        case _:
            # A PluginError, a TurnwireError of our own, or something that should not happen.
            return ExitCode.INTERNAL


def describe(error: Exception) -> str:
    """What to tell the user about an error, in words and on lines of its own."""
    from turnwire.view.text import visible
    from turnwire_core.errors import ConfigError, TurnwireError

    if isinstance(error, ConfigError):
        found = len(error.problems)
        head = f"{found} problem{'s' if found != 1 else ''} in the configuration:"
        return "\n".join([head, *(f"  {visible(str(problem))}" for problem in error.problems)])
    if isinstance(error, TurnwireError):
        return visible(str(error), lines=True)
    what = visible(f"{type(error).__name__}: {error}")
    return (
        f"Turnwire failed unexpectedly: {what}. Please report it{_where_to_report()}; "
        "`turnwire --traceback …` shows where it arose."
    )


def _where_to_report() -> str:
    """`` at URL``, as the installed distribution names it."""
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        urls = metadata("turnwire").get_all("Project-URL") or []
    except PackageNotFoundError:
        urls = []
    for entry in urls:
        label, _, url = entry.partition(",")
        if label.strip().lower() == "issues":
            return f" at {url.strip()}"
    return ""


def report(error: Exception, *, with_traceback: bool, mask: Callable[[str], str]) -> ExitCode:
    """Say on stderr what happened, masked, and return the exit code."""
    from turnwire.view.text import quiet, visible

    if with_traceback:
        trace = "".join(traceback.format_exception(error))
        shown = quiet(visible(mask(trace), lines=True))
        print(shown, end="", file=sys.stderr)  # noqa: T201 — stderr
    print(f"Error: {quiet(mask(describe(error)))}", file=sys.stderr)  # noqa: T201 — our own output
    return exit_code_for(error)
