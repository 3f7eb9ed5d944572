"""What stands between a connection and the conversation that is opened over it: nothing, as a rule.

A recorder listens in, a replayer puts a server in the place of the target. Whoever opens a
conversation asks the wiring for what to open it with.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

from turnwire_core.contracts.connection import Connection
from turnwire_core.errors import TurnwireError


class RecordingError(TurnwireError):
    """A recording cannot be created, cannot be read, or is none."""


class RecordingIncomplete(RecordingError):
    """A recording that was begun well could not be written to its end."""


Wired = tuple[Connection, Sequence[object]]
"""What to open a conversation with: a connection, and observers besides one's own."""


class Wiring(Protocol):
    """How conversations are wired up. One for all conversations of a run."""

    @property
    def replays(self) -> bool:
        """Whether what is talked to are recordings: times are then those of a replay."""

    @property
    def trusts_times(self) -> bool:
        """Whether checks on times may be made."""

    def conversation(
        self, connection: Connection, *, test: str | None = None, role: str = "target"
    ) -> AbstractAsyncContextManager[Wired]:
        """What to open one conversation with; entered before it is opened, left when it is closed.

        ``test`` is the id of the case that it belongs to, ``role`` what it is for: ``target``,
        ``judge``, ``simulator``, or ``request`` for an HTTP call of a test.

        Raises:
            RecordingError: it cannot be recorded, or there is no recording of it.
        """


class Straight:
    """The connection as it is."""

    replays = False
    trusts_times = True

    @asynccontextmanager
    async def conversation(
        self,
        connection: Connection,
        *,
        test: str | None = None,  # noqa: ARG002 - see Wiring
        role: str = "target",  # noqa: ARG002
    ) -> AsyncIterator[Wired]:
        """See :meth:`Wiring.conversation`."""
        yield connection, ()


STRAIGHT: Final[Wiring] = Straight()
