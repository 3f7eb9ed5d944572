"""The hooks of a Turnwire plugin.

A plugin is a module (or any object) with functions that carry :data:`hookimpl` and the name of a
specification here. A driver's module is found by its entry point in the group
``turnwire.drivers``; observers are handed to a conversation by whoever opens it.

An implementation takes only the arguments that it names. Observers are called in the conversation's
own task, between two reads: they must be quick, must not block and must not raise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pluggy

from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.driver import Driver
from turnwire_core.events import Attempt, Chunk, Frame, Reply, Turn

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

    class _Marker:
        def __call__(self, function: F) -> F: ...


PROJECT = "turnwire"

ENTRY_POINT_GROUP = "turnwire.drivers"

_hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function as the implementation of a hook: ``@hookimpl``."""


class DriverHooks:
    """What the module behind a ``turnwire.drivers`` entry point implements."""

    @_hookspec(firstresult=True)
    def turnwire_driver(self) -> Driver[Any]:  # type: ignore[empty-body]
        """The driver of this module."""

    @_hookspec
    def turnwire_presets(self) -> Mapping[str, Mapping[str, Any]]:  # type: ignore[empty-body]
        """Presets by name. Each is a connection as in a file, without ``base_url``.

        What a connection says itself wins over its preset, key by key.
        """


class ObserverHooks:
    """The life of a conversation. Frames, chunks and replies arrive unmasked."""

    @_hookspec
    def turnwire_connection_opened(self, connection: Connection, at_ns: int) -> None:
        """The session is open. For HTTP that means ready, not yet connected."""

    @_hookspec
    def turnwire_connection_closed(self, connection: Connection, at_ns: int) -> None:
        """The session is closed, by us or because of an error."""

    @_hookspec
    def turnwire_turn_started(self, connection: Connection, turn: Turn, at_ns: int) -> None:
        """The turn is about to be handed to the driver; ``at_ns`` is its start."""

    @_hookspec
    def turnwire_attempt_failed(self, connection: Connection, turn: Turn, attempt: Attempt) -> None:
        """A try brought nothing and the turn will be tried again."""

    @_hookspec
    def turnwire_frame(self, connection: Connection, turn: Turn, frame: Frame) -> None:
        """An event arrived, with content or without."""

    @_hookspec
    def turnwire_chunk(self, connection: Connection, turn: Turn, chunk: Chunk) -> None:
        """Text arrived."""

    @_hookspec
    def turnwire_turn_finished(self, connection: Connection, turn: Turn, reply: Reply) -> None:
        """The turn is over, whatever its verdict."""
