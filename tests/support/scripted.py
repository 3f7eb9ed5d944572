"""A driver without a network: each turn goes as a test has written it down."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from types import EllipsisType
from typing import Any, ClassVar

import anyio
import attrs
from anyio.lowlevel import checkpoint

from turnwire_core import Conversation, open_conversation, parse_connection
from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.driver import API_VERSION, Driver, EndOfStream, FrameStream, Session
from turnwire_core.events import Frame, Turn, WireTimes
from turnwire_core.hookspecs import hookimpl
from turnwire_core.plugins import Plugins

Step = str | Frame | tuple[str, ...] | float | Exception | EllipsisType
"""What one ``receive`` comes to: a frame, the frames of one read (``()`` is a heartbeat), some
seconds of waiting before what follows, an exception, or (``...``) silence for ever."""


@attrs.define
class Act:
    """How one attempt goes. After the last step the stream ends."""

    steps: Sequence[Step] = ()
    refusal: Exception | None = None
    """Raised instead of a stream."""
    wait_s: float = 0.0
    """Before the head."""
    ends: bool = True
    times: WireTimes = attrs.field(factory=WireTimes)
    leaving: Exception | None = None
    """Raised when the context is left."""


def frame(data: str, *, event: str | None = None, whole: bool = False) -> Frame:
    """A frame that arrives now."""
    return Frame(time.perf_counter_ns(), data, event, raw=len(data), whole=whole)


class ScriptedDriver(Driver[Any]):
    """Plays its acts in order, the last one again and again; keeps what it was asked for."""

    name: ClassVar[str] = "scripted"
    api_version: ClassVar[int] = API_VERSION

    def __init__(self, acts: Iterable[Act]) -> None:
        self.acts = list(acts)
        self.turns: list[Turn] = []
        self.left: list[type[BaseException] | None] = []
        """How each attempt was left: None, or the class of the exception."""
        self.received = 0
        self.is_open = False

    @asynccontextmanager
    async def connect(self, connection: Connection, options: Any) -> AsyncIterator[Session]:
        self.is_open = True
        try:
            yield _Session(self)
        finally:
            self.is_open = False

    @hookimpl
    def turnwire_driver(self) -> Driver[Any]:
        return self


class _Session(Session):
    def __init__(self, driver: ScriptedDriver) -> None:
        self._driver = driver

    @asynccontextmanager
    async def exchange(self, turn: Turn) -> AsyncIterator[FrameStream]:
        driver = self._driver
        act = driver.acts[min(len(driver.turns), len(driver.acts) - 1)]
        driver.turns.append(turn)
        await checkpoint()
        if act.wait_s:
            await anyio.sleep(act.wait_s)
        if act.refusal is not None:
            raise act.refusal
        try:
            yield _Stream(driver, act)
        except BaseException as exc:
            driver.left.append(type(exc))
            raise
        driver.left.append(None)
        if act.leaving is not None:
            raise act.leaving


class _Stream(FrameStream):
    def __init__(self, driver: ScriptedDriver, act: Act) -> None:
        self.ends = act.ends  # type: ignore[misc]  # of the class in real drivers
        self._driver = driver
        self._act = act
        self._steps = list(act.steps)

    @property
    def times(self) -> WireTimes:
        return self._act.times

    async def receive(self) -> Sequence[Frame]:
        await checkpoint()
        self._driver.received += 1
        while self._steps:
            match self._steps.pop(0):
                case float() | int() as seconds:
                    await anyio.sleep(seconds)
                case EllipsisType():
                    await anyio.sleep_forever()
                case Exception() as exc:
                    raise exc
                case str() as data:
                    return [frame(data)]
                case tuple() as several:
                    return [frame(data) for data in several]
                case Frame() as one:
                    return [one]
        raise EndOfStream


@asynccontextmanager
async def scripted(
    *acts: Act | Sequence[Step],
    observers: Sequence[object] = (),
    rules: dict[str, Any] | None = None,
    environ: dict[str, str] | None = None,
    persona: str | None = None,
    **settings: Any,
) -> AsyncIterator[tuple[Conversation, ScriptedDriver]]:
    """A conversation in which each attempt goes like the next of ``acts``.

    Frames are JSON with the text at ``t``, and finish it with ``done``.
    """
    driver = ScriptedDriver(act if isinstance(act, Act) else Act(act) for act in acts)
    plugins = Plugins(discover=False)
    plugins.register(driver, "scripted")
    document = {
        "base_url": "http://nowhere.invalid/",
        "protocol": "scripted",
        "scripted": {"contentPath": "t", "finishPath": "done"} if rules is None else rules,
        **settings,
    }
    connection = parse_connection(document, plugins=plugins, environ=environ or {})
    async with open_conversation(
        connection, plugins=plugins, observers=observers, persona=persona
    ) as conversation:
        yield conversation, driver


HEL, LO, LAST = '{"t":"Hel"}', '{"t":"lo"}', '{"t":"lo","done":true}'
HELLO = (HEL, LAST)
