"""Taking all the steps, one after another, until one fails."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Iterable
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

import attrs

from turnwire.probing.advice import Adviser
from turnwire.probing.facts import Fault, ProbeResult, Step, StepName, StepStatus
from turnwire.probing.heads import HeadTap
from turnwire.probing.network import Way, WayBroken, speaks_tls
from turnwire.probing.reading import TurnReading
from turnwire.probing.watching import TurnWatch
from turnwire_core import (
    ConfigError,
    Connection,
    Conversation,
    PluginError,
    Plugins,
    RejectedError,
    Reply,
    TurnwireError,
    open_conversation,
)
from turnwire_core.showing import neutral

if TYPE_CHECKING:
    from turnwire_core.http import Approach

DEFAULT_MESSAGE: Final = "Hello"

_CLOSE_SHARE: Final = 0.9
"""Of limits.closeMs: who takes so long is one who did not take part in the closing."""


class Probe:
    """One probe. ``on_step`` is told of each step as it is done.

    ``load`` makes the connection ready, and is the first step. ``observers`` watch the
    conversation, as with :func:`turnwire_core.open_conversation`.
    """

    def __init__(
        self,
        load: Callable[[], Awaitable[Connection]],
        *,
        name: str,
        source: str,
        plugins: Plugins,
        message: str = DEFAULT_MESSAGE,
        second_turn: bool = True,
        observers: Iterable[object] = (),
        on_step: Callable[[Step], None] | None = None,
    ) -> None:
        """``name`` is the connection's, ``source`` where it is from, for people."""
        self._load = load
        self._name = name
        self._place = f"connections.{name}"
        self._source = source
        self._plugins = plugins
        self._message = message
        self._second_turn = second_turn
        self._observers = tuple(observers)
        self._on_step = on_step
        self._steps: list[Step] = []
        self._approach: Approach | None = None

    async def run(self) -> ProbeResult:
        """Take the steps. What goes wrong is in them; an observer that fails counts as a plugin."""
        connection = await self._config()
        if connection is not None and await self._way(connection):
            await self._talk(connection)
        taken = {step.name: step for step in self._steps}
        return ProbeResult(
            connection=self._name,
            protocol=connection.protocol if connection is not None else None,
            origin=connection.secrets.mask(connection.origin) if connection is not None else None,
            steps=tuple(taken.get(name, Step(name, StepStatus.SKIPPED)) for name in StepName),
        )

    async def _config(self) -> Connection | None:
        name, start_ns = StepName.CONFIG, perf_counter_ns()
        try:
            connection = await self._load()
            self._plugins.driver(connection.protocol)
        except ConfigError as exc:
            self._tell(
                Step(
                    name,
                    StepStatus.FAILED,
                    time_ms=_since(start_ns),
                    cause="; ".join(str(problem) for problem in exc.problems),
                    fix=_validated(exc),
                    fault=Fault.CONFIG,
                )
            )
            return None
        except PluginError as exc:
            self._tell(
                Step(
                    name,
                    StepStatus.FAILED,
                    time_ms=_since(start_ns),
                    cause=str(exc),
                    fix="`turnwire drivers` lists what is installed, and what is wrong with it.",
                    fault=Fault.PLUGIN,
                )
            )
            return None
        origin = connection.secrets.mask(connection.origin)
        found = f"{self._name} in {self._source}: {connection.protocol} to {origin}"
        self._tell(Step(name, StepStatus.OK, found, _since(start_ns)))
        return connection

    async def _way(self, connection: Connection) -> bool:
        way = Way(connection, self._place, self._tell)
        try:
            await way.go()
        except WayBroken:
            return False
        self._approach = way.approach
        return True

    async def _talk(self, connection: Connection) -> None:
        heads = HeadTap(connection.tap)
        connection = attrs.evolve(connection, tap=heads)
        watch = TurnWatch(connection)
        broken = False
        closing_ns = 0
        try:
            async with open_conversation(
                connection, plugins=self._plugins, observers=[*self._observers, watch]
            ) as conversation:
                broken = not await self._first(conversation, watch, heads)
                if not broken:
                    broken = not await self._second(conversation)
                closing_ns = perf_counter_ns()
        except TurnwireError as exc:
            self._broke_outside(exc)
            return
        if not broken:
            self._tell(_closed(connection, _since(closing_ns)))

    async def _first(self, conversation: Conversation, watch: TurnWatch, heads: HeadTap) -> bool:
        connection = conversation.connection
        reply = await conversation.send(self._message)
        reading = TurnReading(connection, reply, watch, heads, self._place)
        for step in reading.steps():
            if step.status is not StepStatus.FAILED:
                self._tell(step)
                continue
            if step.name is StepName.ANSWER and not _spoke_http(reply):
                adviser = Adviser(connection, self._place, heads, watch)
                self._tell(await self._with_tls_in_mind(step, connection, adviser))
            else:
                self._tell(step)
            return False
        return True

    async def _with_tls_in_mind(self, step: Step, connection: Connection, adviser: Adviser) -> Step:
        """What answers plain HTTP with nonsense or a hang-up may want TLS: ask it."""
        way = self._approach
        if way is None or way.wants_tls or not await speaks_tls(way):
            return step
        scheme = connection.base_url.partition("://")[0]
        cause = f"The target wants TLS on port {way.port}, but {scheme}:// has none. {step.cause}"
        return attrs.evolve(step, cause=cause, fix=adviser.tls_instead())

    async def _second(self, conversation: Conversation) -> bool:
        """Take another turn; what the first one proved need not be proved again."""
        name = StepName.SECOND_TURN
        if not self._second_turn:
            self._tell(Step(name, StepStatus.SKIPPED, "left out, as asked for"))
            return True
        reply = await conversation.send(self._message)
        mask = conversation.connection.secrets.mask
        time_ms = reply.metrics.duration_ms
        if not reply.ok or (not reply.content and reply.hints):
            cause = reply.error or " ".join(reply.hints) or "The turn failed."
            self._tell(
                Step(
                    name,
                    StepStatus.FAILED,
                    time_ms=time_ms,
                    cause=f"The first turn went well, the second ended {reply.verdict.value}: "
                    f"{mask(cause)}",
                    fix="The target does not keep the session, or not as the connection says: "
                    "look at what the second turn sends ('capture', {{sessionId}}, {{messages}}), "
                    "and at '-vv'.",
                    fault=Fault.TARGET,
                )
            )
            return False
        reused = None if reply.metrics.connect_ms is None else reply.metrics.connect_ms == 0.0
        text = f"{reply.metrics.characters} characters"
        if reused is not None:
            text += f", over {'the same' if reused else 'a new'} network connection"
        self._tell(Step(name, StepStatus.OK, text, time_ms, facts={"reused": reused}))
        return True

    def _broke_outside(self, exc: TurnwireError) -> None:
        """What is no reply: a driver or a template that failed."""
        done = {step.name for step in self._steps}
        name = next(one for one in StepName if one not in done)
        is_config = isinstance(exc, ConfigError)
        self._tell(
            Step(
                name,
                StepStatus.FAILED,
                cause=neutral(str(exc)),
                fix=f"Mend {self._place}." if is_config else "Report it to who made the driver.",
                fault=Fault.CONFIG if is_config else Fault.PLUGIN,
            )
        )

    def _tell(self, step: Step) -> None:
        self._steps.append(step)
        if self._on_step is not None:
            self._on_step(step)


def _spoke_http(reply: Reply) -> bool:
    """Whether the target answered as HTTP is answered. A 400 may be about the missing TLS."""
    failure = reply.exception
    return isinstance(failure, RejectedError) and failure.status != 400


def _closed(connection: Connection, time_ms: float) -> Step:
    limit_ms = connection.limits.close_ms
    if time_ms < limit_ms * _CLOSE_SHARE:
        return Step(StepName.CLOSE, StepStatus.OK, "closed", time_ms)
    return Step(
        StepName.CLOSE,
        StepStatus.WARN,
        "given up",
        time_ms,
        f"The target did not take part in the closing within {limit_ms:g} ms (limits.closeMs).",
        "It costs every conversation that time: mend the target, or lower limits.closeMs.",
    )


def _since(start_ns: int) -> float:
    return (perf_counter_ns() - start_ns) / 1e6


def _validated(error: ConfigError) -> str:
    """What lists the problems of a config file; each says itself how it is mended."""
    file = next((problem.file for problem in error.problems if problem.file), "FILE")
    return (
        f"`turnwire validate {shlex.quote(file)}` says all that is wrong with it, and asks nobody."
    )
