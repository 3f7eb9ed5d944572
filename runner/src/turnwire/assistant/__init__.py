"""The built-in assistant: a real server on loopback that speaks what Turnwire tests.

It needs no model and no network, its replies are the same every time, and it keeps a scripted
pace: good for a first look, for tests of a test suite, and for measuring Turnwire itself.

| route | what is spoken |
|---|---|
| ``GET /`` | the routes, as JSON |
| ``GET /sends`` | when the latest replies were written, piece by piece |
| ``POST /chat`` | ``{"message", "transcript"?, "sessionId"?, "persona"?}`` to ``{"reply": …}`` |
| ``POST /chat/stream`` | the same to Server-Sent Events: ``{"content": …}`` … ``{"done": true}`` |
| ``POST /ndjson`` | the same, one JSON document a line |
| ``WS /ws`` | ``{"message": …}`` to ``{"content": …}`` … ``{"done": true}`` |
| ``WS /ws/text`` | text to pieces of text, and ``[DONE]`` (``?end=`` takes another end, or none) |
| ``POST /v1/chat/completions`` | the OpenAI Chat Completions API, streamed or not |
| ``POST /v1/responses`` | the OpenAI Responses API, streamed or not |
| ``POST /v1/messages`` | the Anthropic Messages API, streamed or not |

The first three shapes also take ``GET`` with ``?message=``. ``?turns=2`` makes a WebSocket close
after two replies. The conversation comes from the client (``transcript``, ``messages``,
``input``), from a ``sessionId`` or ``previous_response_id`` that the server knows, or, on a
WebSocket, from what was said on it before.

Every request, and every message, may ask for a fault or another pace:
see :mod:`turnwire.assistant.script`.
"""

from __future__ import annotations

from turnwire.assistant.connections import demo_connections
from turnwire.assistant.script import DEMO_PACE, FAULTS, Pace
from turnwire.assistant.server import Assistant, serve_assistant
from turnwire.assistant.stage import SendRecord

__all__ = [
    "DEMO_PACE",
    "FAULTS",
    "Assistant",
    "Pace",
    "SendRecord",
    "demo_connections",
    "serve_assistant",
]
