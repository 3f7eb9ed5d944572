"""What a run log knows of a run that is to go on: the tests that are finished, and their turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from turnwire.runlog.entries import (
    AssistantReply,
    ConnectionOpened,
    Entry,
    RunStarted,
    TestFinished,
    TestStarted,
    UserMessage,
    camel,
)
from turnwire.runlog.reader import read_log
from turnwire.runlog.writer import RunLogError
from turnwire_core import Metrics, Phase, Reply, Verdict


@attrs.frozen
class FinishedTest:
    """A test that is finished, however it came out. Its texts are masked."""

    entry: TestFinished
    turns: Sequence[tuple[str, Reply]] = ()
    """Message and reply, of its conversation with the target."""


@attrs.frozen
class Progress:
    """How far a run has come.

    ``started`` is the first entry of the log: the seed and the selection to go on with.
    """

    started: RunStarted
    finished: Mapping[str, FinishedTest]
    """By the id of the case. Of several ends of one, the last counts."""


def read_progress(path: Path | str) -> Progress:
    """How far the run in a log has come. A test that was interrupted is not finished.

    Raises:
        RunLogError: the file cannot be read, is no run log, or no log of ``turnwire run``.
    """
    started: RunStarted | None = None
    reading = _Reading()
    for entry in read_log(path):
        if started is None and isinstance(entry, RunStarted):
            started = entry
        reading.take(entry)
    if started is None:
        raise RunLogError(f"Cannot resume the run log {path}: it is empty.")
    if started.command != "run":
        raise RunLogError(
            f"Cannot resume the run log {path}: it is one of `turnwire {started.command}`, "
            "which runs no tests."
        )
    return Progress(started, reading.finished)


class _Reading:
    """Takes the entries in the order of the file."""

    def __init__(self) -> None:
        self.finished: dict[str, FinishedTest] = {}
        self._targets: set[tuple[str, str]] = set()
        self._messages: dict[tuple[str, str, int], str] = {}
        self._turns: dict[str, list[tuple[str, Reply]]] = {}

    def take(self, entry: Entry) -> None:
        match entry:
            case TestStarted():
                self._turns[entry.test] = []
            case ConnectionOpened(role="target"):
                self._targets.add((entry.run, entry.conversation))
            case UserMessage():
                key = (entry.run, entry.conversation, entry.turn)
                self._messages[key] = entry.content
            case AssistantReply() if entry.test is not None:
                message = self._messages.pop((entry.run, entry.conversation, entry.turn), "")
                if (entry.run, entry.conversation) in self._targets:
                    turns = self._turns.setdefault(entry.test, [])
                    turns.append((message, reply_from(entry)))
            case TestFinished():
                turns = self._turns.pop(entry.test, [])
                self.finished[entry.test] = FinishedTest(entry, tuple(turns))


def reply_from(entry: AssistantReply) -> Reply:
    """The reply that an entry tells of, with what a log keeps of it.

    Raises:
        RunLogError: its verdict or its phase is none that there is.
    """
    try:
        verdict = Verdict(entry.verdict)
        phase = Phase(entry.phase) if entry.phase is not None else None
    except ValueError as exc:
        raise RunLogError(f"Cannot read a reply of the run log: {exc}.") from exc
    return Reply(
        content=entry.content,
        verdict=verdict,
        metrics=_metrics_from(entry.metrics),
        ok=entry.ok,
        error=entry.error,
        phase=phase,
        hints=tuple(entry.hints),
        usage=entry.usage,
        captured=dict(entry.captured),
    )


def _metrics_from(written: Mapping[str, Any]) -> Metrics:
    known = {field.name: camel(field.name) for field in attrs.fields(Metrics)}
    values = {name: written[key] for name, key in known.items() if key in written}
    counts = {"duration_ms": 0.0, "stream_chunks": 0, "events": 0, "network_reads": 0}
    return Metrics(**{**counts, "characters": 0, **values})
