"""Driving the WebSocket driver without the rest of Turnwire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio

from turnwire_core.contracts.connection import Connection, Limits
from turnwire_core.contracts.driver import FrameStream, Session
from turnwire_core.events import Frame, Message, Turn
from turnwire_websocket import WebSocketDriver, WebSocketOptions

PATIENCE_S = 5.0
"""Far beyond what any step takes: a test that reaches it has failed."""


def connection(url: str, *, limits: dict[str, Any] | None = None, **fields: Any) -> Connection:
    bounds = {"connect_ms": 3000, "close_ms": 3000, **(limits or {})}
    return Connection(
        base_url=url,
        protocol="websocket",
        name="test",
        trust_env=False,
        limits=Limits(**bounds),
        **fields,
    )


def turn(*bodies: Any) -> Turn:
    return Turn(
        index=0, message="hi", transcript=(Message("user", "hi"),), bodies=bodies or ("hi",)
    )


@asynccontextmanager
async def open_session(
    url: str,
    *,
    limits: dict[str, Any] | None = None,
    fields: dict[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[Session]:
    """A session with these options, all of it within :data:`PATIENCE_S`."""
    target = connection(url, limits=limits, **(fields or {}))
    with anyio.fail_after(PATIENCE_S):
        async with WebSocketDriver().connect(target, WebSocketOptions(**options)) as session:
            yield session


@asynccontextmanager
async def one_turn(url: str, *bodies: Any, **settings: Any) -> AsyncIterator[FrameStream]:
    """One turn in a session of its own."""
    async with open_session(url, **settings) as session, session.exchange(turn(*bodies)) as frames:
        yield frames


async def read_turn(session: Session, got: list[str | bytes]) -> None:
    """Read a turn to its end, whatever that is: it is raised. ``got`` collects the texts."""
    async with session.exchange(turn()) as frames:
        while True:
            got.extend(frame.data for frame in await frames.receive())


async def take(frames: FrameStream, count: int) -> list[Frame]:
    """The next ``count`` frames."""
    taken: list[Frame] = []
    while len(taken) < count:
        taken.extend(await frames.receive())
    return taken


async def texts(frames: FrameStream, count: int) -> list[str | bytes]:
    return [frame.data for frame in await take(frames, count)]
