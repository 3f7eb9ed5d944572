"""A row of a table of faults, and the pieces that injectors are made of."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote

import anyio
import anyio.lowlevel
import attrs
from anyio.abc import SocketStream

from support.raw_server import Handler, read_http_request

SECRET: Final = "tok-5ecret/+42=="
"""Every connection of the tables carries it in a header, and targets send it back."""

FORMS: Final = (
    SECRET,
    quote(SECRET),
    quote(SECRET, safe=""),
    json.dumps(SECRET).strip('"').replace("/", r"\/"),
    base64.b64encode(SECRET.encode()).decode().rstrip("="),
)
"""How a server, or a library, may have written it."""

LIMITS: Final = {"connectMs": 2000, "closeMs": 100, "lingerMs": 100}


@attrs.frozen
class Fault:
    """What a target does, and what a turn with it must look like.

    ``says`` is a regular expression that the reply's error must match; None where there is no
    error. ``content`` is the text that had arrived. ``at_most_ms`` bounds the turn.
    ``repeats`` is how many turns go this way, one after another in one conversation. ``settings``
    are laid over those of the table; the value of a key that is a mapping is merged.
    """

    name: str
    serve: Handler
    verdict: str
    phase: str | None = None
    says: str | None = None
    content: str = ""
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    at_most_ms: float = 2000
    at_least_ms: float = 0
    repeats: int = 1
    hint: str = ""


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """``below`` with the keys of ``above``; what is a mapping in both is merged in its turn."""
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[key] = merged(old, value) if both else value
    return result


Then = Callable[[SocketStream], Awaitable[None]]
"""How a connection goes on, once something was said."""


def says(*pieces: bytes, then: Then | None = None) -> Handler:
    """Read a request, send the pieces one by one, then hang up, or do what ``then`` does."""

    async def serve(stream: SocketStream) -> None:
        await read_http_request(stream)
        for piece in pieces:
            await stream.send(piece)
        if then is not None:
            await then(stream)

    return serve


async def wait(stream: SocketStream) -> None:
    """Say nothing more, and wait until the client has hung up."""
    with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
        while True:
            await stream.receive()


def again(piece: bytes, *, every: float = 0.0) -> Then:
    """Send ``piece`` for ever, every so many seconds."""

    async def go_on(stream: SocketStream) -> None:
        while True:
            await stream.send(piece)
            await anyio.sleep(every)

    return go_on


def then_in_order(*steps: Then) -> Then:
    async def one_by_one(stream: SocketStream) -> None:
        for step in steps:
            await step(stream)

    return one_by_one


def after(seconds: float, step: Then) -> Then:
    async def later(stream: SocketStream) -> None:
        await anyio.sleep(seconds)
        await step(stream)

    return later


def byte_by_byte(data: bytes) -> Then:
    """Each byte in a segment of its own (anyio sets TCP_NODELAY)."""

    async def drip(stream: SocketStream) -> None:
        for index in range(len(data)):
            await stream.send(data[index : index + 1])
            await anyio.lowlevel.checkpoint()

    return drip
