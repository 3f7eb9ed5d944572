"""Every error that leaves Turnwire, in one tree.

    TurnwireError
    ├─ ConfigError (.problems)
    ├─ PluginError
    │  ├─ DriverNotFound
    │  ├─ DriverLoadError
    │  ├─ DriverConflict
    │  └─ DriverVersionError
    └─ DriverError (.phase, .partial)
       ├─ ConnectError
       ├─ TlsError
       ├─ ProxyError
       ├─ RejectedError (.status, .body, .retry_after)
       ├─ TimeLimitError (.limit)
       ├─ StreamBrokenError
       ├─ ReplyError
       └─ ProtocolError
          ├─ FrameTooLarge (.limit_bytes)
          └─ InvalidFrame

Each message says what happened, where, and what to try. Messages are masked where they are made
or, at the latest, where the conversation turns them into a reply: no secret leaves in one.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import attrs


class Phase(StrEnum):
    """How far a turn had come when something went wrong."""

    CONNECT = "connect"
    """Name resolution, TCP, proxy, TLS, and the upgrade of a WebSocket."""
    SEND = "send"
    """Writing the request."""
    HEADERS = "headers"
    """Waiting for the head of the response."""
    STREAM = "stream"
    """Reading the reply."""
    CLOSE = "close"
    """Ending the session."""


def _restore(kind: type[TurnwireError], args: tuple[Any, ...]) -> TurnwireError:
    return kind.__new__(kind, *args)


class TurnwireError(Exception):
    """The root of every error that Turnwire raises on purpose. It can be copied and pickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        # By default an exception is made again from its message alone, which most of these
        # constructors do not take: it would be lost on its way out of a worker process.
        return _restore, (type(self), self.args), self.__dict__


@attrs.frozen
class Problem:
    """One thing wrong in a config file.

    ``path`` is where it stands, from the root of the file (``$.connections.x.sse.finishValue``);
    ``line`` is 1-based and None when the source has no lines (a mapping made in Python).
    """

    message: str
    path: str = "$"
    hint: str | None = None
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        text = f"{where}: {self.path}: {self.message}" if where else f"{self.path}: {self.message}"
        return f"{text} {self.hint}" if self.hint else text


class ConfigError(TurnwireError):
    """Bad configuration. ``problems`` holds all that was found, never only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class PluginError(TurnwireError):
    """A plugin is missing, broken, doubled or made for another Turnwire."""


class DriverNotFound(PluginError):
    """No installed distribution registers a driver for the protocol."""


class DriverLoadError(PluginError):
    """A driver is registered, but importing or creating it failed; the cause is chained."""


class DriverConflict(PluginError):
    """Two distributions claim one protocol name."""


class DriverVersionError(PluginError):
    """The driver was built for another ``api_version`` of the contracts."""


class DriverError(TurnwireError):
    """Something went wrong between us and the target.

    ``phase`` says how far the turn had come. ``partial`` is the unfinished
    :class:`~turnwire_core.Reply`; a driver leaves it None and the conversation fills it in.
    ``retryable`` is true only where nothing of a reply had arrived and trying again could help.
    """

    retryable: bool = False

    def __init__(self, message: str, *, phase: Phase, partial: Any = None) -> None:
        super().__init__(message)
        self.phase = phase
        self.partial = partial
        self.times: Any = None
        """The :class:`~turnwire_core.WireTimes` of a turn that failed before its stream began, if
        the driver has any."""


class ConnectError(DriverError):
    """The target could not be reached: name, route or port."""

    retryable = True

    def __init__(self, message: str, *, phase: Phase = Phase.CONNECT, partial: Any = None) -> None:
        super().__init__(message, phase=phase, partial=partial)


class TlsError(DriverError):
    """The TLS handshake failed: certificate, host name or version. Never retried."""

    def __init__(self, message: str, *, phase: Phase = Phase.CONNECT, partial: Any = None) -> None:
        super().__init__(message, phase=phase, partial=partial)


class ProxyError(DriverError):
    """The proxy, not the target, refused or broke off."""

    def __init__(self, message: str, *, phase: Phase = Phase.CONNECT, partial: Any = None) -> None:
        super().__init__(message, phase=phase, partial=partial)


class RejectedError(DriverError):
    """The target answered, and the answer was no (a status outside 2xx, or outside 101).

    ``status`` is the HTTP status, ``body`` a bounded excerpt of the answer, ``retry_after`` the
    seconds that the target asked us to wait (RFC 9110 §10.2.3), or None.
    """

    RETRYABLE_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})

    def __init__(
        self,
        message: str,
        *,
        status: int,
        body: str = "",
        retry_after: float | None = None,
        phase: Phase = Phase.HEADERS,
        partial: Any = None,
    ) -> None:
        super().__init__(message, phase=phase, partial=partial)
        self.status = status
        self.body = body
        self.retry_after = retry_after
        self.retryable = status in self.RETRYABLE_STATUSES


class TimeLimitError(DriverError):
    """One of the five time limits ran out.

    ``limit`` is ``connect``, ``first_content``, ``idle``, ``total`` or ``close``.
    """

    def __init__(self, message: str, *, limit: str, phase: Phase, partial: Any = None) -> None:
        super().__init__(message, phase=phase, partial=partial)
        self.limit = limit
        self.retryable = limit == "connect"


class StreamBrokenError(DriverError):
    """The transport ended in the middle of something: reset, cut body, dropped socket."""

    def __init__(self, message: str, *, phase: Phase = Phase.STREAM, partial: Any = None) -> None:
        super().__init__(message, phase=phase, partial=partial)
        # Once something was sent, the target may have acted on it (RFC 9110 §9.2.2).
        self.retryable = phase is Phase.CONNECT


class ReplyError(DriverError):
    """The target streamed an error inside a reply that had begun well, or ended it unfinished."""

    def __init__(self, message: str, *, phase: Phase = Phase.STREAM, partial: Any = None) -> None:
        super().__init__(message, phase=phase, partial=partial)


class ProtocolError(DriverError):
    """The target broke the rules of its protocol."""

    def __init__(self, message: str, *, phase: Phase = Phase.STREAM, partial: Any = None) -> None:
        super().__init__(message, phase=phase, partial=partial)


class FrameTooLarge(ProtocolError):
    """An event, a message or the whole reply passed its bound. ``limit_bytes`` is that bound."""

    def __init__(
        self,
        message: str,
        *,
        limit_bytes: int,
        phase: Phase = Phase.STREAM,
        partial: Any = None,
    ) -> None:
        super().__init__(message, phase=phase, partial=partial)
        self.limit_bytes = limit_bytes


class InvalidFrame(ProtocolError):
    """Something arrived that the protocol or the configured body format does not allow."""
