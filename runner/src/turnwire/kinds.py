"""Which kinds of checks and steps there are: our own, and those of installed plugins.

A plugin is found by its entry point in the group ``turnwire.runner`` and imported when a kind is
first asked for. One that is broken, or that claims a kind that somebody else has, stops only the
suite that names a kind it may have brought: every other kind goes on working.
"""

from __future__ import annotations

import functools
import importlib.metadata
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs
import pluggy

from turnwire.hookspecs import ENTRY_POINT_GROUP, RunnerHooks
from turnwire_core import PluginError
from turnwire_core.announcements import announced
from turnwire_core.config import camel, fields_of, nearest
from turnwire_core.hookspecs import PROJECT

if TYPE_CHECKING:
    from turnwire.checks.contract import Check
    from turnwire.steps.contract import Step

CHECK_KEYS = ("name", "severity", "scope", "not", "message")
"""What every check has, whatever its kind."""

STEP_KEYS = ("name", "checks")
"""What every step has, whatever its kind."""

_OURS = "turnwire itself"

KindT = TypeVar("KindT", "Check", "Step")


@attrs.frozen
class PluginRecord:
    """What is known of one plugin: its kinds, or the ``error`` that keeps it from working.

    ``distribution`` and ``version`` are None for one that was registered in Python.
    """

    name: str
    distribution: str | None = None
    version: str | None = None
    checks: tuple[Check, ...] = ()
    steps: tuple[Step, ...] = ()
    error: PluginError | None = None

    @property
    def label(self) -> str:
        """How messages name it."""
        if self.distribution is None:
            return f"the plugin {self.name!r}"
        return f"the plugin {self.name!r} of {self.distribution} {self.version}"


class Kinds:
    """The kinds that can be used. Cheap to make; plugins are imported on first use."""

    def __init__(self, *, discover: bool = True) -> None:
        """With ``discover=False`` only what is built in or registered by hand is known."""
        self._discover = discover
        self._registered: list[PluginRecord] = []
        self._loaded: _Loaded | None = None

    @classmethod
    def installed(cls) -> Kinds:
        """What is installed; made once for each ``sys.path``."""
        return _installed(tuple(sys.path))

    def register(self, plugin: object, name: str | None = None) -> PluginRecord:
        """Use a plugin that no distribution announces: a module or object with hooks.

        Raises:
            PluginError: it is broken.
        """
        label = name or str(getattr(plugin, "__name__", type(plugin).__name__))
        record = _adopted(PluginRecord(label), plugin)
        if record.error is not None:
            raise record.error
        self._registered.append(record)
        self._loaded = None
        return record

    def check(self, kind: str) -> Check:
        """A kind of check; ``kind`` in either spelling (``first_token_ms``, ``firstTokenMs``).

        Raises:
            KeyError: there is none, and no plugin is broken that might have brought it.
            PluginError: two plugins claim it, or there is none and a plugin is broken.
        """
        return self._all.checks.find(kind)

    def step(self, kind: str) -> Step:
        """A kind of step, in either spelling.

        Raises:
            KeyError: there is none, and no plugin is broken that might have brought it.
            PluginError: two plugins claim it, or there is none and a plugin is broken.
        """
        return self._all.steps.find(kind)

    def checks(self) -> Mapping[str, Check]:
        """All kinds of checks that can be used, by name, ours first."""
        return self._all.checks.usable()

    def steps(self) -> Mapping[str, Step]:
        """All kinds of steps that can be used, by name, ours first."""
        return self._all.steps.usable()

    def is_check(self, key: str) -> bool:
        """Whether a key of a file names a kind of check, be it one that two plugins claim."""
        return self._all.checks.knows(key)

    def is_step(self, key: str) -> bool:
        """Whether a key of a file names a kind of step, be it one that two plugins claim."""
        return self._all.steps.knows(key)

    def plugins(self) -> tuple[PluginRecord, ...]:
        """Every plugin with its kinds or its error. Imports them; never raises."""
        return self._all.plugins

    @property
    def _all(self) -> _Loaded:
        if self._loaded is None:
            # Not at the top of the file: these packages may import what this module exports.
            from turnwire.checks import BUILT_IN as OUR_CHECKS
            from turnwire.steps import BUILT_IN as OUR_STEPS

            found = _discovered(tuple(sys.path)) if self._discover else ()
            plugins = (*found, *self._registered)
            checks = [_ours(OUR_CHECKS), *((one.label, _made(one.checks)) for one in plugins)]
            steps = [_ours(OUR_STEPS), *((one.label, _made(one.steps)) for one in plugins)]
            errors = tuple(one.error for one in plugins if one.error is not None)
            self._loaded = _Loaded(
                plugins, _Family("check", checks, errors), _Family("step", steps, errors)
            )
        return self._loaded


def _ours(places: Mapping[str, str]) -> tuple[str, Mapping[str, Callable[[], Any]]]:
    """What we bring ourselves: imported one by one, because a run uses few of them."""
    return _OURS, {kind: functools.partial(_imported, place) for kind, place in places.items()}


@functools.cache
def _imported(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)()


def _made(kinds: Sequence[KindT]) -> Mapping[str, Callable[[], KindT]]:
    """What a plugin has made already."""
    return {one.kind: functools.partial(_itself, one) for one in kinds}


