"""What each failure means for the verdict: one table."""

from __future__ import annotations

from turnwire_core.errors import (
    ConnectError,
    DriverError,
    FrameTooLarge,
    Phase,
    ProtocolError,
    ProxyError,
    RejectedError,
    ReplyError,
    StreamBrokenError,
    TimeLimitError,
    TlsError,
)
from turnwire_core.events import Verdict

_BY_TYPE: tuple[tuple[type[DriverError], Verdict], ...] = (
    (ConnectError, Verdict.REFUSED),
    (TlsError, Verdict.REFUSED),
    (ProxyError, Verdict.REFUSED),
    (RejectedError, Verdict.REJECTED),
    (ReplyError, Verdict.ERROR_EVENT),
    (FrameTooLarge, Verdict.TOO_LARGE),
    (ProtocolError, Verdict.MALFORMED),
)


class UnfinishedError(ReplyError):
    """The stream ended cleanly, but the finish rule was never fulfilled."""


def verdict_of(failure: DriverError | None) -> Verdict:
    """The verdict of a turn that ended with ``failure``, or well."""
    match failure:
        case None:
            return Verdict.FINISHED
        case UnfinishedError():
            return Verdict.CLOSED_WITHOUT_FINISH
        case TimeLimitError(limit="first_content" | "idle"):
            return Verdict.STALLED
        case TimeLimitError():
            return Verdict.TIMED_OUT
        case StreamBrokenError(phase=Phase.CONNECT):
            return Verdict.REFUSED
    for type_, verdict in _BY_TYPE:
        if isinstance(failure, type_):
            return verdict
    return Verdict.MALFORMED
