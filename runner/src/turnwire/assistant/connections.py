"""Ready connections to the assistant, one for each shape that it speaks."""

from __future__ import annotations

from typing import Any

from turnwire.assistant.shapes.base import MODEL


def demo_connections(server_url: str) -> dict[str, dict[str, Any]]:
    """The ``connections`` of a config file, for an assistant at ``server_url`` (``http://…``).

    Each brings the variable ``server``, so that the requests of a suite reach the same server.
    """
    url = server_url.rstrip("/")
    return {
        name: {**connection, "variables": {"server": url}}
        for name, connection in _connections_at(url).items()
    }


def _connections_at(url: str) -> dict[str, dict[str, Any]]:
    return {
        "demo-http": {
            "description": "One POST, one JSON reply",
            "base_url": f"{url}/chat",
            "protocol": "http_chat",
            "responseFieldPath": "reply",
        },
        "demo-sse": {
            "description": "The same conversation, streamed as Server-Sent Events",
            "base_url": f"{url}/chat/stream",
            "protocol": "sse",
            "sse": {"contentPath": "content", "finishPath": "done", "finishValue": True},
        },
        "demo-websocket": {
            "description": "One WebSocket for the whole conversation",
            "base_url": f"ws{url.removeprefix('http')}/ws",
            "protocol": "websocket",
            "websocket": {
                "messageFormat": "json",
                "messageField": "message",
                "contentPath": "content",
                "finishPath": "done",
                "finishValue": True,
            },
        },
        "demo-openai": {
            "description": "In the shape of the OpenAI Chat Completions API",
            "base_url": f"{url}/v1/chat/completions",
            "protocol": "sse",
            "responseFieldPath": "choices[0].message.content",
            "request": {
                "body": {
                    "model": MODEL,
                    "stream": True,
                    "stream_options": {"include_usage": True},
                    "messages": "{{messages}}",
                }
            },
            "sse": {
                "contentPath": "choices[0].delta.content",
                "finishPath": "choices[0].finish_reason",
                "finishValue": ["stop", "length"],
                "usagePath": "usage",
            },
        },
        "demo-anthropic": {
            "description": "In the shape of the Anthropic Messages API",
            "base_url": f"{url}/v1/messages",
            "protocol": "sse",
            "headers": {"anthropic-version": "2023-06-01"},
            "responseFieldPath": "content[0].text",
            "request": {
                "body": {
                    "model": MODEL,
                    "max_tokens": 1024,
                    "stream": True,
                    "messages": "{{messages}}",
                }
            },
            "sse": {
                "contentPath": "delta.text",
                "finishPath": "type",
                "finishValue": "message_stop",
                "usagePath": "usage",
            },
        },
        "demo-ndjson": {
            "description": "Streamed as one JSON document a line",
            "base_url": f"{url}/ndjson",
            "protocol": "sse",
            "sse": {"contentPath": "content", "finishPath": "done", "finishValue": True},
        },
    }
