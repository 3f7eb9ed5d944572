"""From a run log to a :class:`RunReport`: also of a run that was killed or is still going on."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import attrs

from turnwire.reports.model import (
    CaseReport,
    CheckReport,
    ClientReport,
    ClientTotals,
    ConnectionTimes,
    MisreadReport,
    Percentiles,
    Place,
    RequestReport,
    RunReport,
    Status,
    SuiteReport,
    TurnReport,
)
from turnwire.runlog.entries import (
    AssistantReply,
    CheckEvaluated,
    ConnectionOpened,
    Entry,
    HttpRequest,
    Misread,
    RunFinished,
    RunStarted,
    StreamChunk,
    TestFinished,
    TestStarted,
    UserMessage,
)
from turnwire.runlog.reader import read_log
from turnwire.runlog.writer import RunLogError

_INTERRUPTED: Final = 130
_NOT_REACHED: Final = 3
_INTERNAL: Final = 4

_ORIGIN: Final = re.compile(r"(?P<file>.+?)(?::(?P<line>\d+))?(?:: (?P<path>\$.*))?", re.DOTALL)
"""``file:line: path``."""


def read_report(path: Path | str) -> RunReport:
    """What a run log says.

    Of a test that was run more than once (a run that was resumed), the last time counts. A run
    without an end in its log is reported as far as it came, and is no success.

    Raises:
        RunLogError: the file cannot be read, or is no run log.
    """
    return report_of(read_log(path), name=f"The run log {path}")


def report_of(entries: Iterable[Entry], *, name: str = "The run log") -> RunReport:
    """The report of these entries; the first one is a ``run_started``. ``name`` is for errors.

    Raises:
        RunLogError: there are none.
    """
    reading = _Reading()
    for entry in entries:
        reading.take(entry)
    if not reading.has_begun:
        raise RunLogError(f"{name} is empty: the run ended before it could write anything.")
    return reading.report()


@attrs.define
class _Turn:
    """A turn while its entries come in."""

    conversation: str
    index: int
    connection: str | None
    protocol: str
    user: str
    text: str = ""
    chunks: int = 0
    offsets_ms: list[float] = attrs.field(factory=list)
    reply: AssistantReply | None = None

    def report(self) -> TurnReport:
        reply = self.reply
        if reply is None:
            first = self.offsets_ms[0] if self.offsets_ms else None
            return TurnReport(
                conversation=self.conversation,
                index=self.index,
                connection=self.connection,
                user=self.user,
                reply=self.text,
                protocol=self.protocol,
                verdict=None,
                ok=False,
                error=None,
                first_token_ms=first,
                latency_ms=None,
                stream_chunks=self.chunks,
                metrics={"chunkOffsetsMs": self.offsets_ms},
            )
        return TurnReport(
            conversation=self.conversation,
            index=self.index,
            connection=self.connection,
            user=self.user,
            reply=reply.content,
            protocol=reply.protocol,
            verdict=reply.verdict,
            ok=reply.ok,
            error=reply.error,
            first_token_ms=reply.first_token_ms,
            latency_ms=reply.latency_ms,
            stream_chunks=reply.stream_chunks,
            metrics=reply.metrics,
            hints=reply.hints,
            client=_client(reply),
        )


@attrs.define
class _Case:
    """A test while its entries come in."""

    started: TestStarted
    checks: list[CheckReport] = attrs.field(factory=list)
    turns: list[_Turn] = attrs.field(factory=list)
    requests: list[RequestReport] = attrs.field(factory=list)
    finished: TestFinished | None = None

    def report(self) -> CaseReport:
        started, finished = self.started, self.finished
        return CaseReport(
            id=started.test,
            suite=started.suite,
            name=started.name,
            connection=started.connection,
            protocol=started.protocol,
            tags=started.tags,
            variables=started.variables,
            repetition=started.repetition,
            origin=_place(started.origin),
            status=Status(finished.status) if finished else Status.UNFINISHED,
            failure=finished.failure if finished else None,
            error=finished.error if finished else None,
            duration_ms=finished.duration_ms if finished else None,
            reasons=finished.reasons if finished else (),
            checks=self.checks,
            turns=[turn.report() for turn in self.turns],
            requests=self.requests,
        )


class _Reading:
    def __init__(self) -> None:
        self._starts: list[RunStarted] = []
        self._end: RunFinished | None = None
        self._seconds: list[float] = []
        self._cases: dict[str, _Case] = {}
        self._suite_checks: dict[tuple[Any, ...], tuple[str, CheckReport]] = {}
        self._opened: dict[str, ConnectionOpened] = {}
        self._turns: dict[tuple[str, int], _Turn] = {}
        self._misreads: dict[str, MisreadReport] = {}
        self._loose: list[_Turn] = []
        """Turns of no test: those of a chat."""

    @property
    def has_begun(self) -> bool:
        return bool(self._starts)

    def take(self, entry: Entry) -> None:
        if self._seconds:
            self._seconds[-1] = max(self._seconds[-1], entry.t)
        match entry:
            case RunStarted():
                self._starts.append(entry)
                self._seconds.append(entry.t)
                self._end = None
                # Conversations are counted anew in every run.
                self._opened.clear()
                self._turns.clear()
            case RunFinished():
                self._end = entry
            case TestStarted():
                # What an earlier run of it left behind does not count.
                self._cases[entry.test] = _Case(entry)
            case TestFinished():
                self._case(entry).finished = entry
            case ConnectionOpened():
                self._opened[entry.conversation] = entry
            case UserMessage():
                self._begin_turn(entry)
            case StreamChunk():
                self._chunk(entry)
            case AssistantReply():
                turn = self._turns.get((entry.conversation, entry.turn))
                if turn is not None:
                    turn.reply = entry
            case CheckEvaluated():
                self._check(entry)
            case Misread():
                self._misreads[entry.connection] = MisreadReport(
                    entry.connection, entry.test, entry.hints
                )
            case HttpRequest(test=str(test)) if test in self._cases:
                self._cases[test].requests.append(_request(entry))
            case _:
                pass

    def _case(self, entry: TestFinished) -> _Case:
        if entry.test not in self._cases:
            # Not by our writer; but a log that somebody filtered is worth a report, too.
            suite, _, name = entry.test.partition("::")
            started = TestStarted(
                t=entry.t, run=entry.run, test=entry.test, suite=suite, name=name, connection=""
            )
            self._cases[entry.test] = _Case(started)
        return self._cases[entry.test]

    def _begin_turn(self, entry: UserMessage) -> None:
        opened = self._opened.get(entry.conversation)
        if opened is not None and opened.role != "target":
            return
        turn = _Turn(
            conversation=entry.conversation,
            index=entry.turn,
            connection=opened.connection if opened else None,
            protocol=opened.protocol if opened else "",
            user=entry.content,
        )
        self._turns[entry.conversation, entry.turn] = turn
        case = self._cases.get(entry.test) if entry.test is not None else None
        (case.turns if case is not None else self._loose).append(turn)

    def _chunk(self, entry: StreamChunk) -> None:
        turn = self._turns.get((entry.conversation, entry.turn))
        if turn is not None:
            turn.text = entry.text if entry.replaces else turn.text + entry.text
            turn.chunks += 1
            turn.offsets_ms.append(entry.offset_ms)

    def _check(self, entry: CheckEvaluated) -> None:
        check = _check(entry)
        if entry.test is None:
            # A resumed run evaluates it again, over more replies.
            key = (entry.suite, entry.connection, entry.kind, entry.name, check.origin)
            self._suite_checks[key] = (entry.suite, check)
        elif entry.test in self._cases:
            self._cases[entry.test].checks.append(check)

    def report(self) -> RunReport:
        first, last, end = self._starts[0], self._starts[-1], self._end
        cases = [case.report() for case in self._cases.values()]
        names = dict.fromkeys(
            [case.suite for case in cases] + [suite for suite, _ in self._suite_checks.values()]
        )
        turns = [turn for case in cases for turn in case.turns]
        turns += [turn.report() for turn in self._loose]
        return RunReport(
            replay=next((one.replay for one in self._starts if one.replay is not None), None),
            run=last.run,
            command=last.command,
            started=first.started,
            turnwire=last.turnwire,
            segments=len(self._starts),
            outcome=end.outcome if end else None,
            error=end.error if end else None,
            duration_ms=sum(self._seconds) * 1000,
            seed=last.seed,
            jobs=last.jobs,
            selection=last.selection,
            suites=[
                SuiteReport(
                    name=name,
                    cases=[case for case in cases if case.suite == name],
                    checks=[check for suite, check in self._suite_checks.values() if suite == name],
                )
                for name in names
            ],
            connections=_times(turns),
            client=ClientTotals.of(turns),
            replayed=any(one.replay is not None for one in self._starts),
            exit_code=_exit_code(end),
            misreads=tuple(self._misreads.values()),
        )


def _exit_code(end: RunFinished | None) -> int:
    """What the run exited with; for a run that could not say it, what its end means."""
    if end is None or end.outcome == "interrupted":
        return _INTERRUPTED
    if end.exit_code is not None:
        return end.exit_code
    if end.outcome == "failed":
        return _INTERNAL
    return _NOT_REACHED if end.failed else 0


def _times(turns: Iterable[TurnReport]) -> list[ConnectionTimes]:
    by_connection: dict[tuple[str, str], list[TurnReport]] = {}
    for turn in turns:
        by_connection.setdefault((turn.connection or "-", turn.protocol), []).append(turn)
    return [
        ConnectionTimes(
            connection=connection,
            protocol=protocol,
            turns=len(some),
            not_ok=sum(not turn.ok for turn in some),
            spoilt=sum(turn.is_spoilt for turn in some),
            first_token_ms=Percentiles.of(
                turn.first_token_ms for turn in some if turn.first_token_ms is not None
            ),
            latency_ms=Percentiles.of(
                turn.latency_ms for turn in some if turn.latency_ms is not None
            ),
            gap_ms=Percentiles.of(itertools.chain.from_iterable(turn.gaps_ms for turn in some)),
        )
        for (connection, protocol), some in by_connection.items()
    ]


def _client(reply: AssistantReply) -> ClientReport | None:
    if reply.client is None:
        return None

    def number(value: Any) -> float | None:
        return value if type(value) in (int, float) else None

    spoilt = reply.client.get("spoilt")
    found = spoilt.items() if isinstance(spoilt, dict) else ()
    return ClientReport(
        loop_lag_ms=number(reply.client.get("loopLagMs")),
        gc_ms=number(reply.client.get("gcMs")),
        cpu=number(reply.client.get("cpu")),
        spoilt={name: by for name, value in found if (by := number(value)) is not None},
    )


def _check(entry: CheckEvaluated) -> CheckReport:
    return CheckReport(
        name=entry.name,
        kind=entry.kind,
        severity=entry.severity,
        scope=entry.scope,
        status=entry.status,
        expected=entry.expected,
        actual=entry.actual,
        message=entry.message,
        score=entry.score,
        detail=entry.detail,
        turn=entry.turn,
        connection=entry.connection,
        failure=entry.failure,
        origin=_place(entry.origin),
    )


def _request(entry: HttpRequest) -> RequestReport:
    return RequestReport(
        label=entry.label,
        method=entry.method,
        url=entry.url,
        status=entry.status,
        duration_ms=entry.duration_ms,
        error=entry.error,
    )


def _place(origin: str | None) -> Place | None:
    found = _ORIGIN.fullmatch(origin) if origin else None
    if found is None:
        return None
    return Place(found["file"], int(found["line"]) if found["line"] else None, found["path"] or "$")
