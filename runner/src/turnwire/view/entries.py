"""The entries of a run log as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import attrs

from turnwire.reports.text import milliseconds, one_line, seconds
from turnwire.runlog.entries import (
    AssistantReply,
    AttemptFailed,
    CheckEvaluated,
    ConnectionClosed,
    ConnectionOpened,
    Entry,
    HttpRequest,
    RunFinished,
    RunStarted,
    StreamChunk,
    TestFinished,
    TestStarted,
    UserMessage,
)
from turnwire.view.text import json_line, quiet

_COLOURS: Final = {"passed": "green", "failed": "red", "error": "magenta", "skipped": "yellow"}


@attrs.frozen
class EntryLine:
    """A line, safe to show, with the style that it may have."""

    text: str
    style: dict[str, Any] = attrs.field(factory=dict)


class EntryView:
    """What is shown of each entry: results; with ``-v`` what led to them; with ``-vv`` the rest."""

    def __init__(self, verbosity: int) -> None:
        self._verbosity = verbosity
        self._helpers: set[str] = set()
        """Conversations with judges and simulated users."""

    def lines(self, entry: Entry) -> Iterator[EntryLine]:
        """The lines of an entry; there may be none."""
        if isinstance(entry, ConnectionOpened) and entry.role != "target":
            self._helpers.add(entry.conversation)
        for text, style in self._said(entry):
            yield EntryLine(f"{entry.t:>9.3f} s  {text}", style)

    def _said(self, entry: Entry) -> Iterator[tuple[str, dict[str, Any]]]:
        detailed = self._verbosity > 0
        match entry:
            case RunStarted():
                yield _started(entry), {"bold": True}
                if entry.replay is not None:
                    source = one_line(str(entry.replay.get("from")))
                    yield f"a replay of {source}: its times are not a target's", {"fg": "yellow"}
            case TestStarted():
                yield f"begins   {one_line(entry.test)}", {"dim": True}
            case UserMessage() if detailed:
                yield f"{self._turn(entry)}  > {one_line(entry.content)}", {"fg": "cyan"}
            case StreamChunk() if detailed:
                what = "replaces  " if entry.replaces else ""
                text = json_line(entry.text)
                yield f"{self._turn(entry)}  +{entry.offset_ms:.1f} ms  {what}{quiet(text)}", {}
            case AttemptFailed() if detailed:
                why = one_line(entry.error or "failed")
                waited = f"again after {entry.waited_ms:.0f} ms"
                yield f"{self._turn(entry)}  attempt failed: {why} {waited}", {"fg": "yellow"}
            case AssistantReply() if detailed or entry.conversation not in self._helpers:
                yield self._reply(entry), {} if entry.ok else {"fg": "red"}
                if entry.error is not None:
                    yield f"    {one_line(entry.error)}", {"fg": "red"}
                for hint in entry.hints:
                    yield f"    hint: {one_line(hint)}", {"fg": "yellow"}
            case CheckEvaluated() if detailed or (entry.test is None and entry.status != "passed"):
                yield _check(entry), {"fg": _COLOURS[entry.status]}
            case HttpRequest() if detailed or entry.error is not None:
                came = entry.status if entry.error is None else one_line(entry.error)
                what = f"{one_line(entry.method)} {one_line(entry.url)}"
                yield f"request  {what}  {came}  {entry.duration_ms:.1f} ms", {}
            case TestFinished():
                colour = _COLOURS[entry.status]
                yield (
                    f"{entry.status:<8} {one_line(entry.test)}  {seconds(entry.duration_ms)}",
                    {
                        "fg": colour,
                        "bold": entry.status != "passed",
                    },
                )
                for reason in entry.reasons:
                    yield f"    {one_line(reason)}", {"fg": colour}
            case RunFinished():
                yield _finished(entry), {"bold": True}
                if entry.error is not None:
                    yield f"    {one_line(entry.error)}", {"fg": "red"}
            case ConnectionOpened() | ConnectionClosed() | Entry() if self._verbosity > 1:
                yield quiet(json_line(entry.to_json())), {"dim": True}

    def _turn(self, entry: UserMessage | StreamChunk | AttemptFailed | AssistantReply) -> str:
        where = entry.test if entry.test is not None else entry.conversation
        helper = " (helper)" if entry.conversation in self._helpers else ""
        return f"{one_line(where)}{helper} turn {entry.turn + 1}"

    def _reply(self, entry: AssistantReply) -> str:
        return (
            f"{self._turn(entry)}  {one_line(entry.verdict)}  firstTokenMs "
            f"{_number(entry.first_token_ms)}  streamChunks {entry.stream_chunks}  latencyMs "
            f"{_number(entry.latency_ms)}"
        )


def _started(entry: RunStarted) -> str:
    parts = [f"{'resumes' if entry.resumed else 'starts'}: turnwire {one_line(entry.command)}"]
    parts += [one_line(suite) for suite in entry.suites]
    if entry.jobs is not None:
        parts.append(f"{entry.jobs} at once")
    if entry.seed is not None:
        parts.append(f"seed {entry.seed}")
    return ", ".join(parts)


def _check(entry: CheckEvaluated) -> str:
    where = one_line(entry.test if entry.test is not None else f"{entry.suite}, over all its tests")
    text = f"check    {where}  {one_line(entry.name)}: {entry.status}"
    if entry.status != "passed":
        text += f", expected {one_line(entry.expected)}, found {one_line(entry.actual)}"
    return text


def _finished(entry: RunFinished) -> str:
    counts = ", ".join(
        f"{count} {one_line(name)}" for name, count in (entry.counts or {}).items() if count
    )
    said = counts or f"{entry.turns} turn{'s' if entry.turns != 1 else ''}, {entry.failed} failed"
    code = f", exit code {entry.exit_code}" if entry.exit_code is not None else ""
    return f"{entry.outcome}: {said}{code}"


def _number(value: float | None) -> str:
    return "-" if value is None else milliseconds(value).removesuffix(" ms")
