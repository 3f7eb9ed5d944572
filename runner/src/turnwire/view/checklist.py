"""A probe as a person reads it: a line for each step, and below it what to look at."""

from __future__ import annotations

from typing import Any, Final

from turnwire.probing.facts import ProbeResult, Step, StepName, StepStatus
from turnwire.view.screen import Screen
from turnwire.view.text import json_line, quiet, visible

_NAME_WIDTH: Final = max(len(name) for name in StepName)
_STATUS_WIDTH: Final = max(len(status) for status in StepStatus)
_COLOURS: Final = {
    StepStatus.OK: "green",
    StepStatus.WARN: "yellow",
    StepStatus.FAILED: "red",
}


class Checklist:
    """Shows steps as they are done."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def show(self, step: Step) -> None:
        """One step, on stdout."""
        style = {"fg": _COLOURS[step.status]} if step.status in _COLOURS else {"dim": True}
        first, *rest = step_lines(step)
        self._screen.line(first, **style)
        for line in rest:
            self._screen.line(line)

    def conclude(self, result: ProbeResult) -> None:
        """What came of all of them, on stderr."""
        self._screen.note(verdict_of(result), fg="red" if result.failed else "green")


def step_lines(step: Step) -> list[str]:
    """The lines of one step, safe to show."""
    time = f"{step.time_ms:9.1f} ms" if step.time_ms is not None else " " * 12
    title = step.name.replace("_", " ")
    head = f"{title:<{_NAME_WIDTH}}  {step.status.value:<{_STATUS_WIDTH}} {time}  {step.found}"
    lines = [quiet(visible(head.rstrip()))]
    for label, text in (("cause", step.cause), ("fix", step.fix)):
        if text:
            lines.append(f"    {label + ':':<6} {quiet(visible(text))}")
    return lines


def verdict_of(result: ProbeResult) -> str:
    """In one sentence, what came of it."""
    if (failed := result.failed) is not None:
        return f"It ends at: {failed.name.replace('_', ' ')}."
    warned = [
        step.name.replace("_", " ") for step in result.steps if step.status is StepStatus.WARN
    ]
    return f"It works; look at: {', '.join(warned)}." if warned else "It works."


def result_as_json(result: ProbeResult) -> str:
    """The result as one line of JSON."""
    data: dict[str, Any] = {
        "type": "probe",
        "connection": result.connection,
        "protocol": result.protocol,
        "origin": result.origin,
        "ok": result.failed is None,
        "failedAt": result.failed.name.value if result.failed else None,
        "steps": [_step_as_json(step) for step in result.steps],
    }
    return json_line(data)


def _step_as_json(step: Step) -> dict[str, Any]:
    time_ms = round(step.time_ms, 3) if step.time_ms is not None else None
    return {
        "name": step.name.value,
        "status": step.status.value,
        "timeMs": time_ms,
        "found": step.found,
        "cause": step.cause,
        "fix": step.fix,
        "fault": step.fault.value if step.fault else None,
        "facts": dict(step.facts),
    }
