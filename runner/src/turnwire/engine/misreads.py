"""Replies that are not read as their config means: told after the first, before more are paid for.

The first reply of a connection in which the target said something decides. If it was read well, the
paths are right, and what goes wrong later is no matter of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from turnwire_core import Connection, InvalidFrame, Reply, Verdict

_TELLING = (Verdict.FINISHED, Verdict.CLOSED_WITHOUT_FINISH, Verdict.STALLED, Verdict.TIMED_OUT)
"""A reply that was refused or broke off says nothing of the paths: the rest of it never came."""


class Misreads:
    """What is known of the connections of one run. ``stop`` is what the tester wants."""

    def __init__(self, *, stop: bool = False) -> None:
        self._stop = stop
        self._heard: set[tuple[str, str]] = set()
        self.stopped = False
        """Whether no further test is to begin."""

    def look_at(self, connection: Connection, reply: Reply) -> Sequence[str]:
        """What to tell of this reply: its hints, if it is the first that its connection heard."""
        key = (connection.name, connection.base_url)
        if key in self._heard or not _tells(reply):
            return ()
        if reply.hints:
            self._heard.add(key)
            self.stopped = self._stop
            return reply.hints
        if reply.ok and reply.content:
            self._heard.add(key)
        return ()

    def ends_test(self, reply: Reply) -> bool:
        """Whether the test that got this reply takes no further step: it would read no better."""
        return self.stopped and bool(reply.hints) and _tells(reply)


def _tells(reply: Reply) -> bool:
    """Whether a hint of this reply can be about the paths."""
    return reply.verdict in _TELLING or isinstance(reply.exception, InvalidFrame)
