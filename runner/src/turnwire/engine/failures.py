"""What an exception in a test means: one table."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import attrs

from turnwire.checks.contract import CheckError, FailureKind
from turnwire.steps.contract import StepError
from turnwire_core import ConfigError, DriverError, PluginError


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
            return Failure(exc.kind, mask(str(exc)), _trace(exc, mask) if shown else None)
        case ConfigError():
            return Failure("config", mask(str(exc)))
        case PluginError():
            return Failure("plugin", mask(str(exc)), _trace(exc, mask))
        case DriverError():
            return Failure("transport", mask(str(exc)))
    what = f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
    return Failure("plugin", mask(f"Failed unexpectedly: {what}"), _trace(exc, mask))


def _trace(exc: BaseException, mask: Callable[[str], str]) -> str:
    return mask("".join(traceback.format_exception(exc)))
