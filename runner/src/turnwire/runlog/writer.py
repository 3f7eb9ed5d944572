"""Writing a run log without ever holding up what it is about.

Entries are queued, and a thread of our own writes them: a slow disk must not delay a read, or it
would stand in the times that are measured. The thread takes whatever is queued and hands it to the
system in one write of whole lines, at once. So a process that is killed loses at most what was
queued in that instant; :meth:`RunLogWriter.drain` waits even for that, before a finished turn is
reported. There is no fsync: a log survives the death of the process, not of the machine.
"""

from __future__ import annotations

import os
import queue
import stat
import threading
from pathlib import Path
from types import TracebackType
from typing import Final

from turnwire.runlog.entries import Entry
from turnwire.view.text import json_line
from turnwire_core.errors import TurnwireError

_CLOSE: Final = None


class RunLogError(TurnwireError):
    """A run log cannot be created, cannot be read, or is none."""


class RunLogIncomplete(RunLogError):
    """A run log that was begun well could not be written to its end."""


class RunLogWriter:
    """One log file, created by the constructor, readable by its owner only.

    ``entries`` is how many were taken so far. Use as a context manager, or call :meth:`close`.

    Raises:
        RunLogError: the file exists already (logs are appended to, never overwritten or mixed),
            or cannot be created.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = _create(path)
        self._queue: queue.SimpleQueue[Entry | threading.Event | None] = queue.SimpleQueue()
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
        if not self._thread.is_alive():
            return True
        written = threading.Event()
        self._queue.put(written)
        return written.wait(timeout)

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
        if not _is_special(path):
            # O_EXCL: a run log is one run, and what is there already may be somebody's evidence.
            flags |= os.O_CREAT | os.O_EXCL
        return os.open(path, flags, 0o600)
    except FileExistsError as exc:
        raise RunLogError(
            f"The run log {path} exists already. Name another file, or a folder (a name that ends "
            "with '/') to have one named for you."
        ) from exc
    except OSError as exc:
        raise _cannot_create(path, exc) from exc


def _cannot_create(path: Path, exc: OSError) -> RunLogError:
    return RunLogError(f"Cannot create the run log {path}: {exc.strerror or type(exc).__name__}.")


def _is_special(path: Path) -> bool:
    """Whether it is a pipe or a device: ``--log >(jq …)``."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
