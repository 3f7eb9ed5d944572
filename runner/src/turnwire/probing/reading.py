"""From one turn to its steps: answer, Content-Type, first event, content, finish."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from turnwire.probing.advice import Adviser
from turnwire.probing.facts import Fault, Step, StepName, StepStatus
from turnwire.probing.heads import HeadTap
from turnwire.probing.watching import TurnWatch, ending_without_rule
from turnwire_core import (
    Connection,
    Frame,
    InvalidFrame,
    Phase,
    ProtocolError,
    Reply,
    Verdict,
)
from turnwire_core.reader import diagnose
from turnwire_core.showing import neutral

_OPENING: Final = 60
"""Of the text, this much is shown."""


class TurnReading:
    """The steps of one turn, in order; the first that failed is the last."""

    def __init__(
        self, connection: Connection, reply: Reply, watch: TurnWatch, heads: HeadTap, place: str
    ) -> None:
        self._connection = connection
        self._reply = reply
        self._watch = watch
        self._heads = heads
        self._place = place
        self._adviser = Adviser(connection, place, heads, watch)
        self._mask = connection.secrets.mask

    def steps(self) -> Iterator[Step]:
        """One after another."""
        for name, look in (
            (StepName.ANSWER, self._answer),
            (StepName.CONTENT_TYPE, self._content_type),
            (StepName.FIRST_EVENT, self._first_event),
            (StepName.CONTENT, self._content),
            (StepName.FINISH, self._finish),
        ):
            step = look(name)
            yield step
            if step.status is StepStatus.FAILED:
                return

    @property
    def _broken_at(self) -> StepName | None:
        """The step that the failure of the turn belongs to; None if it did not fail."""
        reply, failure = self._reply, self._reply.exception
        if reply.ok or failure is None:
            return None
        before_stream = reply.phase in (Phase.CONNECT, Phase.SEND, Phase.HEADERS)
        if before_stream:
            is_type = isinstance(failure, InvalidFrame) and reply.phase is Phase.HEADERS
            return StepName.CONTENT_TYPE if is_type else StepName.ANSWER
        if not self._watch.events:
            is_page = isinstance(failure, ProtocolError) and "html" in self._media_type
            return StepName.CONTENT_TYPE if is_page else StepName.FIRST_EVENT
        return StepName.FINISH if reply.content else StepName.CONTENT

    @property
    def _media_type(self) -> str:
        head = self._heads.response
        return head.media_type if head is not None else ""

    def _answer(self, name: StepName) -> Step:
        metrics, head = self._reply.metrics, self._heads.response
        time_ms = metrics.headers_ms if metrics.headers_ms is not None else metrics.connect_ms
        if self._broken_at is name:
            if time_ms is None and head is not None:
                time_ms = metrics.duration_ms
            return self._failed(name, time_ms)
        request = self._heads.request
        if head is None or request is None:
            found = "connected" if metrics.connect_ms is not None else "the turn was sent"
            return Step(name, StepStatus.OK, found, time_ms)
        asked = self._said(f"{request.method} {request.target}")
        found = f"{asked} → {head.status} {self._said(head.reason)[:60]}".rstrip()
        facts = {"method": request.method, "status": head.status}
        chosen = head.headers.get("sec-websocket-protocol")
        if chosen is not None:
            chosen = self._said(chosen)[:60]
            found += f", sub-protocol {chosen}"
            facts["subprotocol"] = chosen
        if head.status != 101:
            return Step(name, StepStatus.OK, found, time_ms, facts=facts)
        offered = request.headers.get("sec-websocket-protocol")
        if offered and chosen is None:
            return Step(
                name,
                StepStatus.WARN,
                f"{found}, no sub-protocol",
                time_ms,
                f"None of the sub-protocols that were offered ({offered}) was chosen.",
                f"Check the names in {self._place}.websocket.protocols with the target's.",
                facts=facts,
            )
        return Step(name, StepStatus.OK, found, time_ms, facts=facts)

    def _content_type(self, name: StepName) -> Step:
        head = self._heads.response
        written = self._said(head.headers.get("content-type", "")) if head else ""
        if self._broken_at is name:
            return attrs.evolve(self._failed(name, None), found=written)
        if head is None or head.status == 101:
            return Step(name, StepStatus.SKIPPED, "this protocol has none")
        facts = {"contentType": written or None}
        if self._watch.is_document and self._connection.protocol == "sse":
            return Step(
                name,
                StepStatus.WARN,
                written or "none",
                cause="One document came, where a stream was asked for.",
                fix=(
                    "If it should stream, see to what asks for it in "
                    f'{self._place}.request.body (often "stream": true); if it never does, '
                    '"protocol": "http_chat" is simpler.'
                ),
                facts=facts,
            )
        return Step(name, StepStatus.OK, written or "none", facts=facts)

    def _first_event(self, name: StepName) -> Step:
        watch, metrics = self._watch, self._reply.metrics
        if self._broken_at is name:
            return self._failed(name, None)
        first = watch.first
        if first is None:
            cause = "The target ended its answer without one event."
            fix = f"Look into its log, and at what it was sent: {self._adviser.what_was_sent()}"
            return Step(name, StepStatus.FAILED, cause=cause, fix=fix, fault=Fault.TARGET)
        found = (
            f"{self._kind(first)} of {len(first.data)} characters; {_events(watch.events)} in all"
        )
        facts = {"events": watch.events, "networkReads": metrics.network_reads}
        if watch.events > 1 and metrics.network_reads == 1:
            return Step(
                name,
                StepStatus.WARN,
                f"{found}, in one network read",
                metrics.first_event_ms,
                "All events came at once: nothing was streamed.",
                "Something buffers the stream: the server itself, or a proxy before it "
                "(nginx: 'proxy_buffering off', or the header 'X-Accel-Buffering: no').",
                facts=facts,
            )
        return Step(name, StepStatus.OK, found, metrics.first_event_ms, facts=facts)

    def _content(self, name: StepName) -> Step:
        reply, watch = self._reply, self._watch
        if self._broken_at is name:
            return self._failed(name, None)
        if not reply.content:
            hints = " ".join(reply.hints)
            if hints:
                return Step(
                    name,
                    StepStatus.FAILED,
                    cause=self._mask(hints),
                    fix=f"Mend the reply rules of {self._place}; "
                    "`turnwire chat -v` shows each event, `turnwire infer` works them out.",
                    fault=Fault.CONFIG,
                )
            return Step(
                name,
                StepStatus.WARN,
                "the answer is empty",
                cause="The path is right, and the target had nothing to say.",
                fix="Ask it something else: turnwire probe CONNECTION 'a question'.",
            )
        opening = self._said(reply.content)
        shown = opening if len(opening) <= _OPENING else f"{opening[:_OPENING]}…"
        characters, chunks = reply.metrics.characters, reply.metrics.stream_chunks
        many = f"{chunks} chunk{'s' if chunks != 1 else ''}"
        found = f"{watch.content_path or 'text'}: {shown!r} ({characters} characters in {many})"
        facts = {"path": watch.content_path, "characters": characters, "chunks": chunks}
        time_ms = reply.metrics.first_token_ms
        doubts = [*reply.hints] if reply.ok else []
        doubts += [one for one in self._closer_look() if one not in doubts]
        if doubts:
            return Step(
                name,
                StepStatus.WARN,
                found,
                time_ms,
                self._mask(" ".join(doubts)),
                f"Mend the reply rules of {self._place}.",
                facts=facts,
            )
        return Step(name, StepStatus.OK, found, time_ms, facts=facts)

    def _said(self, text: str) -> str:
        """What a target said. Masked first: what is written out or cut is not found any more."""
        return neutral(self._mask(text))

    def _kind(self, frame: Frame) -> str:
        if frame.whole:
            return "one document"
        return f"event {self._said(frame.event)[:40]!r}" if frame.event else "event"

    def _closer_look(self) -> list[str]:
        """What is odd about a reply that was read well, which nobody else has the time to ask."""
        return [self._said(hint) for hint in diagnose(self._connection, self._watch.frames)]

    def _finish(self, name: StepName) -> Step:
        reply, watch = self._reply, self._watch
        if self._broken_at is name:
            return self._failed(name, None)
        time_ms = reply.metrics.latency_ms
        if watch.finish is not None:
            found = self._said(watch.finish)
            if not watch.is_document:
                found += f", in event {watch.finish_at} of {watch.events}"
            return Step(name, StepStatus.OK, found, time_ms, facts={"event": watch.finish_at})
        found = ending_without_rule(self._connection, reply)
        if reply.verdict is Verdict.CLOSED_WITHOUT_FINISH or not self._has_rule:
            return Step(
                name,
                StepStatus.WARN,
                found,
                time_ms,
                "Without a finish rule that holds, a reply that was cut off looks whole.",
                f"Name what the last event says: 'finishPath' and 'finishValue' in {self._place}."
                f"{self._connection.protocol}.",
            )
        return Step(name, StepStatus.OK, found, time_ms)

    @property
    def _has_rule(self) -> bool:
        rules = self._connection.rules
        return rules.finish_path is not None or bool(rules.finish)

    def _failed(self, name: StepName, time_ms: float | None) -> Step:
        reply = self._reply
        cause = " ".join([self._adviser.cause(reply), *reply.hints])
        return Step(
            name,
            StepStatus.FAILED,
            time_ms=time_ms,
            cause=self._mask(cause),
            fix=self._mask(self._adviser.fix(reply)),
            fault=Fault.TARGET,
            facts={
                "verdict": reply.verdict.value,
                "phase": reply.phase.value if reply.phase else None,
            },
        )


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"
