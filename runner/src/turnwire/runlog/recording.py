"""From a conversation to its log: the observer that writes entries, and the run around it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import anyio
import attrs

from turnwire.runlog.entries import (
    AssistantReply,
    AttemptFailed,
    ConnectionClosed,
    ConnectionOpened,
    Entry,
    RunFinished,
    RunStarted,
    StreamChunk,
    UserMessage,
    camel,
)
from turnwire.runlog.reader import read_log
from turnwire.runlog.writer import RunLogError, RunLogWriter
from turnwire.view.chunks import MaskedChunks, Shown
from turnwire.watching import ClientEffect, LoopWatch
from turnwire_core.announcements import announced
from turnwire_core.contracts.connection import Connection
from turnwire_core.events import Attempt, Chunk, Metrics, Reply, Turn
from turnwire_core.hookspecs import ENTRY_POINT_GROUP, hookimpl

_LONGEST_DRAIN_S: Final = 1.0
_DRAIN_STEP_S: Final = 0.001

_INTERRUPTED: Final = 130
"""What a command exits with after Ctrl-C: 128 + SIGINT, as a shell has it."""


def log_path(given: str | None, command: str, now: datetime | None = None) -> Path:
    """Where a log goes: ``given`` if it is a file, else a new name in that folder (``runs/``)."""
    folder = "runs/" if given is None else given
    if not folder.endswith("/") and not Path(folder).is_dir():
        return Path(folder)
    moment = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    return Path(folder) / f"{moment}-{command}-{os.urandom(2).hex()}.jsonl"


@attrs.frozen
class RunPlan:
    """What a run of tests is about to do, for the first entry of its log."""

    suites: Sequence[str] = ()
    seed: int | None = None
    jobs: int | None = None
    selection: Mapping[str, Any] = attrs.field(factory=dict)
    replay: Mapping[str, Any] | None = None
    """How recordings are talked to, in place of the targets."""


class RunLog:
    """The log of one run of a command.

    ``config`` is the config file as the user named it, ``mask`` hides what is secret in an error
    that ends the run. With ``resume`` the run is appended to a log that exists. Leaving the context
    writes ``run_finished`` and closes the file.

    Raises (also on leaving):
        RunLogError: the file cannot be created or resumed, or not everything could be written.
    """

    def __init__(
        self,
        path: Path,
        *,
        command: str,
        config: str | None = None,
        mask: Callable[[str], str] = str,
        plan: RunPlan = RunPlan(),
        resume: bool = False,
    ) -> None:
        self._start_ns = time.perf_counter_ns()
        self.run = os.urandom(8).hex()
        self._conversations = 0
        self.turns = 0
        self.failed = 0
        self._mask = mask
        self._watch: LoopWatch | None = None
        self._effects = EffectTotals()
        self._counts: Mapping[str, int] | None = None
        self._exit_code: int | None = None
        if resume and next(read_log(path), None) is None:
            # Checked before it is opened: half a line at the end of a log is cut off then, and
            # nobody's other file shall lose its last line.
            raise RunLogError(f"Cannot resume the run log {path}: it is empty.")
        self._writer = RunLogWriter(path, resume=resume)
        self._writer.write(
            RunStarted(
                t=0.0,
                run=self.run,
                command=command,
                started=datetime.now(UTC).astimezone().isoformat(timespec="milliseconds"),
                turnwire=metadata.version("turnwire"),
                core=metadata.version("turnwire-core"),
                python=platform.python_version(),
                platform=_system(),
                drivers=_installed_drivers(),
                config=config,
                suites=list(plan.suites),
                seed=plan.seed,
                jobs=plan.jobs,
                selection=plan.selection,
                resumed=resume,
                replay=plan.replay,
            )
        )

    @property
    def path(self) -> Path:
        """The file."""
        return self._writer.path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        interrupted = isinstance(exc, KeyboardInterrupt)
        self.write(
            RunFinished(
                t=self.seconds(time.perf_counter_ns()),
                run=self.run,
                outcome="interrupted" if interrupted else "failed" if exc else "completed",
                error=self._mask(str(exc)) if exc is not None and not interrupted else None,
                turns=self.turns,
                failed=self.failed,
                counts=self._counts,
                client=self._effects.to_json(),
                exit_code=_INTERRUPTED if interrupted else self._exit_code,
            )
        )
        self._writer.close()

    def conclude(self, counts: Mapping[str, int], exit_code: int) -> None:
        """Say what ``run_finished`` is to say: tests by status, and what the command exits with."""
        self._counts, self._exit_code = counts, exit_code

    @contextmanager
    def watched_by(self, watch: LoopWatch) -> Iterator[None]:
        """Let the replies that are written meanwhile say what this process did to their times."""
        before, self._watch = self._watch, watch
        try:
            yield
        finally:
            self._watch = before

    def effect(self, start_ns: int, reply: Reply, *, role: str) -> ClientEffect | None:
        """What this process did to a turn; None where nobody watches. It is counted, too."""
        if self._watch is None:
            return None
        effect = self._watch.effect(start_ns, reply.metrics)
        if role == "target":
            self._effects.add(effect)
        return effect

    def observer(self, *, test: str | None = None, role: str = "target") -> RunLogObserver:
        """A plugin that writes one conversation; every conversation takes one of its own.

        ``test`` is the id of the case that it belongs to; ``role`` is ``target`` for what is
        tested, or what helps with it (``judge``, ``simulator``).
        """
        self._conversations += 1
        return RunLogObserver(self, f"c{self._conversations}", test=test, role=role)

    @property
    def now(self) -> float:
        """The time as ``t``."""
        return self.seconds(time.perf_counter_ns())

    def write(self, entry: Entry) -> None:
        """Queue an entry, which must hold no secret any more. Never blocks, never raises."""
        self._writer.write(entry)

    def seconds(self, at_ns: int) -> float:
        """A stamp as ``t``."""
        return round((at_ns - self._start_ns) / 1e9, 6)

    async def drain(self) -> None:
        """Wait, without blocking the event loop, until all that was written is with the system.

        For a second at most: a disk that hangs must not hold back a turn that is finished.
        """
        written = self._writer.mark()
        # Asked again and again, because a thread for each of many tests that wait at once costs
        # far more: one to wait in, and its turn to run among all others, twice.
        patience = time.monotonic() + _LONGEST_DRAIN_S
        while not written.is_set() and time.monotonic() < patience:  # noqa: ASYNC110 # by a thread
            await anyio.sleep(_DRAIN_STEP_S)


def _system() -> str:
    """Not ``platform.platform()``: it starts a process, and searches Python's file for its libc."""
    system = platform.uname()
    return f"{system.system}-{system.release}-{system.machine}"


