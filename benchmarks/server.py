"""The target of the benchmarks: replies by plan, each event with the time of its send.

    python benchmarks/server.py [CPU]

One thread over plain sockets and one selector, in a process that has a core of its own: what is
measured does not run here, and no lock of this interpreter stands between a stamp and its send.
Stamps are ``time.perf_counter_ns()``, which on one machine is one clock for all processes. Prints
its port, and ends with its standard input.

    POST /chat        one JSON document     {"reply": "<ns>"}
    POST /sse[/…]     Server-Sent Events    chunks in OpenAI's format, and [DONE]
    GET  /ws          WebSocket             {"content": "<ns>", …} …, {"content": "", "done": true}

The query is the plan, or without one the field ``message`` of what is sent: ``events`` how many;
``gap_us`` between two of them, 0 for as fast as they are taken; ``delay_ms`` from the request to
the first, or ``at_ns``, the moment by the clock, for streams that begin together; ``size`` of the
text in bytes; ``piece`` the bytes of one send.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import json
import os
import select
import selectors
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterator
from time import perf_counter_ns
from urllib.parse import parse_qsl, urlsplit

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BLAST_BYTES = 1 << 17


def sse(text: str) -> bytes:
    """One chunk, as OpenAI sends it: some 250 bytes, most of them not text."""
    choice = f'{{"index":0,"delta":{{"content":"{text}"}},"logprobs":null,"finish_reason":null}}'
    return _http_chunk(_openai(choice))


def sse_end() -> bytes:
    choice = '{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}'
    return _http_chunk(_openai(choice)) + _http_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


def ws(text: str) -> bytes:
    """One message: some 100 bytes of JSON."""
    padding = "-" * max(0, 60 - len(text))
    return _ws_frame(f'{{"type":"delta","content":"{text}","of":"{padding}"}}'.encode())


def ws_end() -> bytes:
    return _ws_frame(b'{"type":"end","content":"","done":true}')


def _openai(choice: str) -> bytes:
    return (
        'data: {"id":"chatcmpl-8f2k","object":"chat.completion.chunk","created":1720000000,'
        f'"model":"bench","system_fingerprint":"fp_1","choices":[{choice}]}}\n\n'
    ).encode()


def _http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _ws_frame(payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


class Plan:
    """How a reply goes, as the query of its request says."""

    def __init__(self, query: str) -> None:
        values = {name: int(value) for name, value in parse_qsl(query)}
        self.events = values.get("events", 1)
        self.gap_ns = values.get("gap_us", 0) * 1000
        self.delay_ns = values.get("delay_ms", 0) * 1_000_000
        self.at_ns = values.get("at_ns", 0)
        self.size = values.get("size", 0)
        self.piece = values.get("piece", 0)


class Peer:
    """One connection: what it has asked, and what it has still to be sent."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self.received = bytearray()
        self.waiting: deque[bytes] = deque()
        self.blast: Iterator[bytes] | None = None
        self.upgraded = False
        self.websocket: Plan | None = None
        self.closed = False

    def readable(self) -> None:
        try:
            data = self.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self.received += data
        while not self.closed and (self._message() if self.upgraded else self._request()):
            pass

    def writable(self) -> None:
        """Send what the socket takes. What it does not take waits until it can."""
        while not self.closed:
            if not self.waiting:
                data = next(self.blast, None) if self.blast is not None else None
                if data is None:
                    self.blast = None
                    break
                self.waiting.append(data)
            data = self.waiting.popleft()
            try:
                sent = self.sock.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.close()
                return
            if sent < len(data):
                self.waiting.appendleft(data[sent:])
                break
        self.server.watch(self, writing=bool(self.waiting))

    def send(self, data: bytes) -> None:
        if not self.waiting:
            # As a rule the socket takes it all, and there is nothing to keep or to watch.
            try:
                data = data[self.sock.send(data) :]
            except BlockingIOError:
                pass
            except OSError:
                self.close()
                return
            if not data:
                return
        self.waiting.append(data)
        self.writable()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.server.forget(self)
            self.sock.close()

    def _request(self) -> bool:
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self.received[:end]).decode("latin-1").split("\r\n")
        headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in head[1:])}
        length = int(headers.get("content-length", 0))
        if len(self.received) < end + 4 + length:
            return False
        body = bytes(self.received[end + 4 : end + 4 + length])
        del self.received[: end + 4 + length]
        target = urlsplit(head[0].split(" ")[1])
        plan = Plan(target.query or (json.loads(body)["message"] if body else ""))
        if target.path.startswith("/ws"):
            key = headers["sec-websocket-key"].encode()
            accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
            self.upgraded = True
            self.websocket = plan if target.query else None
            self.send(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
        elif target.path.startswith("/chat"):
            self.server.at(perf_counter_ns() + plan.delay_ns, self._answer)
        else:
            self.send(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n"
            )
            self._stream(plan, sse, sse_end())
        return True

    def _message(self) -> bool:
        head = self.received
        if len(head) < 2:
            return False
        opcode, length, start = head[0] & 0x0F, head[1] & 0x7F, 6
        if length == 126:
            length, start = int.from_bytes(head[2:4], "big"), 8
        if len(head) < start + length:
            return False
        mask, payload = bytes(head[start - 4 : start]), bytes(head[start : start + length])
        del head[: start + length]
        if opcode == 8:
            self.send(b"\x88\x02\x03\xe8")
            self.close()
        elif opcode == 1:
            self._stream(self.websocket or Plan(_message_of(payload, mask)), ws, ws_end())
        return True

    def _answer(self) -> None:
        body = json.dumps({"reply": str(perf_counter_ns())}).encode()
        self.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )

    def _stream(self, plan: Plan, event: Callable[[str], bytes], end: bytes) -> None:
        first_ns = plan.at_ns or perf_counter_ns() + plan.delay_ns
        if plan.piece:
            self.blast = _pieces(event("x" * plan.size) + end, plan.piece)
            self.server.at(first_ns, self.writable)
        elif plan.gap_ns:
            self.server.at(first_ns, Pacer(self, plan, event, end, first_ns))
        else:
            self.blast = _blocks(event("word " * max(1, plan.size // 5)), plan.events, end)
            self.server.at(first_ns, self.writable)


class Pacer:
    """Sends the events of one stream, each at its time."""

    def __init__(
        self, peer: Peer, plan: Plan, event: Callable[[str], bytes], end: bytes, first_ns: int
    ) -> None:
        self.peer = peer
        self.left = plan.events
        self.gap_ns = plan.gap_ns
        self.end = end
        self.due_ns = first_ns
        # All but the stamp is the same in each; to make it anew would cost as much as to send it.
        stamp = str(first_ns)
        self.before, self.after = event(stamp).split(stamp.encode())
        self.digits = len(stamp)

    def __call__(self) -> None:
        if self.peer.closed:
            return
        if not self.left:
            self.peer.send(self.end)
            return
        self.left -= 1
        self.peer.send(self.before + b"%0*d" % (self.digits, perf_counter_ns()) + self.after)
        self.due_ns += self.gap_ns
        self.peer.server.at(self.due_ns, self)


def _message_of(payload: bytes, mask: bytes) -> str:
    text: str = json.loads(bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))["message"]
    return text


def _blocks(event: bytes, count: int, end: bytes) -> Iterator[bytes]:
    """So many equal events, many in one piece: making them costs this process next to nothing."""
    per_block = max(1, _BLAST_BYTES // len(event))
    block = event * per_block
    while count >= per_block:
        yield block
        count -= per_block
    yield event * count + end


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


class Server:
    """The loop: sockets that are ready, and what is due."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        self._writing: set[Peer] = set()
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._number = 0

    def at(self, when_ns: int, call: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._due, (when_ns, self._number, call))

    def watch(self, peer: Peer, *, writing: bool) -> None:
        if writing is (peer in self._writing) or peer.closed:
            return
        (self._writing.add if writing else self._writing.discard)(peer)
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writing else 0)
        self._selector.modify(peer.sock, events, peer)

    def forget(self, peer: Peer) -> None:
        self._writing.discard(peer)
        self._selector.unregister(peer.sock)

    def run(self) -> None:
        while True:
            self._wait()
            for key, events in self._selector.select(0):
                if key.fileobj is sys.stdin:
                    return
                if key.fileobj is self._listener:
                    self._accept()
                    continue
                if events & selectors.EVENT_READ:
                    key.data.readable()
                if events & selectors.EVENT_WRITE and not key.data.closed:
                    key.data.writable()
            now = perf_counter_ns()
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2]()

    def _wait(self) -> None:
        """Until a socket is ready or something is due: epoll itself counts in milliseconds."""
        left = max(0, self._due[0][0] - perf_counter_ns()) / 1e9 if self._due else None
        if left:
            left = min(left, 1.0)
        if isinstance(self._selector, getattr(selectors, "EpollSelector", ())):
            select.select([self._selector.fileno()], [], [], left)
        else:
            self._selector.select(left)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except BlockingIOError:
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer = Peer(self, sock)
            self._selector.register(sock, selectors.EVENT_READ, peer)


def main() -> None:
    if len(sys.argv) > 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(sys.argv[1])})
    try:
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    except (ImportError, ValueError):
        pass
    server = Server()
    print(server.port, flush=True)
    server.run()


if __name__ == "__main__":
    main()
