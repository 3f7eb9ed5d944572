"""Which paths there are, and what is spoken on each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs

from turnwire.assistant.framing import Event, frame_ndjson, frame_sse
from turnwire.assistant.shapes import (
    AnthropicMessages,
    OpenAIChat,
    OpenAIResponses,
    Plain,
    PlainText,
    Shape,
)


@attrs.frozen
class Streaming:
    """How a streamed body is written."""

    content_type: str
    frame: Callable[[Event], bytes]


SSE: Final = Streaming("text/event-stream", frame_sse)
NDJSON: Final = Streaming("application/x-ndjson", frame_ndjson)


@attrs.frozen
class Route:
    """A path that is asked over HTTP.

    ``stream`` is True or False where the path decides, None where the request does.
    """

    path: str
    summary: str
    shape: type[Shape]
    stream: bool | None = None
    streaming: Streaming = SSE
    methods: tuple[str, ...] = ("POST",)


@attrs.frozen
class Page:
    """A path that answers with the same document to everybody."""

    path: str
    summary: str
    methods: tuple[str, ...] = ("GET", "HEAD")
    open: bool = False
    """True: no token is asked for."""


@attrs.frozen
class Socket:
    """A path that becomes a WebSocket. A message is a JSON object, or text for ``PlainText``."""

    path: str
    summary: str
    shape: type[Plain]
    methods: tuple[str, ...] = ("GET",)


_BOTH: Final = ("POST", "GET")

ROUTES: Final[tuple[Route | Page | Socket, ...]] = (
    Page("/", "this list", open=True),
    Page("/sends", "when the latest replies were written, piece by piece"),
    Route("/chat", 'JSON: {"reply": …}', Plain, stream=False, methods=_BOTH),
    Route("/chat/stream", 'SSE: {"content": …} … {"done": true}', Plain, True, methods=_BOTH),
    Route("/ndjson", "the same as NDJSON", Plain, True, NDJSON, methods=_BOTH),
    Socket("/ws", 'WebSocket: {"message": …} in, {"content": …} … {"done": true} out', Plain),
    Socket("/ws/text", "WebSocket: text in, pieces of text and [DONE] out", PlainText),
    Route("/v1/chat/completions", "the OpenAI Chat Completions API", OpenAIChat),
    Route("/v1/responses", "the OpenAI Responses API", OpenAIResponses),
    Route("/v1/messages", "the Anthropic Messages API", AnthropicMessages),
)


def find(path: str) -> Route | Page | Socket | None:
    """The route of a path, or None."""
    return next((route for route in ROUTES if route.path == path), None)


def listing() -> list[dict[str, Any]]:
    """The routes as a JSON document."""
    return [
        {"path": route.path, "methods": list(route.methods), "summary": route.summary}
        for route in ROUTES
    ]


def spelled_out() -> str:
    """The routes in one line, for messages."""
    return ", ".join(f"{route.methods[0]} {route.path}" for route in ROUTES)
