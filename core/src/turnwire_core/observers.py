"""Calling observers. One that nobody implements costs the hot path nothing.

pluggy finds the hooks of an observer and says in which order they are called. That takes it some
2 ms for each conversation, more than a short turn takes, and depends on nothing but the classes of
the observers: so it is asked once for each combination of them. What only pluggy can do (wrappers,
modules as observers) it does itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any, Final

import pluggy

from turnwire_core.concealing import conceal
from turnwire_core.errors import PluginError
from turnwire_core.hookspecs import PROJECT, ObserverHooks

Call = Callable[..., None]

_Planned = Sequence[tuple[int, str, tuple[str, ...]]]
"""Who implements a hook, in the order of the calls: (which observer, method, its arguments)."""

_plans: Final[dict[tuple[type[object], ...], Mapping[str, _Planned] | None]] = {}
_MOST_PLANS: Final = 256


class Observers:
    """The observers of one conversation.

    Each attribute is a function to be called with the hook's arguments, or None where no observer
    implements the hook: whoever calls looks once and then has nothing to pay.

    Raises (from the functions):
        PluginError: an observer raised; the cause is chained.
    """

    def __init__(self, observers: Iterable[object]) -> None:
        call_of = _calls(tuple(observers))
        self.connection_opened = call_of("turnwire_connection_opened")
        self.connection_closed = call_of("turnwire_connection_closed")
        self.turn_started = call_of("turnwire_turn_started")
        self.attempt_failed = call_of("turnwire_attempt_failed")
        self.frame = call_of("turnwire_frame")
        self.chunk = call_of("turnwire_chunk")
        self.turn_finished = call_of("turnwire_turn_finished")


def _calls(observers: tuple[object, ...]) -> Callable[[str], Call | None]:
    """By hook, what calls all who implement it; None where nobody does."""
    types = tuple(map(type, observers))
    plan = _plans.get(types) if _are_as_their_classes(observers) else None
    if plan is None:
        manager = _manager(observers)
        plan = _plan(manager, observers)
        if _are_as_their_classes(observers) and len(_plans) < _MOST_PLANS:
            _plans[types] = plan
        if plan is None:
            return lambda hook: _by_pluggy(hook, getattr(manager.hook, hook))
    found: Mapping[str, _Planned] = plan
    return lambda hook: _directly(hook, observers, found[hook])


def _are_as_their_classes(observers: tuple[object, ...]) -> bool:
    """Whether what one object has for hooks, every object of its class has."""
    distinct = len(set(map(id, observers))) == len(observers)  # pluggy refuses one that comes twice
    return distinct and not any(
        isinstance(one, ModuleType | type)
        or any(callable(value) for value in getattr(one, "__dict__", {}).values())
        for one in observers
    )


def _manager(observers: tuple[object, ...]) -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(ObserverHooks)
    for observer in observers:
        manager.register(observer)
    manager.check_pending()
    return manager


def _plan(
    manager: pluggy.PluginManager, observers: tuple[object, ...]
) -> Mapping[str, _Planned] | None:
    """What pluggy would do; None if that is more than calling one method after another."""
    plan: dict[str, _Planned] = {}
    for hook in (name for name in vars(ObserverHooks) if name.startswith("turnwire_")):
        planned = []
        # pluggy keeps the one to be called first at the end.
        for found in reversed(getattr(manager.hook, hook).get_hookimpls()):
            index = next(i for i, one in enumerate(observers) if one is found.plugin)
            name = found.function.__name__
            if found.wrapper or found.hookwrapper:
                return None
            if getattr(observers[index], name, None) != found.function:
                return None
            planned.append((index, name, tuple(found.argnames)))
        plan[hook] = planned
    return plan


def _by_pluggy(hook: str, caller: pluggy.HookCaller) -> Call | None:
    if not caller.get_hookimpls():
        return None

    def call(**arguments: Any) -> None:
        try:
            caller(**arguments)
        except Exception as exc:  # noqa: BLE001 # raised below
            failure = _failed(hook, exc, arguments)
        else:
            return
        # Not in the handler: what may have been cut off there would be its context again.
        raise failure

    return call


def _directly(hook: str, observers: Sequence[object], planned: _Planned) -> Call | None:
    if not planned:
        return None
    methods = [(getattr(observers[index], name), names) for index, name, names in planned]

    def call(**arguments: Any) -> None:
        try:
            for method, names in methods:
                method(*[arguments[name] for name in names])
        except Exception as exc:  # noqa: BLE001 # raised below
            failure = _failed(hook, exc, arguments)
        else:
            return
        # Not in the handler: what may have been cut off there would be its context again.
        raise failure

    return call


def _failed(hook: str, exc: Exception, arguments: Mapping[str, Any]) -> PluginError:
    """An observer sees what is secret, and its error may quote it."""
    failure = PluginError(f"An observer failed in {hook}: {type(exc).__name__}: {exc}")
    failure.__cause__ = exc
    conceal(failure, arguments["connection"].secrets)
    return failure
