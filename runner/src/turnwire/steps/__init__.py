"""The kinds of steps that Turnwire brings, one a module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from turnwire.steps.contract import RunningTest, Step, StepError

BUILT_IN: Final[Mapping[str, str]] = {
    "message": "turnwire.steps.message:MessageStep",
    "request": "turnwire.steps.request:RequestStep",
    "check": "turnwire.steps.check:CheckStep",
    "extract": "turnwire.steps.extract:ExtractStep",
    "user_objective": "turnwire.steps.user_objective:UserObjectiveStep",
}
"""Where the class of each kind is; :class:`~turnwire.kinds.Kinds` imports it when it is used."""

__all__ = ["BUILT_IN", "RunningTest", "Step", "StepError"]
