"""One test while it runs: the engine's side of its steps, and its checks."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import attrs

from turnwire.checks.contract import CheckContext, Judge, TurnRecord
from turnwire.checks.evaluation import evaluate
from turnwire.engine.checking import CaseJudge, evaluated, log_check
from turnwire.engine.events import (
    CheckDone,
    ChunkArrived,
    ReplyMisread,
    TurnFinished,
    TurnStarted,
)
from turnwire.engine.filling import fill
from turnwire.engine.frames import FrameCollector
from turnwire.engine.results import CheckOutcome
from turnwire.engine.surroundings import Surroundings
from turnwire.runlog.entries import Extracted, HttpRequest, Misread
from turnwire.steps.contract import StepError
from turnwire.suites.model import Case, CheckSpec, Fixture, RequestSpec, StepSpec
from turnwire.watching import EffectObserver
from turnwire.wiring import RecordingError
from turnwire_core import Chunk, Conversation, Reply
from turnwire_core.paths import MISSING
from turnwire_core.templates import Template

_IN_SUITE_FIXTURES = ("request", "extract")
"""The steps that need no conversation of a test's own."""


class Running:
    """Takes the steps of one test. It is the :class:`~turnwire.steps.RunningTest` of steps."""

    def __init__(
        self,
        case: Case,
        conversation: Conversation,
        around: Surroundings,
        collector: FrameCollector | None = None,
        *,
        effects: EffectObserver | None = None,
        log_as: str | None = None,
    ) -> None:
        self.case = case
        self.conversation = conversation
        # The same dict: what replies capture is there for steps, what steps assign for requests.
        self.variables = conversation.variables
        self._turns: list[TurnRecord] = []
        self.turns: Sequence[TurnRecord] = self._turns
        self.checks: list[CheckOutcome] = []
        self.judge: Judge = CaseJudge(case.suite, around, case.id)
        self.answer: Any = MISSING
        self.place = ""
        """What is going on, for messages."""
        self.in_fixture = False
        self._around = around
        self._collector = collector
        self._effects = effects
        self._log_as = log_as
        self._assigned: dict[str, Any] = {}
        self._step: StepSpec | None = None
        self._mask = conversation.connection.secrets.mask

    async def run(self) -> None:
        """Fixtures, steps, and the checks at the end.

        Raises:
            StepError, CheckError, ConfigError, PluginError: the test ends here.
        """
        test = self.case.test
        self.in_fixture = True
        for name in test.uses:
            await self._use(name)
        self.in_fixture = False
        for number, step in enumerate(test.steps, start=1):
            await self._take(step, f"step {number}")
        self.place, self._step = "", None
        for check in test.checks:
            await self.check(check)

    # What steps may use.

    async def say(self, message: str, *, persona: str | None = None) -> Reply:
        """See :meth:`RunningTest.say`."""
        case, index = self.case, len(self.turns)
        if index >= case.test.limits.max_turns:
            raise StepError(
                f"The test wants more than {index} turns (limits.maxTurns).", kind="config"
            )
        emit = self._around.emit
        chunks: list[Chunk] = []

        def on_chunk(chunk: Chunk) -> None:
            chunks.append(chunk)
            emit(ChunkArrived(case, index, chunk))

        usual = self.conversation.persona
        if persona is not None:
            self.conversation.persona = case.suite.persona_text(persona)
        emit(TurnStarted(case, index, message))
        try:
            reply = await self.conversation.send(message, on_chunk=on_chunk)
        finally:
            self.conversation.persona = usual
        events = self._collector.events() if self._collector is not None else ()
        client = self._effects.last if self._effects is not None else None
        self._turns.append(TurnRecord(message, reply, events, chunks, client))
        if self._around.log is not None and self._around.watched:
            await self._around.log.drain()
        emit(TurnFinished(case, index, reply))
        if not self._failure_is_expected:
            await self._look_for_misread(reply)
        if not reply.ok and not self._failure_is_expected:
            raise StepError(
                f"The turn ended {reply.verdict}: {reply.error or 'no reason was given.'}",
                kind="transport",
            )
        return reply

    async def _look_for_misread(self, reply: Reply) -> None:
        """Tell if this reply is the first of its connection, and was not read as was meant."""
        around, connection = self._around, self.conversation.connection
        hints = [self._mask(hint) for hint in around.shared.misreads.look_at(connection, reply)]
        if hints:
            if (log := around.log) is not None:
                log.write(
                    Misread(
                        t=log.now,
                        run=log.run,
                        test=self.case.id,
                        turn=len(self.turns) - 1,
                        connection=connection.name,
                        hints=hints,
                    )
                )
                if around.watched:
                    await log.drain()
            around.emit(ReplyMisread(self.case, connection.name, hints))
        if around.shared.misreads.ends_test(reply):
            raise StepError(
                f"The reply was not read as the connection {connection.name!r} means it to be, and "
                f"--stop-on-misread ends the run: {' '.join(map(self._mask, reply.hints))}",
                kind="config",
            )

    async def call(self, request: RequestSpec, *, label: str) -> tuple[int, Any]:
        """See :meth:`RunningTest.call`."""
        from turnwire.engine.requests import make, prepare

        filled = {
            "url": self.fill(request.url),
            "headers": {name: self.fill(value) for name, value in request.headers.items()},
            "query": {name: self.fill(value) for name, value in request.query.items()},
            "body": self.fill(request.body),
        }
        call = prepare(request, filled, self.conversation.connection, label=label)
        start_ns = time.perf_counter_ns()
        status, error = None, None
        try:
            wiring = self._around.wiring
            async with wiring.conversation(call.connection, test=self._log_as, role="request") as (
                wired,
                _,
            ):
                status, self.answer = await make(attrs.evolve(call, connection=wired))
        except (StepError, RecordingError) as exc:
            error = self._mask(str(exc))
            raise
        except anyio.get_cancelled_exc_class():
            error = "It was broken off."
            raise
        finally:
            if (log := self._around.log) is not None:
                log.write(
                    HttpRequest(
                        t=log.seconds(start_ns),
                        run=log.run,
                        test=self._log_as,
                        label=label,
                        method=call.method,
                        url=call.shown_url,
                        status=status,
                        duration_ms=_milliseconds(time.perf_counter_ns() - start_ns),
                        error=error,
                    )
                )
        return status, self.answer

    def fill(self, template: Any) -> Any:
        """See :meth:`RunningTest.fill`."""
        return fill(template, self._values()) if isinstance(template, Template) else template

    def assign(self, name: str, value: Any) -> None:
        """See :meth:`RunningTest.assign`."""
        self.variables[name] = self._assigned[name] = value
        if (log := self._around.log) is not None:
            shown = self.conversation.connection.secrets.mask_json(value)
            log.write(
                Extracted(t=log.now, run=log.run, test=self._log_as, variable=name, value=shown)
            )

    def require(self, held: bool, *, name: str, expected: str, actual: str) -> None:
        """See :meth:`RunningTest.require`."""
        assert self._step is not None  # noqa: S101 # steps call this
        self._record(
            CheckOutcome(
                name=name,
                kind=self._step.kind,
                status="passed" if held else "failed",
                origin=self._step.origin,
                suite=self.case.suite.name,
                connection=self.case.connection,
                expected=self._mask(expected),
                actual=self._mask(actual),
                turn=len(self.turns) - 1 if self.turns else None,
                failure=None if held else "check",
            )
        )

    async def holds(self, check: CheckSpec) -> bool:
        """See :meth:`RunningTest.holds`."""
        result = await evaluate(check, self._around.kinds, self._context(), self._values())
        return result.passed

    @asynccontextmanager
    async def talk_to(
        self, connection: str, *, role: str, persona: str | None = None
    ) -> AsyncIterator[Conversation]:
        """See :meth:`RunningTest.talk_to`."""
        found = await self._around.sources.connection(connection, self.case.suite)
        async with self._around.opened(
            found, test=self._log_as, role=role, persona=persona
        ) as conversation:
            yield conversation

    # What the engine does around them.

    async def check(self, spec: CheckSpec) -> CheckOutcome:
        """Evaluate a check, and record how it came out."""
        outcome = await evaluated(
            spec,
            self._around.kinds,
            self._context(),
            self._values(),
            suite=self.case.suite,
            connection=self.conversation.connection,
            turn=len(self.turns) - 1 if self.turns else None,
        )
        self._record(outcome)
        return outcome

    def _record(self, outcome: CheckOutcome) -> None:
        self.checks.append(outcome)
        log_check(self._around.log, outcome, test=self._log_as)
        self._around.emit(CheckDone(self.case, outcome))

    async def _take(self, step: StepSpec, place: str) -> None:
        self._step = step
        self.place = f"{place} ({step.name or step.kind})"
        try:
            kind = self._around.kinds.step(step.kind)
        except KeyError as exc:
            raise StepError(f"There is no step {step.kind!r}.", kind="config") from exc
        await kind.run(step.options, self)
        for check in step.checks:
            await self.check(check)

    @property
    def _failure_is_expected(self) -> bool:
        """A check of the verdict says that a turn that fails may be what is wanted."""
        return self._step is not None and any(one.kind == "verdict" for one in self._step.checks)

    async def _use(self, name: str) -> None:
        self.place = f"fixture {name!r}"
        fixture = self.case.suite.fixtures.get(name)
        if fixture is None:
            raise StepError(f"The suite has no fixture {name!r}.", kind="config")
        if fixture.scope == "suite":
            suite = self.case.suite
            made = await self._around.shared.fixture(
                (str(suite.file), suite.name, name, self.case.connection),
                lambda: self._make_for_suite(name, fixture),
                self._mask,
            )
            self.variables |= made
        else:
            await self._take_fixture(name, fixture)

    async def _take_fixture(self, name: str, fixture: Fixture) -> None:
        for number, step in enumerate(fixture.steps, start=1):
            before = len(self.checks)
            await self._take(step, f"fixture {name!r}, step {number}")
            for outcome in self.checks[before:]:
                if outcome.counts:
                    raise StepError(outcome.reason, kind=outcome.failure or "check")

    async def _make_for_suite(self, name: str, fixture: Fixture) -> Mapping[str, Any]:
        """The variables that a fixture of the suite assigns, in a test that has no other."""
        for step in fixture.steps:
            if step.kind not in _IN_SUITE_FIXTURES:
                raise StepError(
                    f"A fixture with the scope 'suite' has only {' and '.join(_IN_SUITE_FIXTURES)} "
                    f"steps, not {step.kind!r}.",
                    kind="config",
                )
        around = attrs.evolve(self._around, emit=lambda _: None)
        apart = Running(self.case, self.conversation, around)
        own = self.case.suite.variables
        apart.variables = {
            **self.conversation.connection.variables,
            **{key: value for key, value in self.case.variables.items() if key in own},
        }
        try:
            await apart._take_fixture(name, fixture)
        except Exception:
            self.place = apart.place
            raise
        return apart._assigned

    def _values(self) -> dict[str, Any]:
        suite = self.case.suite
        values: dict[str, Any] = {"connection": self.case.connection, "test": self.case.test.id}
        if self.turns:
            values["reply"] = self.turns[-1].reply.content
        values |= {f"variables.{name}": value for name, value in self.variables.items()}
        values |= {f"env.{name}": value for name, value in suite.environment.items()}
        return values

    def _context(self) -> CheckContext:
        return CheckContext(
            turns=tuple(self.turns),
            transcript=self.conversation.transcript,
            variables=self.variables,
            judge=self.judge,
            directory=self.case.suite.directory,
            trusts_times=self._around.wiring.trusts_times,
        )


def _milliseconds(nanoseconds: int) -> float:
    return round(nanoseconds / 1e6, 3)
