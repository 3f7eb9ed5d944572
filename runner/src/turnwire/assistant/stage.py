"""Plays a script: waits, and hands the events to an outlet, which writes them to a socket."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from time import perf_counter_ns
from typing import Any, assert_never

import anyio
import attrs

from turnwire.assistant.framing import Event, to_json
from turnwire.assistant.script import (
    FAILURE,
    Cut,
    Fail,
    Finish,
    Garble,
    Hang,
    Heartbeat,
    Open,
    Reject,
    Say,
    Steps,
    Think,
    Wait,
    Whole,
)
from turnwire.assistant.shapes import Shape


@attrs.define
class SendRecord:
    """When the server wrote one reply, in nanoseconds of :func:`time.perf_counter_ns`.

    A stamp is taken just before the bytes are handed to the socket, so nobody can have them
    earlier. ``chunks_ns`` has one for each event with text, ``finished_ns`` is that of the event
    which says that the reply is complete.
    """

    path: str
    received_ns: int
    """When the request, or the message, had been read."""
    chunks_ns: list[int] = attrs.field(factory=list)
    finished_ns: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The record as a JSON document."""
        return attrs.asdict(self)


class Outlet(ABC):
    """Where a reply goes: the body of a response, or a WebSocket.

    All of these raise what anyio raises when the client is gone (``BrokenResourceError``,
    ``ClosedResourceError``).
    """

    @abstractmethod
    async def open(self) -> None:
        """Write what stands before the first event."""

    @abstractmethod
    async def write(self, event: Event) -> None:
        """Write one event, by itself."""

    @abstractmethod
    async def end(self, *, complete: bool) -> None:
        """The reply is over. Not ``complete``: nothing had said so."""

    @abstractmethod
    async def hang(self) -> None:
        """Say nothing more until the client is gone."""

    @abstractmethod
    async def cut(self) -> None:
        """Drop the connection in the middle of what is being said."""

    @abstractmethod
    async def reject(self, status: int, body: dict[str, Any], retry_after: int | None) -> None:
        """Answer with a status instead of a reply."""

    @abstractmethod
    async def document(self, text: str, *, cut: bool = False) -> None:
        """Answer with one JSON document; with ``cut``, drop the connection in the middle of it."""


async def perform(
    steps: Steps,
    shape: Shape,
    outlet: Outlet,
    record: SendRecord,
    *,
    stream: bool,
    finished: Callable[[], None],
) -> None:
    """Play the script to its end. ``finished`` is called before the finish is written.

    So whoever has read the finish finds the turn remembered.
    """
    if stream and not any(isinstance(step, Whole) for step in steps):
        await _stream(steps, shape, outlet, record, finished)
    else:
        await _whole(steps, shape, outlet, record, finished)


async def _stream(
    steps: Steps,
    shape: Shape,
    outlet: Outlet,
    record: SendRecord,
    finished: Callable[[], None],
) -> None:
    complete = False
    for step in steps:
        match step:
            case Open():
                await outlet.open()
                await _write(outlet, shape.opening())
            case Wait(ms):
                await anyio.sleep(ms / 1000)
            case Say(text):
                record.chunks_ns.append(await _write(outlet, shape.say(text)))
            case Think(text):
                await _write(outlet, shape.thought(text))
            case Heartbeat():
                await outlet.write(shape.heartbeat())
            case Garble():
                await outlet.write(shape.garbage())
            case Finish():
                finished()
                complete = True
                stamps = [await _write(outlet, [event]) for event in shape.closing()]
                record.finished_ns = stamps[shape.finish_position] if stamps else None
            case Fail(message):
                await _write(outlet, shape.failure(message))
                complete = True
                break
            case Hang():
                return await outlet.hang()
            case Cut():
                return await outlet.cut()
            case Reject(status, retry_after):
                return await outlet.reject(status, asked_for(shape, status), retry_after)
            case Whole():
                raise AssertionError("a whole reply is no stream")
            case _:
                assert_never(step)
    return await outlet.end(complete=complete)


async def _write(outlet: Outlet, events: Iterable[Event]) -> int:
    """The stamp of the last event."""
    stamp = perf_counter_ns()
    for event in events:
        stamp = perf_counter_ns()
        await outlet.write(event)
    return stamp


async def _whole(
    steps: Steps,
    shape: Shape,
    outlet: Outlet,
    record: SendRecord,
    finished: Callable[[], None],
) -> None:
    """The same script as one document: it takes as long, and is there at once at the end."""
    cut = garbled = False
    for step in steps:
        match step:
            case Wait(ms):
                await anyio.sleep(ms / 1000)
            case Say(text):
                shape.say(text)
            case Fail():
                return await outlet.reject(500, shape.rejection(500, FAILURE), None)
            case Hang():
                return await outlet.hang()
            case Cut():
                cut = True
            case Reject(status, retry_after):
                return await outlet.reject(status, asked_for(shape, status), retry_after)
            case Garble():
                garbled = True
            case Finish():
                finished()
            case _:
                pass  # What an open stream has to say has no place in a document.
    record.finished_ns = perf_counter_ns()
    if shape.text:
        record.chunks_ns.append(record.finished_ns)
    text = to_json(shape.document())
    return await outlet.document(text[: len(text) // 2] if garbled else text, cut=cut)


def asked_for(shape: Shape | type[Shape], status: int) -> dict[str, Any]:
    """The body of a status that somebody asked for."""
    return shape.rejection(status, f"Status {status}. This error was asked for.")
