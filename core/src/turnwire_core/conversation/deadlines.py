"""Three of the five time limits, held by one cancel scope: first content, idle and total.

Connect and close belong to the driver. Moving a scope's deadline costs some microseconds, a scope
for each read ten times that; so there is one scope for the turn, and its deadline is moved only
when it has become noticeably too early.
"""

from __future__ import annotations

import anyio

from turnwire_core.contracts.connection import Connection
from turnwire_core.errors import Phase, TimeLimitError

_SLACK = 0.25
_SLACK_SHARE = 1 / 40
"""Seconds, and the share of it, by which the idle limit may be late; it is never early. The less,
the more often a deadline is moved, which costs more than to read an event."""


class Deadlines:
    """The deadline of one turn as it moves. Times are seconds of anyio's clock.

    ``turn_began`` is when the turn was handed over: the limits run from there, over all attempts.
    A cancel scope serves once, so every attempt takes a new one with :meth:`again`.
    """

    def __init__(self, connection: Connection, turn_began: float) -> None:
        self._connection = connection
        self._turn_began = turn_began
        self._total_ms = connection.timeout_ms
        self._first_ms = connection.limits.first_content_ms
        self._idle_ms = connection.limits.idle_ms
        self._idle = self._idle_ms / 1000
        self._slack = min(_SLACK, self._idle * _SLACK_SHARE)
        self.total_at = turn_began + self._total_ms / 1000
        self._first_at = turn_began + self._first_ms / 1000
        self._idle_at = float("inf")
        self._moved_at = float("-inf")
        self._has_content = False
        self.scope = anyio.CancelScope(deadline=min(self.total_at, self._first_at))

    def again(self) -> Deadlines:
        """The same limits for another attempt."""
        return Deadlines(self._connection, self._turn_began)

    def alive(self) -> None:
        """Bytes have arrived."""
        now = anyio.current_time()
        if now - self._moved_at >= self._slack:
            self._moved_at = now
            self._idle_at = now + self._idle + self._slack
            self._move()

    def content(self) -> None:
        """The first text has arrived."""
        if not self._has_content:
            self._has_content = True
            self._move()

    def lift(self) -> None:
        """The reply is finished: what is still read has its own bound."""
        self.scope.deadline = float("inf")

    def expired(self, phase: Phase) -> TimeLimitError:
        """The error for the limit that ran out first."""
        limits = [(self.total_at, "total"), (self._idle_at, "idle")]
        if not self._has_content:
            limits.append((self._first_at, "first_content"))
        _, limit = min(limits)
        messages = {
            "total": f"The turn was not over after {self._total_ms:g} ms (timeoutMs).",
            "idle": f"Nothing arrived for {self._idle_ms:g} ms (limits.idleMs), and the reply "
            "was not finished.",
            "first_content": f"No content came within {self._first_ms:g} ms "
            "(limits.firstContentMs).",
        }
        return TimeLimitError(messages[limit], limit=limit, phase=phase)

    def _move(self) -> None:
        first_at = float("inf") if self._has_content else self._first_at
        self.scope.deadline = min(self.total_at, self._idle_at, first_at)