def _installed_drivers() -> dict[str, Any]:
    """Protocol → distribution and version, from metadata alone: no driver is imported for it."""
    return {
        one.entry_point.name: {"distribution": name, "version": version}
        for one in announced(ENTRY_POINT_GROUP)
        for name, version in [one.distribution]
    }


class RunLogObserver:
    """Turns the hooks of one conversation into entries. Never blocks, never raises.

    Everything is masked here: no entry that holds a secret reaches the queue.
    """

    def __init__(
        self, log: RunLog, conversation: str, *, test: str | None = None, role: str = "target"
    ) -> None:
        self._log = log
        self._conversation = conversation
        self._test = test
        self._role = role
        self._turn_start_ns = 0
        self._chunks: MaskedChunks | None = None

    def _ids(self, at_ns: int) -> dict[str, Any]:
        return {
            "t": self._log.seconds(at_ns),
            "run": self._log.run,
            "conversation": self._conversation,
            "test": self._test,
        }

    @hookimpl
    def turnwire_connection_opened(self, connection: Connection, at_ns: int) -> None:
        self._log.write(
            ConnectionOpened(
                **self._ids(at_ns),
                connection=connection.name,
                protocol=connection.protocol,
                origin=connection.secrets.mask(connection.origin),
                role=self._role,
            )
        )

    @hookimpl
    def turnwire_connection_closed(self, at_ns: int) -> None:
        self._log.write(ConnectionClosed(**self._ids(at_ns)))

    @hookimpl
    def turnwire_turn_started(self, connection: Connection, turn: Turn, at_ns: int) -> None:
        self._turn_start_ns = at_ns
        self._chunks = MaskedChunks(connection.secrets)
        content = connection.secrets.mask(turn.message)
        self._log.turns += 1
        self._log.write(UserMessage(**self._ids(at_ns), turn=turn.index, content=content))

    @hookimpl
    def turnwire_attempt_failed(self, connection: Connection, turn: Turn, attempt: Attempt) -> None:
        self._log.write(
            AttemptFailed(
                **self._ids(time.perf_counter_ns()),
                turn=turn.index,
                **_attempt_fields(connection, attempt),
            )
        )

    @hookimpl
    def turnwire_chunk(self, turn: Turn, chunk: Chunk) -> None:
        if self._chunks is not None:
            self._write_chunks(turn, self._chunks.take(chunk))

    def _write_chunks(self, turn: Turn, chunks: Shown) -> None:
        for chunk, text in chunks:
            self._log.write(
                StreamChunk(
                    **self._ids(chunk.received_ns),
                    turn=turn.index,
                    index=chunk.index,
                    text=text,
                    offset_ms=_milliseconds(chunk.received_ns - self._turn_start_ns),
                    replaces=chunk.replaces,
                )
            )

    @hookimpl
    def turnwire_turn_finished(self, connection: Connection, turn: Turn, reply: Reply) -> None:
        if self._chunks is not None:
            self._write_chunks(turn, self._chunks.end())
        self._log.failed += not reply.ok
        effect = self._log.effect(self._turn_start_ns, reply, role=self._role)
        self._log.write(
            AssistantReply(
                **self._ids(time.perf_counter_ns()),
                turn=turn.index,
                **reply_fields(connection, reply, effect),
            )
        )


