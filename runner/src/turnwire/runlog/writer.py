"""Writing a run log without ever holding up what it is about.

Entries are queued, and a thread of our own writes them: a slow disk must not delay a read, or it
would stand in the times that are measured. The thread takes whatever is queued and hands it to the
system in one write of whole lines, some milliseconds after the first of them came: were it woken
for each, the two threads would fight for the interpreter, and that would stand in the times too. So
a process that is killed loses at most what was queued in these milliseconds, and
:meth:`RunLogWriter.drain` waits even for that, before a finished turn is reported. There is no
fsync: a log survives the death of the process, not of the machine.
"""

from __future__ import annotations

import os
import queue
import stat
import threading
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Final

from turnwire.runlog.entries import Entry
from turnwire.view.text import json_line
from turnwire_core.errors import TurnwireError

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_CLOSE: Final = None

_GATHERING_S: Final = 0.005
"""How long entries are gathered before they are written, unless somebody waits for them."""

_BLOCK_BYTES: Final = 64 * 1024


class RunLogError(TurnwireError):
    """A run log cannot be created, cannot be read, or is none."""


class RunLogIncomplete(RunLogError):
    """A run log that was begun well could not be written to its end."""


class RunLogWriter:
    """One log file, created by the constructor, readable by its owner only.

    With ``resume`` it is a log that exists: what is written goes behind what is there. Half a line
    at its end, which a killed process leaves, is cut off first. As long as a writer is open it
    holds a lock on the file (where the system has one), so that no two write the same.

    Use as a context manager, or call :meth:`close`.

    Raises:
        RunLogError: the file exists already (logs are never overwritten or mixed), or cannot be
            created; to resume, it is not there, is no run log, or another process writes it.
    """

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        self.path = path
        self._descriptor = _reopen(path) if resume else _create(path)
        self._queue: queue.SimpleQueue[Entry | threading.Event | None] = queue.SimpleQueue()
        self._wanted = threading.Event()
        self._failure: OSError | None = None
        self._closed = False
        # A daemon: an interpreter that is torn down without close() must not wait for us.
        self._thread = threading.Thread(target=self._run, name="turnwire-runlog", daemon=True)
        self._thread.start()

    def __enter__(self) -> RunLogWriter:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, entry: Entry) -> None:
        """Queue an entry, which must hold no secret any more. Never blocks, never raises."""
        self._queue.put(entry)

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until everything queued so far is with the operating system.

        Blocks the calling thread, for ``timeout`` seconds at most; False: it took longer.
        """
        return self.mark().wait(timeout)

    def mark(self) -> threading.Event:
        """An event that is set once everything queued so far is with the operating system."""
        written = threading.Event()
        if self._thread.is_alive():
            self._queue.put(written)
            self._wanted.set()
        else:
            written.set()
        return written

    def close(self) -> None:
        """Write what is queued and close the file. Safe to call again.

        Raises:
            RunLogIncomplete: something could not be written, now or earlier; what the file holds
                up to there is good.
        """
        if self._closed:
            return
        self._closed = True
        self._queue.put(_CLOSE)
        self._wanted.set()
        self._thread.join()
        os.close(self._descriptor)
        if self._failure is not None:
            reason = self._failure.strerror or type(self._failure).__name__
            raise RunLogIncomplete(
                f"The run log {self.path} is incomplete: {reason}. "
                "The conversations themselves went on."
            ) from self._failure

    def _run(self) -> None:
        while True:
            items = [self._queue.get()]
            self._wanted.wait(_GATHERING_S)
            self._wanted.clear()
            while not self._queue.empty():
                items.append(self._queue.get())
            entries = [item for item in items if isinstance(item, Entry)]
            if entries and self._failure is None:
                try:
                    self._write_all("".join(json_line(e.to_json()) + "\n" for e in entries))
                except OSError as exc:
                    # Nothing more is written: a later line after half a line would be lost too.
                    self._failure = exc
            for item in items:
                if isinstance(item, threading.Event):
                    item.set()
            if _CLOSE in items:
                return

    def _write_all(self, text: str) -> None:
        rest = memoryview(text.encode())
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]


def _create(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise _cannot_create(path, exc) from exc
    try:
        flags = os.O_WRONLY | os.O_APPEND
        special = _is_special(path)
        if not special:
            # O_EXCL: a run log is one run, and what is there already may be somebody's evidence.
            flags |= os.O_CREAT | os.O_EXCL
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError as exc:
        raise RunLogError(
            f"The run log {path} exists already. Name another file, or a folder (a name that ends "
            "with '/') to have one named for you."
        ) from exc
    except OSError as exc:
        raise _cannot_create(path, exc) from exc
    if not special:
        _lock(descriptor, path)
    return descriptor


def _reopen(path: Path) -> int:
    """Open a log to append to, checked, locked, and ending with a whole line."""
    if path.exists() and not path.is_file():
        raise RunLogError(f"Cannot resume the run log {path}: it is no file.")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise RunLogError(f"Cannot resume the run log {path}: {reason}.") from exc
    try:
        _lock(descriptor, path)
        _cut_half_line(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _lock(descriptor: int, path: Path) -> None:
    """Keep every other writer out; the system lets go of it when we are gone, however we go.

    Raises:
        RunLogError: somebody writes the file.
    """
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise RunLogError(f"The run log {path} is being written by another process.") from exc
    except OSError:
        return  # a file system without locks: nothing can be known


def _cut_half_line(descriptor: int) -> None:
    """Cut what follows the last line break: a line that its writer did not finish."""
    end = os.fstat(descriptor).st_size
    start = end
    while start > 0:
        size = min(_BLOCK_BYTES, start)
        os.lseek(descriptor, start - size, os.SEEK_SET)
        block = os.read(descriptor, size)
        found = block.rfind(b"\n")
        if found >= 0:
            start = start - size + found + 1
            break
        start -= size
    if start < end:
        os.ftruncate(descriptor, start)


def _cannot_create(path: Path, exc: OSError) -> RunLogError:
    return RunLogError(f"Cannot create the run log {path}: {exc.strerror or type(exc).__name__}.")


def _is_special(path: Path) -> bool:
    """Whether it is a pipe or a device: ``--log >(jq …)``."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
