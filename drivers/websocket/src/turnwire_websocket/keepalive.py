"""Whether the target is still there: asked by pings, told by whatever arrives. No I/O.

Whoever reads the socket has this decide. It does not want to be asked with every read, which would
cost more than the read: only :attr:`Keepalive.due` says when it is next to be asked.
"""

from __future__ import annotations

from math import inf
from time import perf_counter_ns


class TargetLost(Exception):
    """The target is taken to be gone; the text says how it was lost."""


class Keepalive:
    """The pings of one socket. ``interval_s`` None: there are none.

    Stamps are those of :func:`time.perf_counter_ns`; other times are seconds of anyio's clock.
    """

    def __init__(self, interval_s: float | None, timeout_s: float, *, now: float) -> None:
        self._interval = inf if interval_s is None else interval_s
        self._timeout = timeout_s
        self.due = now + self._interval
        """When :meth:`look` wants to be called."""
        self._number = 0
        self._asked_ns: int | None = None
        self._asked_at = 0.0
        self._arrived_ns = 0
        # None while nobody reads the socket: the silence is then our own doing.
        self._listening_ns: int | None = None

    def listening(self) -> None:
        """From now on the socket is being read."""
        if self._listening_ns is None:
            self._listening_ns = perf_counter_ns()

    def not_listening(self) -> None:
        """Nobody reads the socket, perhaps for a while already."""
        self._listening_ns = None

    def arrived(self, at_ns: int) -> None:
        """Bytes arrived, and until the next :meth:`listening` the socket is not being read."""
        self._arrived_ns = at_ns
        self._listening_ns = None

    def look(self, now: float, *, unsent: bool) -> bytes | None:
        """The payload of the ping that is due, if one is. ``unsent``: the last is not written yet.

        Any byte is an answer: a target that streams is not silent, even if it answers its pings
        late.

        Raises:
            TargetLost: a ping was not answered, or could not be written, for ``timeout_s``.
        """
        if now < self.due:
            return None
        asked_ns = self._asked_ns
        if asked_ns is not None and (unsent or self._arrived_ns < asked_ns):
            left = self._asked_at + self._timeout - now
            if unsent and left <= 0:
                raise TargetLost("it takes no more from us")
            if not unsent:
                left = self._timeout - self._silent_since(asked_ns)
                if left <= 0:
                    raise TargetLost("it is silent and answers no ping")
            self.due = now + min(left, self._interval)
            return None
        self._number += 1
        self._asked_ns = perf_counter_ns()
        self._asked_at = now
        self.due = now + min(self._interval, self._timeout)
        return b"%d" % self._number

    def _silent_since(self, asked_ns: int) -> float:
        """For how many seconds we have been listening in vain since we asked."""
        if self._listening_ns is None:
            return 0.0
        return (perf_counter_ns() - max(asked_ns, self._listening_ns)) / 1e9
