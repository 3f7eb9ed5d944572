"""``check``: a step that only checks."""

from __future__ import annotations

from typing import Any

from turnwire.steps.contract import RunningTest, Step


class CheckStep(Step):
    """Its value is a check or a list of them; they become the step's own ``checks``.

    So there is nothing left to do but what the engine does after every step.
    """

    kind = "check"
    doc = "Only check: one check, or a list of them."

    async def run(self, options: Any, test: RunningTest) -> None:
        """Nothing: the engine evaluates a step's checks after it."""
