"""What is around a test that runs, and the conversations that are opened for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import attrs

from turnwire.engine.events import Event
from turnwire.engine.shared import Shared
from turnwire.engine.sources import ConnectionSource
from turnwire.kinds import Kinds
from turnwire.runlog import RunLog
from turnwire.watching import LoopWatch
from turnwire.wiring import STRAIGHT, Wiring
from turnwire_core import Connection, Conversation, open_conversation


@attrs.frozen
class Surroundings:
    """What is around a test that runs."""

    sources: ConnectionSource
    kinds: Kinds
    log: RunLog | None
    shared: Shared
    emit: Callable[[Event], None]
    wiring: Wiring = STRAIGHT
    watched: bool = True
    """Whether anybody is told of events: what is told must be in the log before."""
    watch: LoopWatch | None = None
    """Who knows what this process itself does to times."""

    @asynccontextmanager
    async def opened(
        self,
        connection: Connection,
        *,
        test: str | None,
        role: str = "target",
        persona: str | None = None,
        observers: Sequence[object] = (),
    ) -> AsyncIterator[Conversation]:
        """A conversation that is logged, and wired as this run has it.

        Raises: as :func:`open_conversation` and :meth:`Wiring.conversation`.
        """
        logging = () if self.log is None else (self.log.observer(test=test, role=role),)
        async with (
            self.wiring.conversation(connection, test=test, role=role) as (wired, more),
            open_conversation(
                wired,
                plugins=self.sources.plugins,
                observers=(*logging, *observers, *more),
                persona=persona,
            ) as conversation,
        ):
            yield conversation
