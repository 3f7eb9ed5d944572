"""Reading a run log while it is being written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from turnwire.recordings.model import SUFFIX as RECORDING_SUFFIX
from turnwire.runlog.entries import Entry
from turnwire.runlog.reader import parse_line
from turnwire.runlog.writer import RunLogError

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class FollowedLog:
    """A run log, from its beginning to wherever it has come: a context manager.

    Raises (on making it):
        RunLogError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines = 0
        self._offset = 0
        try:
            self._file = path.open("rb")
        except OSError as exc:
            raise self._unreadable(exc) from exc

    def __enter__(self) -> FollowedLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self) -> Sequence[Entry]:
        """What has been written since the last call; a line that is not whole yet is left there.

        Raises:
            RunLogError: it cannot be read, is no run log, or a line inside it is broken.
        """
        entries: list[Entry] = []
        try:
            # From there again, as half a line may have been cut off meanwhile, by --resume.
            self._file.seek(self._offset)
            for line in self._file:
                if not line.endswith(b"\n"):
                    break
                self._lines += 1
                self._offset += len(line)
                entries.append(parse_line(line, self._lines, self.path))
        except OSError as exc:
            raise self._unreadable(exc) from exc
        return entries

    def is_written(self) -> bool:
        """Whether somebody may still write it, as far as the system can tell.

        Not to be asked of a log that has just been created: its writer may be about to lock it.
        """
        if fcntl is None:
            return True
        try:
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        fcntl.flock(self._file, fcntl.LOCK_UN)
        return False

    def _unreadable(self, exc: OSError) -> RunLogError:
        reason = exc.strerror or type(exc).__name__
        return RunLogError(f"Cannot read the run log {self.path}: {reason}.")


def newest_log(folder: Path) -> Path | None:
    """The log in a folder that was written to last; recordings may lie beside it."""
    found = []
    for path in folder.glob("*.jsonl"):
        if path.name.endswith(RECORDING_SUFFIX):
            continue
        try:
            found.append((path.stat().st_mtime_ns, path))
        except OSError:
            continue  # removed meanwhile
    return max(found)[1] if found else None