@attrs.define
class EffectTotals:
    """What this process did to all turns of a run."""

    turns: int = 0
    spoilt: int = 0
    worst_ms: float = 0.0
    loop_lag_ms: float = 0.0
    gc_ms: float = 0.0

    def add(self, effect: ClientEffect) -> None:
        """One more turn."""
        self.turns += 1
        self.spoilt += bool(effect.spoilt)
        self.worst_ms = max(self.worst_ms, effect.worst_ms)
        self.loop_lag_ms = max(self.loop_lag_ms, effect.loop_lag_ms)
        self.gc_ms = max(self.gc_ms, effect.gc_ms)

    def to_json(self) -> dict[str, Any] | None:
        """As in ``run_finished``; None where nobody watched."""
        if not self.turns:
            return None
        return {camel(name): value for name, value in attrs.asdict(self).items()}


def client_fields(effect: ClientEffect) -> dict[str, Any]:
    """What an ``assistant_reply`` says of the client."""
    return {
        "loopLagMs": effect.loop_lag_ms,
        "gcMs": effect.gc_ms,
        "cpu": effect.cpu,
        "spoilt": dict(effect.spoilt),
    }


_METRICS: Final = tuple((field.name, camel(field.name)) for field in attrs.fields(Metrics))


def reply_fields(
    connection: Connection, reply: Reply, effect: ClientEffect | None = None
) -> dict[str, Any]:
    """What an ``assistant_reply`` says of a reply, besides its ids: masked, in ms to the µs."""
    mask = connection.secrets.mask_json
    metrics = reply.metrics
    return {
        "content": mask(reply.content),
        "latency_ms": _rounded(reply.metrics.latency_ms),
        "protocol": connection.protocol,
        "stream_chunks": reply.metrics.stream_chunks,
        "first_token_ms": _rounded(reply.metrics.first_token_ms),
        "verdict": reply.verdict.value,
        "ok": reply.ok,
        "error": mask(reply.error),
        "phase": reply.phase.value if reply.phase else None,
        "metrics": {key: _rounded(getattr(metrics, name)) for name, key in _METRICS},
        "usage": mask(reply.usage),
        "captured": mask(dict(reply.captured)),
        "attempts": [
            {camel(name): value for name, value in _attempt_fields(connection, attempt).items()}
            for attempt in reply.attempts
        ],
        "hints": mask(list(reply.hints)),
        "client": client_fields(effect) if effect is not None else None,
    }


def _attempt_fields(connection: Connection, attempt: Attempt) -> dict[str, Any]:
    fields = attrs.asdict(attempt, recurse=False)
    return {name: connection.secrets.mask_json(_rounded(value)) for name, value in fields.items()}


def _rounded(value: Any) -> Any:
    """Milliseconds to the µs: what is beyond is noise of the clock."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value


def _milliseconds(nanoseconds: int) -> float:
    return round(nanoseconds / 1e6, 3)
