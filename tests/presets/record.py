"""Record what aimock answers to each preset's request, into ``recordings/``.

    npm install --prefix FOLDER @copilotkit/aimock
    PYTHONPATH=tests python tests/presets/record.py FOLDER

An HTTP recording is the bytes of one response, head and body, as they came from the socket. A
WebSocket recording is the messages of one conversation, a line of JSON each, with who sent it; a
last line says if the server dropped the connection.
Nothing of Turnwire is used to read or write them: it is what they are to prove.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import wsproto
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Message,
    Request,
    TextMessage,
)

from support.aimock import run_aimock
from support.presets import APIS, Api

RECORDINGS = Path(__file__).parent / "recordings"
QUIET_SECONDS = 1.0


def main(folder: str) -> None:
    RECORDINGS.mkdir(exist_ok=True)
    with run_aimock(Path(folder)) as url:
        for api in APIS:
            for message in api.says:
                record = _record_socket if api.protocol == "websocket" else _record_response
                data = record(url, api, message)
                (RECORDINGS / api.recording(message)).write_bytes(data)


def _record_response(url: str, api: Api, message: str) -> bytes:
    body = json.dumps(api.bodies(message)[0]).encode()
    headers = {
        "Host": urlsplit(url).netloc,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **api.headers,
    }
    lines = [f"POST {api.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    with _connect(url) as stream:
        stream.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        received = b""
        # aimock keeps the connection, whatever it is asked for: the last chunk is the end.
        while not received.endswith(b"\r\n0\r\n\r\n"):
            try:
                data = stream.recv(65536)
            except ConnectionResetError:
                break
            if not data:
                break
            received += data
        return received


def _record_socket(url: str, api: Api, message: str) -> bytes:
    lines: list[str] = []
    websocket = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
    with _connect(url) as stream:
        stream.sendall(websocket.send(Request(host=urlsplit(url).netloc, target=api.path)))

        def say(value: object) -> None:
            text = json.dumps(value, ensure_ascii=False)
            lines.append(json.dumps({"client": text}, ensure_ascii=False))
            stream.sendall(websocket.send(Message(data=text)))

        def listen(until: str) -> None:
            """Read until a message that holds ``until``, the close, or quiet."""
            text = ""
            while True:
                try:
                    data = stream.recv(65536)
                except TimeoutError:
                    return
                except ConnectionResetError:
                    data = b""
                if not data:
                    lines.append('{"server": null}')
                    return
                websocket.receive_data(data)
                for event in websocket.events():
                    if isinstance(event, AcceptConnection) and not until:
                        return
                    if isinstance(event, CloseConnection):
                        return
                    if isinstance(event, TextMessage):
                        text += event.data
                        if event.message_finished:
                            lines.append(json.dumps({"server": text}, ensure_ascii=False))
                            if until and until in text:
                                return
                            text = ""

        listen("")
        for value in api.opening:
            say(value)
            listen(api.opened_by)
        for value in api.bodies(message):
            say(value)
        listen("\0nothing: until it is quiet")
    return "".join(f"{line}\n" for line in lines).encode()


def _connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return socket.create_connection((parts.hostname, parts.port), timeout=QUIET_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
