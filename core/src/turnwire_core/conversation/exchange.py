"""One turn's way through the driver: attempts, the reading loop, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import anyio

from turnwire_core.concealing import conceal
from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.driver import EndOfStream, FrameStream, Session
from turnwire_core.conversation.deadlines import Deadlines
from turnwire_core.conversation.verdicts import UnfinishedError, verdict_of
from turnwire_core.errors import (
    DriverError,
    FrameTooLarge,
    InvalidFrame,
    Phase,
    RejectedError,
    ReplyError,
)
from turnwire_core.events import Attempt, Chunk, Frame, Reply, Turn, Verdict, WireTimes
from turnwire_core.observers import Observers
from turnwire_core.reader import CompiledRules, ReplyReader
from turnwire_core.recorder import Recorder
from turnwire_core.showing import neutral

OnChunk = Callable[[Chunk], None]


class Exchange:
    """One turn, from the first attempt to the reply.

    ``run`` may be cancelled at any await; ``reply`` then still tells what had arrived.
    """

    def __init__(
        self,
        connection: Connection,
        rules: CompiledRules,
        turn: Turn,
        observers: Observers,
        on_chunk: OnChunk | None,
    ) -> None:
        self._connection = connection
        self._rules = rules
        self._turn = turn
        self._observers = observers
        self._on_chunk = on_chunk
        self._chunk_is_wanted = on_chunk is not None or observers.chunk is not None
        self._recorder = Recorder(time.perf_counter_ns())
        self._deadlines = Deadlines(connection, anyio.current_time())
        self._reader = ReplyReader(rules)
        self._stream: FrameStream | None = None
        self._attempts: list[Attempt] = []
        self._bytes = 0
        self._held_characters = 0
        self._end_ns = 0
        self._last_words = ""

    @property
    def start_ns(self) -> int:
        """When the turn was handed over."""
        return self._recorder.start_ns

    async def run(self, session: Session) -> Reply:
        """Try the turn, again where that is configured, and return its reply."""
        while True:
            failure = await self._attempt(session)
            wait_ms = self._wait_before_retry(failure) if failure is not None else None
            if failure is None or wait_ms is None:
                self._note_attempt(failure, 0.0)
                return self.reply(failure)
            attempt = self._note_attempt(failure, wait_ms)
            if self._observers.attempt_failed is not None:
                self._observers.attempt_failed(
                    connection=self._connection, turn=self._turn, attempt=attempt
                )
            await anyio.sleep(wait_ms / 1000)

    def reply(self, failure: DriverError | None, *, cancelled: bool = False) -> Reply:
        """The reply as things stand. ``failure`` is why the turn ended, None if it ended well."""
        reader, rules = self._reader, self._rules
        # Asked first: what a reader holds piece by piece is one text from then on.
        doubts: Sequence[str] = ()
        if self._heard_something:
            doubts = reader.doubts(closely=self._turn.index == 0)
        times = self._times(failure)
        if failure is None and reader.unreadable and not cancelled:
            failure = InvalidFrame("Nothing of what arrived could be read.")
        verdict = Verdict.CANCELLED if cancelled else verdict_of(failure)
        unfinished = verdict is Verdict.CLOSED_WITHOUT_FINISH and rules.allow_unfinished
        # What the target itself says of an error needs no guess at the paths beside it.
        amiss = verdict is not Verdict.ERROR_EVENT and (
            not reader.content or verdict is not Verdict.FINISHED
        )
        reply = Reply(
            content=reader.content,
            verdict=verdict,
            metrics=self._recorder.metrics(self._end_ns or time.perf_counter_ns(), times),
            ok=verdict is Verdict.FINISHED or unfinished,
            error=str(failure) if failure is not None else None,
            phase=failure.phase if failure is not None else None,
            hints=self._hints(doubts, amiss=amiss) if self._heard_something else (),
            usage=reader.usage,
            captured=reader.captured,
            attempts=tuple(self._attempts),
            exception=failure,
        )
        if failure is not None:
            failure.partial = reply
        return reply

    def _hints(self, doubts: Sequence[str], *, amiss: bool) -> tuple[str, ...]:
        found = [*doubts, *(self._reader.hints() if amiss else ())]
        mask = self._connection.secrets.mask
        return tuple(neutral(mask(hint)) for hint in dict.fromkeys(found))

    def _times(self, failure: DriverError | None) -> WireTimes:
        if self._stream is not None:
            return self._stream.times
        if failure is not None and failure.times is not None:
            times: WireTimes = failure.times
            return times
        return WireTimes()

    @property
    def _heard_something(self) -> bool:
        """Whether the target answered at all; only then can a path be what is wrong."""
        return self._recorder.event_count > 0

    def _note_attempt(self, failure: DriverError | None, wait_ms: float) -> Attempt:
        error = str(failure) if failure is not None else None
        offset_ms = (time.perf_counter_ns() - self.start_ns) / 1_000_000
        attempt = Attempt(offset_ms=offset_ms, error=error, waited_ms=wait_ms)
        self._attempts.append(attempt)
        return attempt

    def _wait_before_retry(self, failure: DriverError) -> float | None:
        """How many milliseconds to wait, or None where the turn is not to be tried again."""
        retry = self._connection.retry
        tried = len(self._attempts)
        if tried >= retry.attempts or self._bytes or self._recorder.event_count:
            return None
        wait_ms = retry.backoff_ms * 2**tried
        if isinstance(failure, RejectedError):
            if failure.status not in retry.statuses:
                return None
            if failure.retry_after is not None:
                wait_ms = failure.retry_after * 1000
        elif not failure.retryable:
            return None
        left_ms = (self._deadlines.total_at - anyio.current_time()) * 1000
        return wait_ms if wait_ms <= min(retry.max_wait_ms, left_ms) else None

    async def _attempt(self, session: Session) -> DriverError | None:
        """One try. What went wrong is returned, not raised; cancellation from outside is raised."""
        deadlines = self._deadlines = self._deadlines.again()
        self._stream, self._end_ns = None, 0
        complete = False
        try:
            with deadlines.scope:
                async with session.exchange(self._turn) as stream:
                    self._stream = stream
                    await self._read(stream)
                    deadlines.lift()
                    complete = True
        except DriverError as exc:
            if complete:
                return None  # what breaks when the context is left is not the reply's fault
            self._end_ns = self._end_ns or time.perf_counter_ns()
            conceal(exc, self._connection.secrets)
            return exc
        if deadlines.scope.cancelled_caught:
            self._end_ns = time.perf_counter_ns()
            return deadlines.expired(Phase.HEADERS if self._stream is None else Phase.STREAM)
        return None

    async def _read(self, stream: FrameStream) -> None:
        """Read to the finish or the end of the stream, and a little further.

        Raises:
            DriverError: the reply did not finish; the exchange is thereby broken off.
        """
        self._reader = ReplyReader(self._rules, stream_ends=stream.ends)
        # A coroutine between this loop and the driver would cost as much as a rule.
        receive: Callable[[], Awaitable[Sequence[Frame] | None]] = stream.receive
        if (quiet_ms := self._rules.quiet_ms) is not None:
            receive = partial(self._receive_until_quiet, stream, quiet_ms)
        while True:
            try:
                frames = await receive()
            except EndOfStream as exc:
                self._last_words = str(exc)
                break
            if frames is None:
                break
            seen_ns = time.perf_counter_ns()
            self._deadlines.alive()
            self._recorder.read(len(frames), frames[0].received_ns if frames else seen_ns, seen_ns)
            if self._take(frames):
                del frames
                self._deadlines.lift()
                await self._linger(stream)
                return
            del frames  # a large one must not wait in memory for the next
        self._at_end()

    async def _receive_until_quiet(
        self, stream: FrameStream, quiet_ms: float
    ) -> Sequence[Frame] | None:
        """The next frames; None after the quiet time, which begins with the first content."""
        if not self._recorder.has_content:
            return await stream.receive()
        with anyio.move_on_after(quiet_ms / 1000):
            return await stream.receive()
        self._reader.finished = True
        return None

    def _take(self, frames: Sequence[Frame]) -> bool:
        """Look at the frames of one read. True: the reply is finished.

        Raises:
            ReplyError: an error rule matched.
            FrameTooLarge: an event or the reply passed a bound.
        """
        reader, recorder, on_frame = self._reader, self._recorder, self._observers.frame
        for position, frame in enumerate(frames):
            self._bytes += frame.raw
            if on_frame is not None:
                on_frame(connection=self._connection, turn=self._turn, frame=frame)
            reading = reader.read(frame)
            if (text := reading.text) is not None:
                if not recorder.has_content:
                    self._deadlines.content()
                recorder.chunk(frame.received_ns, len(text))
                held = 0 if reading.replaces else self._held_characters
                self._held_characters = held + len(text)
                if self._chunk_is_wanted:
                    self._emit(text, frame.received_ns, replaces=reading.replaces)
            if reading.error is not None:
                self._end_ns = frame.received_ns
                raise ReplyError(f"The target sent an error inside its reply: {reading.error}")
            if reading.finished:
                recorder.finish(frame.received_ns)
                self._end_ns = frame.received_ns
                for late in frames[position + 1 :]:
                    self._take_late(late)
                return True
        self._check_size()
        return False

    def _emit(self, text: str, received_ns: int, *, replaces: bool) -> None:
        chunk = Chunk(self._recorder.chunk_count - 1, text, received_ns, replaces)
        if self._on_chunk is not None:
            self._on_chunk(chunk)
        if self._observers.chunk is not None:
            self._observers.chunk(connection=self._connection, turn=self._turn, chunk=chunk)

    def _take_late(self, frame: Frame) -> None:
        if self._observers.frame is not None:
            self._observers.frame(connection=self._connection, turn=self._turn, frame=frame)
        self._reader.read_tail(frame)

    def _check_size(self) -> None:
        limits = self._connection.limits
        if self._bytes > limits.max_reply_bytes:
            passed = f"is larger than {limits.max_reply_bytes} bytes (limits.maxReplyBytes)"
        elif self._recorder.event_count > limits.max_events:
            passed = f"has more than {limits.max_events} events (limits.maxEvents)"
        elif self._held_characters > limits.max_characters:
            passed = f"has more than {limits.max_characters} characters (limits.maxCharacters)"
        else:
            return
        raise FrameTooLarge(
            f"The reply {passed}, and is not finished.", limit_bytes=limits.max_reply_bytes
        )

    def _at_end(self) -> None:
        """The stream ended, or went quiet, without an event that finished the reply."""
        self._end_ns = time.perf_counter_ns()
        if self._reader.finished or self._rules.end_finishes:
            self._reader.finished = True
            self._recorder.finish(self._end_ns)
            return
        said = f" {self._last_words}" if self._last_words else ""
        raise UnfinishedError(
            f"The stream ended after {self._recorder.event_count} events without the finish rule "
            f'fulfilled.{said} If this target ends its replies so, add {{"end": true}} to '
            "'finish', or set 'allowUnfinished'."
        )

    async def _linger(self, stream: FrameStream) -> None:
        """Read on after the finish, for a bounded time: usage, the sentinel, the stream's end.

        It counts for nothing any more, so what breaks here is not the reply's fault.
        """
        if not stream.ends and not self._reader.expects_more:
            return
        with anyio.move_on_after(self._connection.limits.linger_ms / 1000):
            try:
                while stream.ends or self._reader.expects_more:
                    for frame in await stream.receive():
                        self._take_late(frame)
            except (EndOfStream, DriverError):
                return
