"""What an exception in a test means: one table."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from pathlib import Path

import anyio
import attrs

import turnwire
import turnwire_core
from turnwire.checks.contract import CheckError, FailureKind
from turnwire.steps.contract import StepError
from turnwire.wiring import RecordingError
from turnwire_core import ConfigError, DriverError, PluginError

_OURS = tuple(
    str(Path(package.__file__ or "").parent) + os.sep
    for package in (turnwire, turnwire_core, anyio)
)


@attrs.frozen
class Failure:
    """Why a test ended early. Masked."""

    kind: FailureKind
    message: str
    traceback: str | None = None
    """Where it arose, if nobody raised it on purpose."""


def failure_of(exc: BaseException, mask: Callable[[str], str]) -> Failure:
    """The failure that an exception stands for; one that nobody expected is a plugin's, or ours."""
    match exc:
        case StepError() | CheckError():
            # Raised from something foreign, it is the wrapping of what went wrong in a plugin.
            shown = exc.kind == "plugin" and exc.__cause__ is not None
            return Failure(exc.kind, mask(str(exc)), _foreign(exc, mask) if shown else None)
        case ConfigError() | RecordingError():
            return Failure("config", mask(str(exc)))
        case PluginError():
            return Failure("plugin", mask(str(exc)), _trace(exc, mask))
        case DriverError():
            return Failure("transport", mask(str(exc)))
    what = f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
    return Failure("plugin", mask(f"Failed unexpectedly: {what}"), _trace(exc, mask))


def _foreign(exc: BaseException, mask: Callable[[str], str]) -> str:
    """Of what foreign code raised, its own frames: how we came to call it is no help to anybody."""
    shown = traceback.TracebackException.from_exception(exc.__cause__ or exc)
    theirs = [frame for frame in shown.stack if not frame.filename.startswith(_OURS)]
    shown.stack = traceback.StackSummary.from_list(theirs or shown.stack)
    return mask("".join(shown.format(chain=False)))


def _trace(exc: BaseException, mask: Callable[[str], str]) -> str:
    return mask("".join(traceback.format_exception(exc)))
