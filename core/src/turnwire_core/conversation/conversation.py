"""A conversation: one session over many turns, with its transcript."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from weakref import WeakValueDictionary

import anyio
import attrs

from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.driver import Driver, Session
from turnwire_core.conversation.exchange import Exchange, OnChunk
from turnwire_core.conversation.rendering import TurnRenderer
from turnwire_core.events import Message, Reply
from turnwire_core.observers import Observers
from turnwire_core.plugins import Plugins
from turnwire_core.reader import CompiledRules, compile_rules

SESSION_ID = "sessionId"
"""The captured name that becomes ``{{sessionId}}``."""


class Conversation:
    """An open conversation. Made by :func:`open_conversation`; turns are taken one at a time."""

    def __init__(
        self,
        connection: Connection,
        driver: Driver[Any],
        session: Session,
        observers: Observers,
        *,
        persona: str | None = None,
    ) -> None:
        self.connection = connection
        self.persona = persona if persona is not None else connection.persona
        self.variables: dict[str, Any] = dict(connection.variables)
        """Values of ``{{variables.NAME}}``; what replies capture is added, and may be changed."""
        # A target that gives out the session's id must not be sent one of ours first.
        captures_id = SESSION_ID in connection.rules.capture
        self.session_id: str | None = None if captures_id else str(uuid.uuid4())
        self._session = session
        self._observers = observers
        self._renderer = TurnRenderer(connection, driver)
        self._compiled = _compiled_for(connection)
        self._transcript: list[Message] = []
        self._turns = 0

    @property
    def transcript(self) -> tuple[Message, ...]:
        """What was said so far. A turn that failed leaves nothing in it."""
        return tuple(self._transcript)

    def add_system(self, content: str) -> None:
        """Put a system message into the transcript, for the turns that follow."""
        self._transcript.append(Message("system", content))

    async def send(
        self,
        message: str,
        *,
        on_chunk: OnChunk | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Send a message and read the reply.

        ``on_chunk`` is called with each :class:`~turnwire_core.Chunk` as it arrives; it must be
        quick and must not block. ``variables`` count for this turn only.

        What goes wrong with the target is data on the reply: look at ``reply.ok`` and
        ``reply.verdict``, or call ``reply.raise_for_verdict()``.

        Raises:
            ConfigError: a header filled with this turn's values would not be a header.
            PluginError: an observer failed.
        """
        user = Message("user", message)
        turn = self._renderer.render(
            self._turns,
            (*self._transcript, user),
            persona=self.persona,
            variables={**self.variables, **(variables or {})},
            session_id=self.session_id,
        )
        self._turns += 1
        exchange = Exchange(self.connection, self._compiled.rules, turn, self._observers, on_chunk)
        if self._observers.turn_started is not None:
            self._observers.turn_started(
                connection=self.connection, turn=turn, at_ns=exchange.start_ns
            )
        finished = self._observers.turn_finished
        try:
            reply = await exchange.run(self._session)
        except anyio.get_cancelled_exc_class():
            if finished is not None:
                reply = exchange.reply(None, cancelled=True)
                finished(connection=self.connection, turn=turn, reply=reply)
            raise
        if reply.ok:
            self._transcript += (user, reply.message)
            self._remember(reply.captured)
        if finished is not None:
            finished(connection=self.connection, turn=turn, reply=reply)
        return reply

    def _remember(self, captured: Mapping[str, Any]) -> None:
        for name, value in captured.items():
            if name == SESSION_ID:
                self.session_id = str(value)
            else:
                self.variables[name] = value


@attrs.frozen
class _Compiled:
    """The rules of a connection, compiled once for all conversations that are open at a time."""

    rules: CompiledRules
    parts: tuple[object, ...]
    """What they were compiled from: held, so that no id in the table comes to mean another."""


_compiled: Final[WeakValueDictionary[tuple[int, ...], _Compiled]] = WeakValueDictionary()


def _compiled_for(connection: Connection) -> _Compiled:
    parts = (connection.rules, connection.response_field_path, connection.limits)
    key = tuple(map(id, parts))
    compiled = _compiled.get(key)
    if compiled is None:
        compiled = _compiled[key] = _Compiled(compile_rules(connection), parts)
    return compiled


@asynccontextmanager
async def open_conversation(
    connection: Connection,
    *,
    plugins: Plugins | None = None,
    observers: Iterable[object] = (),
    persona: str | None = None,
) -> AsyncIterator[Conversation]:
    """Open a conversation with a target, and close it at the end.

    Nothing is sent before the first turn: connecting is part of that turn, and of its verdict.
    ``observers`` are objects with :class:`~turnwire_core.hookspecs.ObserverHooks`. ``persona``
    stands in for the connection's.

    Raises:
        PluginError: the connection's driver is missing or broken, or an observer is.
        ConfigError: see :meth:`Conversation.send`.
    """
    driver = (plugins or Plugins()).driver(connection.protocol)
    watched = Observers(observers)
    async with driver.connect(connection, connection.options) as session:
        if watched.connection_opened is not None:
            watched.connection_opened(connection=connection, at_ns=time.perf_counter_ns())
        try:
            yield Conversation(connection, driver, session, watched, persona=persona)
        finally:
            if watched.connection_closed is not None:
                watched.connection_closed(connection=connection, at_ns=time.perf_counter_ns())
