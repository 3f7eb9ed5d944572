"""Observers are called as pluggy would call them, whoever they are."""

from __future__ import annotations

import traceback
import types
from collections.abc import Iterator
from typing import Any

import pytest

from turnwire_core.contracts.connection import Connection
from turnwire_core.errors import PluginError
from turnwire_core.hookspecs import hookimpl
from turnwire_core.observers import Observers
from turnwire_core.secrets import Secrets

SECRET = "sk-very-secret-1"
BOT = Connection(
    base_url="http://127.0.0.1/", protocol="sse", name="bot", secrets=Secrets([SECRET])
)


class Noting:
    """Notes what it is told of."""

    def __init__(self, name: str, notes: list[str]) -> None:
        self.name = name
        self.notes = notes

    @hookimpl
    def turnwire_chunk(self, chunk: Any) -> None:
        self.notes.append(f"{self.name}: {chunk}")


class First(Noting):
    @hookimpl(tryfirst=True)
    def turnwire_chunk(self, turn: Any, chunk: Any) -> None:
        self.notes.append(f"{self.name}: {turn} {chunk}")


class Wrapping(Noting):
    @hookimpl(wrapper=True)
    def turnwire_chunk(self) -> Iterator[None]:
        self.notes.append(f"{self.name} before")
        result = yield
        self.notes.append(f"{self.name} after")
        return result


class Failing:
    @hookimpl
    def turnwire_chunk(self) -> None:
        raise ValueError("no room")


def tell(*observers: object) -> None:
    call = Observers(observers).chunk
    assert call is not None
    call(connection=BOT, turn=1, chunk="Hi")


def test_the_last_one_is_called_first_with_the_arguments_that_it_names() -> None:
    notes: list[str] = []
    tell(First("a", notes), Noting("b", notes), Noting("c", notes))
    assert notes == ["a: 1 Hi", "c: Hi", "b: Hi"]


def test_observers_of_the_same_classes_are_told_apart() -> None:
    for _ in range(2):
        ours: list[str] = []
        theirs: list[str] = []
        tell(Noting("ours", ours))
        tell(Noting("theirs", theirs))
        assert (ours, theirs) == (["ours: Hi"], ["theirs: Hi"])


def test_a_hook_that_nobody_implements_is_none() -> None:
    observers = Observers([Noting("a", [])])
    assert observers.chunk is not None
    assert observers.frame is None
    assert Observers([]).chunk is None


def test_a_wrapper_wraps_the_others() -> None:
    for _ in range(2):
        notes: list[str] = []
        tell(Noting("a", notes), Wrapping("w", notes))
        assert notes == ["w before", "a: Hi", "w after"]


def test_modules_and_objects_with_hooks_of_their_own_are_observers() -> None:
    for said in ("one", "other"):
        notes: list[str] = []
        module = types.ModuleType("observing")
        single = types.SimpleNamespace()

        @hookimpl
        def turnwire_chunk(chunk: Any, said: str = said, notes: list[str] = notes) -> None:
            notes.append(f"{said} {chunk}")

        module.turnwire_chunk = single.turnwire_chunk = turnwire_chunk  # type: ignore[attr-defined] # a plugin
        tell(module)
        tell(single)
        assert notes == [f"{said} Hi"] * 2


def test_what_an_observer_raises_is_named_as_its_own() -> None:
    with pytest.raises(PluginError, match="turnwire_chunk: ValueError: no room"):
        tell(Failing())


def test_a_secret_that_an_observer_raises_with_is_shown_nowhere() -> None:
    class Quoting:
        @hookimpl
        def turnwire_chunk(self) -> None:
            raise ValueError(f"no room for {SECRET}")

    with pytest.raises(PluginError) as caught:
        tell(Quoting())
    shown = "".join(traceback.format_exception(caught.value))
    assert "ValueError: no room for ***" in shown
    assert SECRET not in shown.replace('f"no room for {SECRET}"', "")


def test_one_that_comes_twice_is_refused() -> None:
    observer = Noting("a", [])
    for _ in range(2):
        with pytest.raises(ValueError, match="already registered"):
            Observers([observer, observer])