def _itself(kind: KindT) -> KindT:
    return kind


class _Family(Generic[KindT]):
    """All checks, or all steps: who brings which, under both spellings."""

    def __init__(
        self,
        noun: str,
        sources: Iterable[tuple[str, Mapping[str, Callable[[], KindT]]]],
        errors: tuple[PluginError, ...],
    ) -> None:
        self._noun = noun
        self._errors = errors
        self._claims: dict[str, list[tuple[str, Callable[[], KindT]]]] = {}
        self._names: dict[str, str] = {}
        for label, kinds in sources:
            for kind, get in kinds.items():
                # A kind that differs from another's in its spelling only is the same key.
                name = self._names.get(camel(kind), kind)
                self._claims.setdefault(name, []).append((label, get))
                self._names |= {kind: name, camel(kind): name}

    def knows(self, key: str) -> bool:
        return key in self._names

    def find(self, kind: str) -> KindT:
        claims = self._claims.get(self._names.get(kind, kind), [])
        if len(claims) == 1:
            return claims[0][1]()
        if claims:
            named = " and ".join(label for label, _ in claims)
            raise PluginError(
                f"The {self._noun} {kind!r} is claimed by {named}. Uninstall all but one."
            )
        if self._errors:
            causes = " ".join(map(str, self._errors))
            raise PluginError(
                f"There is no {self._noun} {kind!r}. {nearest(kind, list(self._claims))} "
                f"Or it is of a plugin that does not work. {causes}"
            )
        raise KeyError(kind)

    def usable(self) -> dict[str, KindT]:
        return {name: claims[0][1]() for name, claims in self._claims.items() if len(claims) == 1}


@attrs.frozen
class _Loaded:
    plugins: tuple[PluginRecord, ...]
    checks: _Family[Check]
    steps: _Family[Step]


@functools.lru_cache(maxsize=4)
def _installed(_path: tuple[str, ...]) -> Kinds:
    return Kinds()


@functools.lru_cache(maxsize=4)
def _discovered(_path: tuple[str, ...]) -> tuple[PluginRecord, ...]:
    """The plugins on this ``sys.path``, imported once."""
    records: dict[tuple[str, str | None], PluginRecord] = {}
    for one in announced(ENTRY_POINT_GROUP):
        found = PluginRecord(one.entry_point.name, *one.distribution)
        records[found.name, found.distribution] = _loaded_from(one.entry_point, found)
    return tuple(records[key] for key in sorted(records, key=str))


def _loaded_from(entry_point: importlib.metadata.EntryPoint, record: PluginRecord) -> PluginRecord:
    try:
        plugin = entry_point.load()
    except (Exception, SystemExit) as exc:  # noqa: BLE001 # whatever somebody's module does
        return _broken(record, f"{type(exc).__name__}: {exc}", exc)
    return _adopted(record, plugin)


def _adopted(record: PluginRecord, plugin: object) -> PluginRecord:
    """The record with what the plugin's hooks return, or with what is wrong with it."""
    from turnwire.checks.contract import Check
    from turnwire.steps.contract import Step

    # A manager of its own for each: what one returns must not be lost because another raises.
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(RunnerHooks)
    try:
        manager.register(plugin, record.name)
        manager.check_pending()
        checks = [one for some in manager.hook.turnwire_checks() for one in some]
        steps = [one for some in manager.hook.turnwire_steps() for one in some]
    except (Exception, SystemExit) as exc:  # noqa: BLE001 # whatever somebody's hook does
        return _broken(record, f"{type(exc).__name__}: {exc}", exc)
    problems = [
        *_problems(checks, Check, CHECK_KEYS),
        *_problems(steps, Step, STEP_KEYS),
    ]
    if not (checks or steps):
        problems.append("It has no hook 'turnwire_checks' or 'turnwire_steps' that returns kinds.")
    if problems:
        return _broken(record, " ".join(problems))
    return attrs.evolve(record, checks=tuple(checks), steps=tuple(steps))


def _problems(kinds: Sequence[Any], base: type[Any], common: Sequence[str]) -> Iterable[str]:
    """What keeps these from being kinds, as sentences."""
    seen: set[str] = set()
    for one in kinds:
        kind = getattr(one, "kind", None)
        if not isinstance(one, base) or not isinstance(kind, str) or not kind:
            yield f"It returned {one!r:.60}, which is no {base.__name__} with a kind."
            continue
        if kind in common:
            yield f"Its {kind!r} is a key that all kinds have."
        if camel(kind) in seen:
            yield f"It has {kind!r} twice."
        seen.add(camel(kind))
        if not attrs.has(one.options):
            yield f"The options of its {kind!r} are no attrs class."
        elif one.shorthand is not None and one.shorthand not in {
            field.name for field in fields_of(one.options)
        }:
            yield f"The shorthand {one.shorthand!r} of its {kind!r} is none of its options."


def _broken(record: PluginRecord, cause: str, exc: BaseException | None = None) -> PluginRecord:
    label = record.label[0].upper() + record.label[1:]
    error = PluginError(f"{label} is broken: {cause}")
    error.__cause__ = exc
    return attrs.evolve(record, error=error)
