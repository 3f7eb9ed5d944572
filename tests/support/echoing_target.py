"""A target that says back, in every way to write it, whatever secret it is told or knows.

It speaks all three protocols, fails in all the ways in which a target can quote a request, and runs
in threads of the test's own process.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from typing import Any
from urllib.parse import quote, unquote_plus

from support.written_forms import written_forms

_WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CUTS = (1, 2, 3, 5, 8, 13, 40)


@contextmanager
def echoing_target(secrets: Sequence[str], *, token: str) -> Iterator[int]:
    """Run it; the value is its port.

    It recognises ``secrets`` in what it is sent, and gives ``token`` to who asks for one.
    """

    class Handler(_Handler):
        pass

    Handler.secrets, Handler.token = secrets, token
    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def pieces(text: str) -> Iterator[str]:
    """``text`` in pieces of many lengths."""
    start = 0
    for length in cycle(_CUTS):
        if start >= len(text):
            return
        yield text[start : start + length]
        start += length


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that have heard enough hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    secrets: Sequence[str] = ()
    token: str = ""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 # its base class names it
        """Say nothing."""

    def do_GET(self) -> None:  # its base class names it
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _answer(self, body: bytes) -> None:
        self.close_connection = True
        self.head = f"{self.requestline}\n{self.headers}"
        asked = body.decode()
        basic = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic "))
        given = unquote_plus(basic.decode("utf-8", "replace"))
        plain = f"{asked}\n{self.head}\n{unquote_plus(self.head)}\n{given}\n{basic!r}"
        self.known = [
            value
            for value in self.secrets
            if any(form in plain for form in (value, _quoted(value), _quoted(_quoted(value))))
        ]
        self.echo = "\n".join(form for value in self.known for _, form in written_forms(value))
        self.value = " ".join(self.known)
        path = self.path.partition("?")[0].strip("/")
        getattr(self, "_" + path.replace("-", "_"))(asked)

    # Replies that are complete.

    def _chat(self, asked: str) -> None:
        text = f"You sent:\n{self.head}\n{asked}\nand I know:\n{self.echo}"
        usage = {"prompt": self.value, self.known[0]: 7}
        self._json(200, {"reply": text, "usage": usage, "session": self.known[0]})

    def _stream(self, asked: str) -> None:
        text = f"You sent:\n{self.head}\n{asked}\nand I know:\n{self.echo}"
        self._head(200, "text/event-stream")
        for value in self.known:
            self._say(
                f": {value}\nid: {value}\nevent: {quote(value)}\ndata: {json.dumps(value)}\n\n"
            )
        for piece in pieces(text):
            self._say(f"data: {json.dumps({'text': piece})}\n\n")
        done = {"done": True, "usage": {"prompt": self.value}, "session": self.known[0]}
        self._say(f"data: {json.dumps(done)}\n\n")

    # Replies that fail.

    def _rejected(self, asked: str) -> None:
        self._head(401, "text/plain", reason=self.known[0], more=self._telling_headers())
        self.wfile.write(f"{self.head}\n{asked}\n{self.echo}".encode())

    def _rejected_in_json(self, asked: str) -> None:
        message = f"{self.head} {asked} {self.value}"
        self._json(403, {"error": {"message": message, "code": self.known[0]}})

    def _redirect(self, _: str) -> None:
        where = f"https://{quote(self.known[0], safe='')}@127.0.0.1:1/x?key={quote(self.known[1])}"
        self._head(302, "text/plain", more={"Location": where})

    def _error_event(self, _: str) -> None:
        self._head(200, "text/event-stream")
        self._say(f"data: {json.dumps({'text': 'It begins. '})}\n\n")
        self._say(f"data: {json.dumps({'error': {'message': self.echo}})}\n\n")

    def _garbage(self, _: str) -> None:
        self._head(200, "application/json")
        self.wfile.write(f'{{"reply": {self.echo}'.encode())

    def _page(self, _: str) -> None:
        self._head(200, f"text/html; boundary={quote(self.known[0])}")
        self.wfile.write(f"<h1>{self.echo}</h1>".encode())

    def _not_http(self, asked: str) -> None:
        self.wfile.write(f"{self.value} {self.head} {asked}\r\n\r\n".encode())

    def _bad_header(self, _: str) -> None:
        self.wfile.write(f"HTTP/1.1 200 OK\r\n{self.value}\x00: {self.value}\r\n\r\n".encode())

    def _cut(self, _: str) -> None:
        self._head(200, "text/event-stream", more={"Content-Length": "1000000"})
        for piece in pieces(self.echo):
            self._say(f"data: {json.dumps({'text': piece})}\n\n")

    # OAuth 2.

    def _token(self, _: str) -> None:
        self._json(200, {"access_token": self.token, "token_type": "Bearer", "expires_in": 3600})

    def _no_token(self, asked: str) -> None:
        told = f"{self.head} {asked} {self.echo}"
        self._json(401, {"error": "invalid_client", "error_description": told})

    def _broken_token(self, asked: str) -> None:
        self._head(500, "text/html", reason=self.known[0])
        self.wfile.write(f"<pre>{self.head} {asked} {self.echo}</pre>".encode())

    # WebSocket.

    def _socket(self, _: str) -> None:
        key = self.headers["Sec-WebSocket-Key"] + _WEBSOCKET
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        upgrade = {"Upgrade": "websocket", "Sec-WebSocket-Accept": accept}
        self._head(101, None, more={**upgrade, **self._telling_headers(), "Connection": "Upgrade"})
        asked = self._hear()
        for piece in pieces(f"You sent:\n{self.head}\n{asked}\nand I know:\n{self.echo}"):
            self._tell({"text": piece})
        self._tell({"done": True, "session": self.known[0], "usage": {"prompt": self.value}})
        self._hear()
        self._tell({"text": "It begins"})
        reason = self.known[0].encode()[:120]
        self._frame(0x8, struct.pack("!H", 4001) + reason)

    def _bad_socket(self, _: str) -> None:
        upgrade = {"Upgrade": "websocket", "Sec-WebSocket-Protocol": quote(self.known[0])}
        self._head(101, None, more={**upgrade, "Sec-WebSocket-Accept": self.known[1]})

    def _hear(self) -> str:
        _, second = self.rfile.read(2)
        length = second & 0x7F
        if length >= 126:
            wide = length == 127
            (length,) = struct.unpack("!Q" if wide else "!H", self.rfile.read(8 if wide else 2))
        mask = self.rfile.read(4)
        payload = self.rfile.read(length)
        return bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload)).decode(
            "utf-8", "replace"
        )

    def _tell(self, message: dict[str, Any]) -> None:
        self._frame(0x1, json.dumps(message).encode())

    def _frame(self, opcode: int, payload: bytes) -> None:
        length = len(payload)
        size = struct.pack("!B", length) if length < 126 else struct.pack("!BH", 126, length)
        self.wfile.write(bytes([0x80 | opcode]) + size + payload)

    # All of them.

    def _telling_headers(self) -> dict[str, str]:
        told = {f"X-Told-{n}": quote(value) for n, value in enumerate(self.known)}
        plain = {f"X-Plain-{n}": value for n, value in enumerate(self.known) if value.isprintable()}
        return {**told, **plain, "WWW-Authenticate": f'Bearer realm="{quote(self.known[0])}"'}

    def _json(self, status: int, value: Any) -> None:
        self._head(status, "application/json", more=self._telling_headers())
        self.wfile.write(json.dumps(value).encode())

    def _head(
        self, status: int, media_type: str | None, *, reason: str = "", more: Any = None
    ) -> None:
        headers = {"Connection": "close"} | ({"Content-Type": media_type} if media_type else {})
        reason = reason if reason.isprintable() else quote(reason)
        lines = [f"{name}: {value}" for name, value in {**headers, **(more or {})}.items()]
        head = "\r\n".join([f"HTTP/1.1 {status} {reason or 'Word'}", *lines, "", ""])
        self.wfile.write(head.encode("utf-8"))

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode())
        self.wfile.flush()


def _quoted(value: str) -> str:
    return json.dumps(value)[1:-1]
