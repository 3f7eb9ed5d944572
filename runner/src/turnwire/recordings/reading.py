"""Reading recordings, also those whose writer was killed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from turnwire.recordings.model import (
    RECORDING_VERSION,
    SUFFIX,
    Event,
    Recording,
    from_line,
)
from turnwire.wiring import RecordingError

HEADER: Final = "recording"
FINISHED: Final = "recording_finished"


def load_recordings(path: Path | str) -> Sequence[Recording]:
    """The recordings in a folder, in the order in which they were begun; or the one in a file.

    Raises:
        RecordingError: there is none, or one cannot be read; see :func:`load_recording`.
    """
    path = Path(path)
    if not path.is_dir():
        return (load_recording(path),)
    found = [load_recording(file) for file in sorted(path.glob(f"*{SUFFIX}"))]
    if not found:
        raise RecordingError(f"There are no recordings in {path}: their names end in {SUFFIX}.")
    return tuple(sorted(found, key=lambda one: one.started))


def load_recording(path: Path | str) -> Recording:
    """One recording.

    A last line without its newline is what a killed process leaves: it is left out. Types of lines
    that this version does not know are left out, too.

    Raises:
        RecordingError: it cannot be read, is no recording, was written by a newer Turnwire, or a
            line is broken; the message names the line.
    """
    path = Path(path)
    lines = _lines(path)
    header = next(lines, None)
    if header is None:
        raise RecordingError(f"{path}: not a recording: it is empty.")
    number, first = header
    version = first.get("recordingVersion")
    if first.get("type") != HEADER or not isinstance(version, int):
        raise RecordingError(
            f"{path}:{number}: not a recording: the first line must be a {HEADER!r} with a "
            "'recordingVersion'. They are written by --record DIR."
        )
    if version > RECORDING_VERSION:
        raise RecordingError(
            f"{path}:{number}: written by a newer Turnwire (version {version}; this one reads up "
            f"to {RECORDING_VERSION}). Upgrade: pip install -U turnwire."
        )
    events: list[Event] = []
    complete = False
    for number, line in lines:
        try:
            event = from_line(line)
        except (ValueError, KeyError, TypeError) as exc:
            raise RecordingError(f"{path}:{number}: not a line of a recording: {exc}.") from exc
        if event is not None:
            events.append(event)
        complete = complete or line["type"] == FINISHED
    try:
        return Recording(
            path=path,
            connection=str(first["connection"]),
            protocol=str(first["protocol"]),
            url=str(first["url"]),
            started=str(first["started"]),
            events=tuple(events),
            driver=first.get("driver") or {},
            run=str(first.get("run", "")),
            turnwire=str(first.get("turnwire", "")),
            test=first.get("test"),
            role=str(first.get("role", "target")),
            complete=complete,
        )
    except KeyError as exc:
        raise RecordingError(f"{path}:1: not a recording: {exc} is missing.") from exc


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                if not raw.endswith(b"\n"):
                    return
                try:
                    line = json.loads(raw)
                except (ValueError, RecursionError) as exc:
                    problem = f"{path}:{number}: not a line of a recording: {exc}."
                    raise RecordingError(problem) from exc
                if not isinstance(line, dict):
                    raise RecordingError(f"{path}:{number}: not a line of a recording: no object.")
                yield number, line
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise RecordingError(f"Cannot read the recording {path}: {reason}.") from exc
