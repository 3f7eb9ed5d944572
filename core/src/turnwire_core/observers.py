"""Calling observers. One that nobody implements costs the hot path nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pluggy

from turnwire_core.errors import PluginError
from turnwire_core.hookspecs import PROJECT, ObserverHooks

Call = Callable[..., None]


class Observers:
    """The observers of one conversation.

    Each attribute is a function to be called with the hook's arguments, or None where no observer
    implements the hook: whoever calls looks once and then has nothing to pay.

    Raises (from the functions):
        PluginError: an observer raised; the cause is chained.
    """

    def __init__(self, observers: Iterable[object]) -> None:
        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(ObserverHooks)
        for observer in observers:
            manager.register(observer)
        manager.check_pending()

        def call_of(name: str) -> Call | None:
            caller = getattr(manager.hook, f"turnwire_{name}")
            return _guarded(name, caller) if caller.get_hookimpls() else None

        self.connection_opened = call_of("connection_opened")
        self.connection_closed = call_of("connection_closed")
        self.turn_started = call_of("turn_started")
        self.attempt_failed = call_of("attempt_failed")
        self.frame = call_of("frame")
        self.chunk = call_of("chunk")
        self.turn_finished = call_of("turn_finished")


def _guarded(name: str, caller: Callable[..., Any]) -> Call:
    def call(**arguments: Any) -> None:
        try:
            caller(**arguments)
        except Exception as exc:
            raise PluginError(
                f"An observer failed in turnwire_{name}: {type(exc).__name__}: {exc}"
            ) from exc

    return call
