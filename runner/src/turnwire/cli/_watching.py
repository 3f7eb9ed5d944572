"""From what the engine tells of a run to what is shown of it, masked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import attrs

from turnwire.cli._options import CliOptions
from turnwire.engine import (
    CaseFinished,
    CaseResult,
    CaseStarted,
    ChunkArrived,
    ConnectionSource,
    Event,
    ReplyMisread,
    TurnFinished,
    TurnStarted,
)
from turnwire.reports.text import milliseconds, one_line, said
from turnwire.suites.model import Case, Suite
from turnwire.view.chunks import MaskedChunks, Shown
from turnwire.view.live import Clock, WireView
from turnwire.view.progress import Finished, RunView
from turnwire.view.screen import Screen
from turnwire.view.text import quiet
from turnwire_core import Connection

_REASON_WIDTH = 200


class Watcher:
    """Takes the events of a run. Everything that is shown goes through the masks of its test."""

    def __init__(
        self, view: RunView, options: CliOptions, *, verbosity: int, clock: Clock, screen: Screen
    ) -> None:
        self._view = view
        self._options = options
        self._verbosity = verbosity
        self._clock = clock
        self._screen = screen
        self._masks: dict[str, Callable[[str], str]] = {}
        self._chunks: dict[str, MaskedChunks] = {}
        self._taps: dict[str, WireView] = {}
        self._hidden: set[int] = set()

    def __call__(self, event: Event) -> None:
        """Show what happened."""
        match event:
            case CaseStarted():
                self._started(event)
            case TurnStarted():
                self._clock.restart()
                self._view.turn_started(event.case.id, event.turn)
                if self._verbosity > 1:
                    text = self._mask(event.case)(event.message)
                    self._screen.note(f"turn {event.turn + 1} > {one_line(text)}", fg="cyan")
            case ChunkArrived():
                if (chunks := self._chunks.get(event.case.id)) is not None:
                    self._show(event.case, chunks.take(event.chunk))
            case TurnFinished():
                self._flush(event.case)
                metrics = event.reply.metrics
                self._view.turn_finished(
                    event.case.id,
                    first_token_ms=metrics.first_token_ms,
                    latency_ms=metrics.latency_ms,
                )
            case ReplyMisread():
                self._view.misread(
                    f"{event.connection}: its replies are not read as its config means:",
                    [one_line(hint, 1000) for hint in event.hints],
                )
            case CaseFinished():
                self._finished(event.case, event.result)
            case _:
                # The result of a check: the test that it belongs to tells of it.
                pass

    def _show(self, case: Case, chunks: Shown) -> None:
        for chunk, text in chunks:
            self._view.chunk(case.id, text, received_ns=chunk.received_ns, replaces=chunk.replaces)

    def _flush(self, case: Case) -> None:
        """What was held back because a secret might have begun there."""
        if (chunks := self._chunks.get(case.id)) is not None:
            self._show(case, chunks.end())
        if (tap := self._taps.get(case.id)) is not None:
            tap.flush()

    def _started(self, event: CaseStarted) -> None:
        secrets = event.case.suite.secrets
        if event.connection is not None:
            secrets = event.connection.secrets
            if id(secrets) not in self._hidden:
                self._hidden.add(id(secrets))
                self._options.hide(secrets)
            if isinstance(event.connection.tap, WireView):
                self._taps[event.case.id] = event.connection.tap
        self._chunks[event.case.id] = MaskedChunks(secrets)
        self._masks[event.case.id] = secrets.mask
        self._view.started(event.case.id)

    def _mask(self, case: Case) -> Callable[[str], str]:
        return self._masks.get(case.id, case.suite.secrets.mask)

    def _finished(self, case: Case, result: CaseResult) -> None:
        self._flush(case)
        reason = result.reasons[0] if result.reasons else result.error or ""
        shows = self._verbosity and result.status == "passed"
        self._view.finished(
            Finished(
                id=quiet(case.id),
                status=result.status,
                failure=result.failure,
                duration_ms=result.duration_ms,
                reason=one_line(reason, _REASON_WIDTH),
                details=self._conversation(case, result) if shows else (),
            )
        )
        for kept in (self._masks, self._chunks, self._taps):
            kept.pop(case.id, None)

    def _conversation(self, case: Case, result: CaseResult) -> list[str]:
        """What was said in a test that passed: of the others, the end of the run tells."""
        mask = self._mask(case)
        lines: list[str] = []
        for turn in result.turns:
            metrics = turn.reply.metrics
            lines += said("user", mask(turn.message))
            lines += said("assistant", mask(turn.reply.content))
            lines.append(
                f"  ({turn.reply.verdict.value}, first token "
                f"{milliseconds(metrics.first_token_ms)}, latency "
                f"{milliseconds(metrics.latency_ms)}, {metrics.stream_chunks} chunks)"
            )
        return [f"  {line}" for line in lines]


class TappedSource(ConnectionSource):
    """Connections that show the bytes that go over them."""

    def __init__(self, screen: Screen, clock: Clock, *, config: Path | None) -> None:
        super().__init__(config=config)
        self._screen, self._clock = screen, clock
        self._views: list[WireView] = []

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        try:
            return await super().__aexit__(kind, exc, traceback)
        finally:
            for view in self._views:
                view.flush()

    async def connection(self, name: str, suite: Suite) -> Connection:
        """The connection, with a tap."""
        connection = await super().connection(name, suite)
        view = WireView(self._screen, self._clock, connection.secrets)
        self._views.append(view)
        return attrs.evolve(connection, tap=view)
