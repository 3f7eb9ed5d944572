"""The hooks of a plugin for the runner: more kinds of checks and of steps.

A plugin is a module with functions that carry ``turnwire_core.hookimpl``, found by its entry point
in the group ``turnwire.runner``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

from turnwire_core.hookspecs import PROJECT

if TYPE_CHECKING:
    from turnwire.checks.contract import Check
    from turnwire.steps.contract import Step

ENTRY_POINT_GROUP = "turnwire.runner"

_hookspec = pluggy.HookspecMarker(PROJECT)


class RunnerHooks:
    """What a runner plugin may implement."""

    @_hookspec
    def turnwire_checks(self) -> Sequence[Check]:  # type: ignore[empty-body] # a specification
        """Further kinds of checks. A kind that exists already is an error."""

    @_hookspec
    def turnwire_steps(self) -> Sequence[Step]:  # type: ignore[empty-body] # a specification
        """Further kinds of steps. A kind that exists already is an error."""
