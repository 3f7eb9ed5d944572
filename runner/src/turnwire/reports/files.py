"""Where reports go: to a file, written whole or not at all, or to stdout."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from turnwire_core.errors import TurnwireError


class ReportError(TurnwireError):
    """A report cannot be written."""


def write_report(path: Path, text: str) -> None:
    """Write a report so that whoever reads the file sees the old one or the new one, whole.

    It gets the permissions of any new file (the umask decides), not the narrow ones of a run log:
    a report is made for others, such as the next step of a CI job. The file that
    ``$GITHUB_STEP_SUMMARY`` names is appended to, because it belongs to the whole step. Pipes and
    devices are written to as they are.

    Raises:
        ReportError: it cannot be written.
    """
    try:
        # The file itself, not a link to it, which must go on pointing at it.
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        if _is_shared(target) or _is_special(target):
            with target.open("a", encoding="utf-8", newline="") as file:
                file.write(text)
        else:
            _replace(target, text)
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise ReportError(f"Cannot write the report {path}: {reason}.") from exc


def _replace(target: Path, text: str) -> None:
    draft = target.with_name(f".{target.name}.{os.urandom(4).hex()}.tmp")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        draft.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def _is_shared(target: Path) -> bool:
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    return bool(summary) and Path(summary or "").resolve() == target


def _is_special(target: Path) -> bool:
    try:
        mode = target.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
