"""A server whose replies say when they were sent, by the clock that the client reads too.

One thread per connection over plain sockets, in a process of its own: nothing of what is measured
runs here. Each chunk's text is ``time.perf_counter_ns()`` taken just before the send; on one
machine that is one clock for all processes.

    POST /chat    one JSON body       {"reply": "<ns>"}
    POST /stream  Server-Sent Events  {"content": "<ns>"} …, {"done": true}
    GET  /ws      WebSocket           the same messages
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import socket
import sys
import threading
import time

CHUNKS = 5
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_serve, args=(connection,), daemon=True).start()


def _exit_with_parent() -> None:
    """End when the benchmark closes our standard input, however it ended itself."""
    sys.stdin.read()
    sys.exit(0)


def _serve(connection: socket.socket) -> None:
    source = connection.makefile("rb")
    with connection:
        while (head := _read_head(source)) is not None:
            request, headers = head
            source.read(int(headers.get(b"content-length", 0)))
            if request.startswith(b"GET /ws"):
                _serve_websocket(connection, source, headers)
                return
            _pause()
            if request.startswith(b"POST /chat"):
                _send_document(connection)
            else:
                _send_stream(connection)


def _read_head(source) -> tuple[bytes, dict[bytes, bytes]] | None:
    request = source.readline()
    if not request:
        return None
    headers = {}
    while line := source.readline().strip():
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    return request, headers


def _pause() -> None:
    """As a model would: the client must be waiting when the first chunk comes."""
    time.sleep(random.uniform(0.003, 0.010))


def _messages():
    for _ in range(CHUNKS):
        yield json.dumps({"content": f"{time.perf_counter_ns()} "}).encode()
        _pause()
    yield b'{"done": true}'


def _send_document(connection: socket.socket) -> None:
    # The length must be known before the stamp is: nanoseconds have as many digits all day.
    size = len(json.dumps({"reply": f"{time.perf_counter_ns()} "}))
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
    connection.sendall(head.encode() + json.dumps({"reply": f"{time.perf_counter_ns()} "}).encode())


def _send_stream(connection: socket.socket) -> None:
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    for message in _messages():
        event = b"data: " + message + b"\n\n"
        connection.sendall(b"%x\r\n%b\r\n" % (len(event), event))
    connection.sendall(b"0\r\n\r\n")


def _serve_websocket(connection: socket.socket, source, headers: dict[bytes, bytes]) -> None:
    accept = base64.b64encode(hashlib.sha1(headers[b"sec-websocket-key"] + _GUID).digest())
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    while first := source.read(2):
        opcode, length = first[0] & 0x0F, first[1] & 0x7F
        length = int.from_bytes(source.read(2), "big") if length == 126 else length
        source.read(4 + length)
        if opcode == 8:
            connection.sendall(b"\x88\x02\x03\xe8")
            return
        if opcode == 1:
            _pause()
            for message in _messages():
                connection.sendall(bytes([0x81, len(message)]) + message)


if __name__ == "__main__":
    main()
