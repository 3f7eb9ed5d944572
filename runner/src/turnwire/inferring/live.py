"""Making the call: one message to a live target, and everything that comes back.

Over HTTP the bytes are taken as they come, whatever they are announced as: a driver would refuse
what it cannot name, and to name it is what is wanted here. Any other protocol is its driver's.
"""

from __future__ import annotations

import time
from typing import Any, Final

import anyio
import attrs

from turnwire.inferring.bodies import read_reply
from turnwire.inferring.evidence import Event, Reply
from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.driver import Driver, EndOfStream, FrameStream
from turnwire_core.conversation.rendering import TurnRenderer
from turnwire_core.errors import DriverError, Phase, RejectedError, TimeLimitError
from turnwire_core.events import Message, Turn
from turnwire_core.http import HttpClient, HttpResponse, excerpt_of
from turnwire_core.plugins import Plugins

HTTP_PROTOCOLS: Final = ("sse", "http_chat")
"""The protocols of which the bytes are looked at before a driver is chosen."""

_ACCEPT: Final = "text/event-stream, application/x-ndjson;q=0.9, application/json;q=0.8, */*;q=0.1"
_QUIET_S: Final = 5.0
"""After so long without a sign of life a reply on a socket is taken for over."""


def driver_for_http(plugins: Plugins) -> str:
    """The protocol whose driver makes requests over HTTP, of those that are installed.

    Raises:
        PluginError: there is none; says what to install.
    """
    installed = plugins.protocols()
    chosen = next((one for one in HTTP_PROTOCOLS if one in installed), HTTP_PROTOCOLS[0])
    plugins.driver(chosen)
    return chosen


async def call(
    connection: Connection, plugins: Plugins, message: str, *, quiet_s: float | None = None
) -> Reply:
    """Send ``message``, and collect the reply, up to its end or until it is quiet.

    Quiet is, if ``quiet_s`` does not say it, 5 seconds on a socket, which has no other end, and
    ``limits.idleMs`` over HTTP.

    A reply that broke off or took too long is a reply that has not ended; one of which nothing
    came is an error.

    Raises:
        DriverError: the target could not be reached, or nothing came of it.
        PluginError: the driver is missing or broken.
        ConfigError: what is to be sent cannot be.
    """
    driver = plugins.driver(connection.protocol)
    turn = _turn(connection, driver, message)
    if connection.protocol in HTTP_PROTOCOLS:
        return await _call_http(connection, turn, quiet_s or connection.limits.idle_ms / 1000)
    return await _call_driver(connection, driver, turn, quiet_s or _QUIET_S)


def check_answer(connection: Connection, reply: Reply) -> None:
    """Refuse an answer that is no reply.

    Raises:
        RejectedError: its status is no success; shows how its body begins.
    """
    if reply.status is not None and reply.status >= 300:
        said = excerpt_of(
            (reply.events[0].data if reply.events else "nothing").encode("utf-8", "replace"),
            connection.secrets,
            limit=300,
        )
        raise RejectedError(
            f"{connection.origin} answered {reply.status}: {said}", status=reply.status, body=said
        )


def _turn(connection: Connection, driver: Driver[Any], message: str) -> Turn:
    renderer = TurnRenderer(connection, driver)
    return renderer.render(
        0,
        (Message("user", message),),
        persona=connection.persona,
        variables=connection.variables,
        session_id="turnwire-infer",
    )


async def _call_http(connection: Connection, turn: Turn, quiet_s: float) -> Reply:
    body = turn.bodies[0] if turn.bodies else None
    response: HttpResponse | None = None
    async with HttpClient(connection) as client:
        with anyio.move_on_after(connection.timeout_ms / 1000):
            response = await client.respond(
                connection.request.method, turn.headers, turn.query, body=body, accept=_ACCEPT
            )
        if response is None:
            raise _nothing_came(connection, Phase.HEADERS)
        try:
            data, ended, quiet = await _read_body(response, connection, quiet_s)
        finally:
            await response.drop()
    head = f"HTTP/1.1 {response.status} \r\nContent-Type: {response.content_type}\r\n\r\n"
    reply = read_reply(head.encode("latin-1", "replace") + data)
    return attrs.evolve(reply, ended=reply.ended and ended, stays_open=quiet)


async def _read_body(
    response: HttpResponse, connection: Connection, quiet_s: float
) -> tuple[bytes, bool, bool]:
    """The body, whether its end was seen or it was cut off, and whether it fell silent."""
    data = bytearray()
    response.check_encoding()
    with anyio.move_on_after(connection.timeout_ms / 1000):
        while True:
            try:
                with anyio.move_on_after(quiet_s if data else None) as quiet:
                    data += (await response.receive())[0]
                if quiet.cancelled_caught:
                    return bytes(data), True, True
            except EndOfStream:
                return bytes(data), True, False
            except DriverError:
                if not data:
                    raise
                break
    return bytes(data), False, False


async def _call_driver(
    connection: Connection, driver: Driver[Any], turn: Turn, quiet_s: float
) -> Reply:
    events: list[Event] = []
    start_ns = time.perf_counter_ns()
    whole = ends = ended = False
    try:
        with anyio.move_on_after(connection.timeout_ms / 1000):
            async with (
                driver.connect(connection, connection.options) as session,
                session.exchange(turn) as stream,
            ):
                ends = stream.ends
                ended, whole = await _read_frames(stream, events, start_ns, quiet_s)
    except DriverError:
        if not events:
            raise
    if not events:
        raise _nothing_came(connection, Phase.STREAM)
    return Reply(
        events=tuple(events),
        body_format="ndjson",
        whole=whole,
        ended=ended,
        stays_open=not ends,
    )


async def _read_frames(
    stream: FrameStream, events: list[Event], start_ns: int, quiet_s: float
) -> tuple[bool, bool]:
    """Collect frames; whether the reply came to an end, and whether it is one document."""
    whole = False
    while True:
        try:
            with anyio.move_on_after(quiet_s if events else None) as quiet:
                frames = await stream.receive()
            if quiet.cancelled_caught:
                return True, whole
        except EndOfStream:
            return True, whole
        for frame in frames:
            text = frame.data
            if isinstance(text, bytes):
                text = text.decode("utf-8", "replace")
            events.append(Event.of(text, frame.event, (frame.received_ns - start_ns) / 1_000_000))
            whole = whole or frame.whole


def _nothing_came(connection: Connection, phase: Phase) -> TimeLimitError:
    return TimeLimitError(
        f"{connection.origin} did not answer within {connection.timeout_ms / 1000:g} seconds. Does "
        "it know the message for one? Give the body that it expects: --data JSON.",
        limit="total",
        phase=phase,
    )
