"""Writing recordings, without ever holding up what they are about.

What the tap is shown is queued, as the run log does it, and a thread of our own masks and writes
it: one for all conversations of a run. It hands whole lines to the system some milliseconds after
they happened, so a file can be read whenever its process is killed. What is held back even then is
the end of what was received, as long as a secret might begin in it: see
:mod:`turnwire.recordings.masking`.
"""

from __future__ import annotations

import itertools
import json
import os
import queue
import re
import secrets as random_tokens
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import attrs

from turnwire.recordings.masking import MaskedBytes, StreamMask
from turnwire.recordings.model import (
    RECORDING_VERSION,
    SUFFIX,
    End,
    Event,
    Payload,
    Piece,
    TurnBegan,
    TurnEnded,
    to_line,
)
from turnwire.recordings.payloads import PayloadFinder
from turnwire.recordings.reading import FINISHED, HEADER
from turnwire.wiring import RecordingError, RecordingIncomplete, Wired
from turnwire_core.announcements import announced
from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.tap import Ending, WireTap
from turnwire_core.events import Reply, Turn
from turnwire_core.hookspecs import ENTRY_POINT_GROUP, hookimpl

_GATHERING_S: Final = 0.005
_LONGEST_NAME: Final = 100

_CLOSE: Final = None

_transports = itertools.count()


