"""One connection from its first byte to its last: finds the route, and has it answered."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Final

import h11
from anyio.abc import ByteStream
from wsproto.utilities import generate_accept_token

from turnwire.assistant.desk import Desk
from turnwire.assistant.documents import parse_object
from turnwire.assistant.errors import BadRequest
from turnwire.assistant.framing import to_json
from turnwire.assistant.http_wire import Headers, HttpOutlet, HttpRequest, HttpWire
from turnwire.assistant.routes import SSE, Page, Route, Socket, find, listing, spelled_out
from turnwire.assistant.shapes import Plain, Shape
from turnwire.assistant.stage import asked_for, perform
from turnwire.assistant.websocket_wire import (
    GONE,
    SocketConversation,
    SocketOptions,
    SocketWire,
)

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110 §5.6.2."""

_QUERY_MEMBERS: Final = ("message", "sessionId", "persona")
"""What a GET may say in the query instead of a body."""


async def receive_client(desk: Desk, stream: ByteStream) -> None:
    """Answer the requests of one client until it hangs up. Raises nothing that a client can do."""
    wire = HttpWire(stream)
    try:
        await _answer_all(desk, wire)
    except h11.RemoteProtocolError as exc:
        if wire.may_respond:
            status = exc.error_status_hint or 400
            with suppress(*GONE):
                await _refuse(wire, Plain, status, f"That is no HTTP request: {exc}.", last=True)
    except GONE:
        pass


async def _answer_all(desk: Desk, wire: HttpWire) -> None:
    while (request := await wire.next_request()) is not None:
        await _answer(desk, wire, request)
        if not wire.next_cycle():
            return


async def _answer(desk: Desk, wire: HttpWire, request: HttpRequest) -> None:
    route = find(request.path)
    shape = Plain if route is None or isinstance(route, Page) else route.shape
    try:
        body = await wire.read_body()
    except BadRequest as exc:
        return await _refuse(wire, shape, exc.status, str(exc), last=True)
    if route is None:
        message = f"There is no {request.method} {request.path}. There are: {spelled_out()}."
        return await _refuse(wire, shape, 404, message)
    if request.method not in route.methods:
        allowed = ", ".join(route.methods)
        message = f"{route.path} takes {allowed}, not {request.method}."
        return await _refuse(wire, shape, 405, message, [("Allow", allowed)])
    if not (isinstance(route, Page) and route.open) and not desk.may_enter(request.headers):
        message = "The token is missing or wrong. Send 'Authorization: Bearer …' or 'x-api-key: …'."
        return await _refuse(wire, shape, 401, message, [("WWW-Authenticate", "Bearer")])
    try:
        match route:
            case Page():
                return await _show(desk, wire, route)
            case Route():
                return await _reply(desk, wire, request, route, body)
            case Socket():
                return await _upgrade(desk, wire, request, route)
    except BadRequest as exc:
        return await _refuse(wire, shape, exc.status, str(exc))


async def _refuse(
    wire: HttpWire,
    shape: type[Shape],
    status: int,
    message: str,
    headers: Headers | None = None,
    *,
    last: bool = False,
) -> None:
    """Answer with an error; ``last`` gives up the connection, whose state is not known."""
    body = shape.rejection(status, message)
    if last:
        headers = [*(headers or []), ("Connection", "close")]
    await wire.respond(status, to_json(body), headers)
    if last:
        await wire.drain()


async def _show(desk: Desk, wire: HttpWire, page: Page) -> None:
    if page.path == "/":
        document = {"name": "Turnwire demo assistant", "routes": listing()}
    else:
        document = {"sends": [record.as_json() for record in desk.sends]}
    await wire.respond(200, json.dumps(document, indent=2, ensure_ascii=False))


async def _reply(
    desk: Desk, wire: HttpWire, request: HttpRequest, route: Route, body: bytes
) -> None:
    wishes = desk.wishes(request.query, request.headers)
    if request.method == "GET":
        members = {name: text for name, text in request.query.items() if name in _QUERY_MEMBERS}
    else:
        members = parse_object(body, "The body")
    question = route.shape.read(members)
    plan = desk.plan(route.path, route.shape, question, wishes)
    stream = bool(question.stream) if route.stream is None else route.stream
    await perform(
        plan.steps,
        plan.shape,
        HttpOutlet(wire, route.streaming),
        plan.record,
        stream=stream,
        finished=plan.remember,
    )


async def _upgrade(desk: Desk, wire: HttpWire, request: HttpRequest, route: Socket) -> None:
    """The opening handshake of RFC 6455 §4.2, then the conversation."""
    key = request.headers.get("sec-websocket-key")
    if request.headers.get("upgrade", "").lower() != "websocket" or not key:
        message = f"{route.path} is a WebSocket: ask for it with 'Upgrade: websocket' (ws://)."
        fields = [("Upgrade", "websocket"), ("Connection", "Upgrade")]
        return await _refuse(wire, route.shape, 426, message, fields)
    if request.headers.get("sec-websocket-version") != "13":
        message = "Only version 13 of the WebSocket protocol is spoken here."
        return await _refuse(wire, route.shape, 426, message, [("Sec-WebSocket-Version", "13")])
    wishes = desk.wishes(request.query, request.headers)
    options = SocketOptions.read(request.query, wishes)
    if rejection := wishes.rejection:
        return await HttpOutlet(wire, SSE).reject(
            rejection.status, asked_for(route.shape, rejection.status), rejection.retry_after
        )
    fields = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", generate_accept_token(key.encode()).decode()),
    ]
    # Whatever sub-protocol the client likes best is spoken: the messages are the same in all.
    if offered := _TOKEN.search(request.headers.get("sec-websocket-protocol", "")):
        fields.append(("Sec-WebSocket-Protocol", offered[0]))
    await wire.send(h11.InformationalResponse(status_code=101, headers=fields))
    socket = SocketWire(wire.stream, wire.trailing_data)
    return await SocketConversation(desk, route, options, socket).run()
