"""What was recorded of a real peer, as evidence to infer from."""

from __future__ import annotations

import json
from pathlib import Path

from support.presets import Api
from turnwire.inferring.bodies import read_reply
from turnwire.inferring.evidence import Exchange, HttpRequest
from turnwire.inferring.sockets import exchange_of_messages

RECORDINGS = Path(__file__).parent.parent / "presets" / "recordings"


def captured(api: Api, message: str) -> Exchange:
    """The exchange of one recording. The protocol is for inference to find out."""
    data = (RECORDINGS / api.recording(message)).read_bytes()
    if api.protocol == "websocket":
        return captured_socket(data, message, f"ws://assistant.example{api.path}")
    request = HttpRequest(
        url=f"http://assistant.example{api.path}",
        headers={**api.headers, "Content-Type": "application/json"},
        body=json.dumps(api.bodies(message)[0]),
    )
    return Exchange(request=request, reply=read_reply(data), message=message)


def captured_socket(recording: bytes, message: str, url: str) -> Exchange:
    """The exchange of a recorded conversation on a WebSocket."""
    lines = [json.loads(line) for line in recording.splitlines()]
    dropped = lines[-1].get("server", "") is None
    messages = [
        ("client" in line, line.get("client") or line["server"])
        for line in (lines[:-1] if dropped else lines)
    ]
    return exchange_of_messages(messages, message=message, url=url, ended=not dropped)