class Recorder:
    """Records conversations into a folder, one file each: ``with Recorder(folder) as recorder``.

    Raises (on leaving):
        RecordingIncomplete: something could not be written; the conversations themselves went on.
    """

    replays = False
    trusts_times = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run = random_tokens.token_hex(8)
        """What recordings that were made together have in common."""
        self._queue: queue.SimpleQueue[tuple[_File, Event | None] | None] = queue.SimpleQueue()
        self._numbers: dict[str, int] = {}
        self._failure: tuple[Path, Exception] | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            reason = exc.strerror or type(exc).__name__
            raise RecordingError(f"Cannot make the folder {folder}: {reason}.") from exc
        # A daemon: an interpreter that is torn down without close() must not wait for us.
        self._thread = threading.Thread(target=self._run, name="turnwire-recorder", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._queue.put(_CLOSE)
        self._thread.join()
        if self._failure is not None:
            path, failure = self._failure
            reason = getattr(failure, "strerror", None) or type(failure).__name__
            raise RecordingIncomplete(
                f"The recording {path} is incomplete: {reason}. "
                "The conversations themselves went on."
            ) from failure

    @asynccontextmanager
    async def conversation(
        self, connection: Connection, *, test: str | None = None, role: str = "target"
    ) -> AsyncIterator[Wired]:
        """What to open a conversation with, so that it is recorded. See :class:`Wiring`.

        Raises:
            RecordingError: the file cannot be created.
        """
        file = self._create(connection, test, role)
        tap = _RecordingTap(file, self._queue)
        both = tap if connection.tap is None else TwoTaps(connection.tap, tap)
        try:
            yield attrs.evolve(connection, tap=both), (_RecordingObserver(file, self._queue),)
        finally:
            self._queue.put((file, None))

    def _create(self, connection: Connection, test: str | None, role: str) -> _File:
        mask = connection.secrets.mask
        header = {
            "type": HEADER,
            "recordingVersion": RECORDING_VERSION,
            "run": self.run,
            "connection": connection.name,
            "protocol": connection.protocol,
            "url": mask(connection.base_url),
            "driver": _driver(connection.protocol),
            "turnwire": metadata.version("turnwire"),
            "started": datetime.now(UTC).astimezone().isoformat(timespec="microseconds"),
            "test": mask(test) if test is not None else None,
            "role": role,
        }
        words = [test or connection.name or connection.protocol]
        if role != "target":
            words.append(role)
        path, descriptor = self._open(_safe_name(mask("-".join(words))))
        os.write(descriptor, _line(header))
        return _File(path, descriptor, connection)

    def _open(self, name: str) -> tuple[Path, int]:
        """A new file, with a number behind its name where that is taken."""
        # O_EXCL: what is there already may be somebody's evidence.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        for number in itertools.count(self._numbers.get(name, 1)):
            self._numbers[name] = number + 1
            path = self.folder / f"{name}{f'-{number}' if number > 1 else ''}{SUFFIX}"
            try:
                return path, os.open(path, flags, 0o600)
            except FileExistsError:
                continue
            except OSError as exc:
                reason = exc.strerror or type(exc).__name__
                raise RecordingError(f"Cannot create the recording {path}: {reason}.") from exc
        raise AssertionError("unreachable: numbers do not end")

    # In the thread.

    def _run(self) -> None:
        while True:
            items = [self._queue.get()]
            time.sleep(_GATHERING_S)
            while not self._queue.empty():
                items.append(self._queue.get())
            files: dict[_File, list[Event | None]] = {}
            for item in items:
                if item is not _CLOSE:
                    file, event = item
                    files.setdefault(file, []).append(event)
            for file, events in files.items():
                try:
                    file.write(events)
                except Exception as exc:  # noqa: BLE001 - told when the recorder is left
                    self._failure = self._failure or (file.path, exc)
            if _CLOSE in items:
                return


class _File:
    """One recording that is being written. Used by the thread alone, after it was created."""

    def __init__(self, path: Path, descriptor: int, connection: Connection) -> None:
        self.path = path
        self.opened_ns = time.perf_counter_ns()
        self._descriptor = descriptor
        self._secrets = connection.secrets
        self._lines: deque[tuple[Event | None, MaskedBytes | None]] = deque()
        self._streams: dict[tuple[int, bool, bool], tuple[StreamMask, PayloadFinder]] = {}
        self._numbers: dict[int, int] = {}
        self._over = False

    def write(self, events: Sequence[Event | None]) -> None:
        """Take the next events, None for the end, and write the lines that are ready.

        Raises:
            Exception: that failed. Nothing more is written then.
        """
        if self._over:
            return
        try:
            for event in events:
                self._take(event)
            for mask, _ in self._streams.values():
                mask.search()
            self._write_all(self._ready_lines())
        except Exception:
            self._over = True
            raise
        finally:
            if self._over:
                os.close(self._descriptor)
                self._lines.clear()

    def _take(self, event: Event | None) -> None:
        match event:
            case Piece() | Payload():
                event = attrs.evolve(event, transport=self._number(event.transport))
                masked = MaskedBytes(event.data)
                mask, finder = self._stream(event)
                mask.add(masked, finder.feed(event.data, event.label))
                self._lines.append((event, masked))
                if not event.sent:
                    # The target has answered: what was sent before is whole.
                    self._search(sent=True, transport=event.transport)
                return
            case End():
                event = attrs.evolve(event, transport=self._number(event.transport))
                self._search(transport=event.transport)
            case TurnEnded() | None:
                self._search()
        self._lines.append((event, None))
        self._over = event is None

    def _ready_lines(self) -> bytes:
        data = bytearray()
        while self._lines:
            event, masked = self._lines[0]
            if masked is not None and not masked.ready:
                break
            self._lines.popleft()
            if event is None:
                data += _line({"type": FINISHED})
                continue
            if masked is not None and isinstance(event, Piece | Payload):
                event = attrs.evolve(event, data=bytes(masked.data))
            data += _line(to_line(attrs.evolve(event, at_ns=event.at_ns - self.opened_ns)))
        return bytes(data)

    def _write_all(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def _number(self, transport: int) -> int:
        return self._numbers.setdefault(transport, len(self._numbers) + 1)

    def _stream(self, event: Piece | Payload) -> tuple[StreamMask, PayloadFinder]:
        key = (event.transport, event.sent, isinstance(event, Payload))
        if key not in self._streams:
            self._streams[key] = StreamMask(self._secrets), PayloadFinder()
        return self._streams[key]

    def _search(self, *, sent: bool = False, transport: int | None = None) -> None:
        """Nothing can follow that belongs to what is there."""
        for (number, direction, _), (mask, _) in self._streams.items():
            if transport in (None, number) and (direction or not sent):
                mask.search(final=True)


class _RecordingTap(WireTap):
    """Queues what it is shown. One for a conversation, and one for each of its transports."""

    def __init__(self, file: _File, target: queue.SimpleQueue[Any]) -> None:
        self._file = file
        self._queue = target
        self._id = next(_transports)

    def sent(self, at_ns: int, label: str, data: bytes) -> None:
        """See :meth:`WireTap.sent`."""
        self._queue.put((self._file, Piece(at_ns, self._id, True, label, bytes(data))))

    def received(self, at_ns: int, label: str, data: bytes) -> None:
        """See :meth:`WireTap.received`."""
        self._queue.put((self._file, Piece(at_ns, self._id, False, label, bytes(data))))

    def carried(self, at_ns: int, label: str, data: bytes, *, sent: bool) -> None:
        """See :meth:`WireTap.carried`."""
        self._queue.put((self._file, Payload(at_ns, self._id, sent, label, bytes(data))))

    def ended(self, at_ns: int, ending: Ending) -> None:
        """See :meth:`WireTap.ended`."""
        self._queue.put((self._file, End(at_ns, self._id, ending)))

    def transport(self) -> WireTap:
        """See :meth:`WireTap.transport`."""
        return _RecordingTap(self._file, self._queue)


class TwoTaps(WireTap):
    """Shows everything to two taps."""

    def __init__(self, first: WireTap, second: WireTap) -> None:
        self._both = (first, second)

    def sent(self, at_ns: int, label: str, data: bytes) -> None:
        """See :meth:`WireTap.sent`."""
        for tap in self._both:
            tap.sent(at_ns, label, data)

    def received(self, at_ns: int, label: str, data: bytes) -> None:
        """See :meth:`WireTap.received`."""
        for tap in self._both:
            tap.received(at_ns, label, data)

    def carried(self, at_ns: int, label: str, data: bytes, *, sent: bool) -> None:
        """See :meth:`WireTap.carried`."""
        for tap in self._both:
            tap.carried(at_ns, label, data, sent=sent)

    def ended(self, at_ns: int, ending: Ending) -> None:
        """See :meth:`WireTap.ended`."""
        for tap in self._both:
            tap.ended(at_ns, ending)

    def transport(self) -> WireTap:
        """See :meth:`WireTap.transport`."""
        first, second = self._both
        return TwoTaps(first.transport(), second.transport())


class _RecordingObserver:
    """Queues the beginnings and ends of turns, masked."""

    def __init__(self, file: _File, target: queue.SimpleQueue[Any]) -> None:
        self._file = file
        self._queue = target

    @hookimpl
    def turnwire_turn_started(self, connection: Connection, turn: Turn, at_ns: int) -> None:
        """Note the message."""
        message = connection.secrets.mask(turn.message)
        self._queue.put((self._file, TurnBegan(at_ns, turn.index, message)))

    @hookimpl
    def turnwire_turn_finished(self, connection: Connection, turn: Turn, reply: Reply) -> None:
        """Note what came of it."""
        mask = connection.secrets.mask
        metrics = reply.metrics
        ended = TurnEnded(
            time.perf_counter_ns(),
            turn.index,
            reply.verdict.value,
            reply.ok,
            mask(reply.error) if reply.error is not None else None,
            mask(reply.content),
            metrics.stream_chunks,
            metrics.first_token_ms,
            metrics.latency_ms,
        )
        self._queue.put((self._file, ended))


def _safe_name(text: str) -> str:
    """A name for a file, on whatever system."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.")[:_LONGEST_NAME] or "conversation"


def _driver(protocol: str) -> dict[str, str]:
    """Distribution and version of the driver, from metadata alone."""
    for one in announced(ENTRY_POINT_GROUP):
        if one.entry_point.name == protocol:
            name, version = one.distribution
            return {"distribution": name, "version": version}
    return {}


def _line(value: dict[str, Any]) -> bytes:
    """A line of JSON. Half a surrogate pair, which UTF-8 cannot write, is escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode() + b"\n"
