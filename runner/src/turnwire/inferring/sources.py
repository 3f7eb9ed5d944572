"""Where evidence comes from: a pasted command, a file, standard input."""

from __future__ import annotations

from pathlib import Path

import attrs

from turnwire.inferring.bodies import read_reply, read_socket_log
from turnwire.inferring.curl import CurlError, looks_like_curl, parse_curl
from turnwire.inferring.evidence import Exchange, HttpRequest
from turnwire.inferring.recorded import exchange_of_recording
from turnwire.recordings import SUFFIX, RecordingError, load_recordings
from turnwire_core.reader import parse_json

_MOST_BYTES = 64 * 1024 * 1024


class SourceError(ValueError):
    """What was named holds nothing to infer from; says why, and what to name instead."""


def is_url(text: str) -> bool:
    """Whether a text is a URL and nothing else."""
    scheme, separator, rest = text.partition("://")
    return bool(separator and rest) and scheme.isalnum() and not any(map(str.isspace, text))


def exchange_from(
    source: bytes, *, message: str | None = None, base: Path | None = None
) -> Exchange:
    """The exchange in a text: a command for curl, a recorded reply, or the log of a socket.

    ``base`` is the folder of files that a command names; without it such a command is refused.

    Raises:
        SourceError: there is nothing in it.
    """
    if not source.strip():
        raise SourceError("There is nothing in it. Is it the right file?")
    text = source.decode("utf-8", "replace")
    if _is_run_log(text):
        raise SourceError(
            "That is a run log of Turnwire: what it tells is not what the target sent. Name what "
            "--record wrote."
        )
    if looks_like_curl(text):
        return Exchange(request=request_from(text, base), message=message)
    log = read_socket_log(text)
    if log is not None:
        return attrs.evolve(log, message=message)
    return Exchange(reply=read_reply(source), message=message)


def _is_run_log(text: str) -> bool:
    first = parse_json(text.partition("\n")[0])
    return (
        isinstance(first, dict)
        and first.get("type") == "run_started"
        and ("schemaVersion" in first)
    )


def exchange_of_path(path: Path, *, message: str | None = None) -> Exchange:
    """The exchange in a file; or that of the first recording in a folder, or in a file of one.

    Raises:
        SourceError: there is nothing in it, or it cannot be read.
    """
    if path.is_dir() or path.name.endswith(SUFFIX):
        try:
            exchange = exchange_of_recording(load_recordings(path)[0])
        except RecordingError as exc:
            raise SourceError(str(exc)) from exc
        return attrs.evolve(exchange, message=message or exchange.message)
    return exchange_from(read_file(path), message=message, base=path.parent)


def request_from(command: str, base: Path | None = None) -> HttpRequest:
    """The request of a command for curl.

    Raises:
        SourceError: it cannot be read.
    """

    def read(name: str) -> str:
        assert base is not None  # noqa: S101 - given to the parser only then
        return read_file(base / name).decode("utf-8", "replace")

    try:
        return parse_curl(command, read if base is not None else None)
    except CurlError as exc:
        raise SourceError(str(exc)) from exc


def read_file(file: Path) -> bytes:
    """The bytes of a file.

    Raises:
        SourceError: it cannot be read, or is too large to be a reply.
    """
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise SourceError(f"{file} is larger than {_MOST_BYTES} bytes: is it a recorded reply?")
        return file.read_bytes()
    except OSError as exc:
        raise SourceError(f"{file} cannot be read: {exc.strerror or type(exc).__name__}.") from exc


def with_reply(exchange: Exchange, data: bytes) -> Exchange:
    """The exchange with a reply that was recorded apart from it."""
    log = read_socket_log(data.decode("utf-8", "replace"))
    if log is not None:
        return attrs.evolve(exchange, reply=log.reply, protocol=log.protocol)
    return attrs.evolve(exchange, reply=read_reply(data))
