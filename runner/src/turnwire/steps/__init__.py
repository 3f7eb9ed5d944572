"""The kinds of steps that Turnwire brings, one a module."""

from __future__ import annotations

from typing import Final

from turnwire.steps.check import CheckStep
from turnwire.steps.contract import RunningTest, Step, StepError
from turnwire.steps.extract import ExtractStep
from turnwire.steps.message import MessageStep
from turnwire.steps.request import RequestStep
from turnwire.steps.user_objective import UserObjectiveStep

BUILT_IN: Final[tuple[Step, ...]] = (
    MessageStep(),
    RequestStep(),
    CheckStep(),
    ExtractStep(),
    UserObjectiveStep(),
)
"""One of each kind."""

__all__ = ["BUILT_IN", "RunningTest", "Step", "StepError"]
