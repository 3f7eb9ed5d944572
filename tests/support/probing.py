"""Probing servers of a test, and the servers that it takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import anyio
from anyio.abc import ByteStream

from support.http_peer import response
from support.raw_server import Handler, read_http_request
from turnwire.probing import Probe, ProbeResult, Step, StepName
from turnwire_core import Connection, Plugins, parse_connection

SSE_RULES = {"contentPath": "text", "finishPath": "done"}
HELLO = ({"text": "Hel"}, {"text": "lo"}, {"done": True})

_PLUGINS = Plugins()


async def probe(settings: dict[str, Any], **options: Any) -> ProbeResult:
    """What a probe of a connection ``bot`` with these settings finds."""
    environ = options.pop("environ", None)
    trust_env = options.pop("trust_env", False)
    plugins = options.setdefault("plugins", _PLUGINS)
    options.setdefault("second_turn", False)

    async def load() -> Connection:
        return parse_connection(
            settings, name="bot", plugins=plugins, trust_env=trust_env, environ=environ
        )

    with anyio.fail_after(20):
        return await Probe(load, name="bot", source="turnwire.json", **options).run()


def step(result: ProbeResult, name: str) -> Step:
    """One of its steps."""
    return next(one for one in result.steps if one.name is StepName(name))


def told(result: ProbeResult) -> str:
    """Everything that it says of the step at which it ends, and of what it warns of."""
    return "\n".join(
        f"{one.name.value} {one.status.value}: {one.found}\ncause: {one.cause}\nfix: {one.fix}"
        for one in result.steps
        if one.cause is not None
    )


def events(*values: Any) -> bytes:
    """Server-Sent Events; text is data as it is, anything else JSON."""
    return b"".join(
        b"data: " + (value if isinstance(value, str) else json.dumps(value)).encode() + b"\n\n"
        for value in values
    )


def streamed(*values: Any, content_type: str = "text/event-stream", apart: bool = True) -> Handler:
    """Answers every request with these events and ends each answer by closing.

    With ``apart`` every event is a write of its own, that the client can have read before the next.
    """

    async def handle(stream: ByteStream) -> None:
        await read_http_request(stream)  # type: ignore[arg-type]  # reads only
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nConnection: close\r\n\r\n"
        await stream.send(head.encode())
        for part in map(events, values) if apart else [events(*values)]:
            await stream.send(part)
            await anyio.sleep(0.002)

    return handle


def answering(
    body: bytes | str = b"{}",
    *,
    status: str = "200 OK",
    headers: Sequence[str] = ("Content-Type: application/json",),
) -> Handler:
    """Answers every request of a connection with the same response."""
    data = body if isinstance(body, bytes) else body.encode()

    async def handle(stream: ByteStream) -> None:
        while True:
            await read_http_request(stream)  # type: ignore[arg-type]  # reads only
            await stream.send(response(data, status=status, headers=headers))

    return handle


async def silent(stream: ByteStream) -> None:
    """Takes whatever comes, and says nothing."""
    while True:
        await stream.receive()


def sse(port: int, path: str = "/chat", **more: Any) -> dict[str, Any]:
    """Settings of a connection to an event stream on loopback."""
    return {
        "base_url": f"http://127.0.0.1:{port}{path}",
        "protocol": "sse",
        "sse": SSE_RULES,
        **more,
    }


def chat(port: int, path: str = "/chat", **more: Any) -> dict[str, Any]:
    """Settings of an HTTP chat on loopback."""
    return {"base_url": f"http://127.0.0.1:{port}{path}", **more}


def websocket(url: str, rules: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Settings of a WebSocket."""
    return {"base_url": url, "protocol": "websocket", "websocket": rules or SSE_RULES, **more}
