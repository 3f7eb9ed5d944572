"""A recorded conversation replays to the same replies and verdicts, also where it ended badly."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import attrs
import pytest
from anyio.abc import SocketAttribute, SocketStream

from support.raw_server import read_http_request
from support.recorded import essence, play, record
from support.ws_server import PING, TEXT, Peer, close, frame, message
from turnwire.replaying import Cut, Manner, Speed
from turnwire_core import Verdict
from turnwire_core.paths import Path as ReplyPath

pytestmark = pytest.mark.anyio

FAST = Speed(None)
WORDS = ("You ", "can ", "retürn ", "it.")

RULES = {"contentPath": "t", "finishPath": "done"}
HTTP = {
    "base_url": "http://127.0.0.1:{port}/chat?a=b",
    "protocol": "http_chat",
    "responseFieldPath": "t",
}
SSE = {"base_url": "http://127.0.0.1:{port}/chat", "protocol": "sse", "sse": RULES}
SOCKET = {"base_url": "ws://127.0.0.1:{port}/chat", "protocol": "websocket", "websocket": RULES}
LINES = {"base_url": "tcp://127.0.0.1:{port}", "protocol": "ndjson_tcp", "ndjson_tcp": RULES}

Say = Callable[[bytes], Awaitable[None]]


@attrs.frozen
class Story:
    """What a server does, with whom, and what has to come of it."""

    settings: dict[str, Any]
    handler: Callable[[SocketStream], Awaitable[None]]
    verdicts: Sequence[Verdict]


def head(status: str = "200 OK", *lines: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(**fields: object) -> bytes:
    return chunk(f"data: {json.dumps(fields, ensure_ascii=False)}\n\n".encode())


def line(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"


EVENTS = ("Content-Type: text/event-stream", "Transfer-Encoding: chunked")


async def pause() -> None:
    """So that what is sent next is another read."""
    await anyio.sleep(0.004)


def reset(stream: SocketStream) -> None:
    raw = stream.extra(SocketAttribute.raw_socket)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def http_document(stream: SocketStream) -> None:
    while True:
        await read_http_request(stream)
        body = json.dumps({"t": "".join(WORDS)}).encode()
        await stream.send(head("200 OK", f"Content-Length: {len(body)}") + body[:9])
        await pause()
        await stream.send(body[9:])


async def http_cut_short(stream: SocketStream) -> None:
    await read_http_request(stream)
    await stream.send(head("200 OK", "Content-Length: 500") + b'{"t": "half')
    await pause()


def first(answer: Callable[[int], bytes]) -> Callable[[SocketStream], Awaitable[None]]:
    """A server that answers the first request so (``answer`` is told its port), and then well."""
    asked = []

    async def serve(stream: SocketStream) -> None:
        if not asked:
            asked.append(True)
            await read_http_request(stream)
            await stream.send(answer(stream.extra(SocketAttribute.local_port)))
        await http_document(stream)

    return serve


def busy(port: int) -> bytes:
    return head("503 Service Unavailable", "Content-Length: 4", "Retry-After: 0") + b"busy"


def elsewhere(port: int) -> bytes:
    where = f"Location: http://127.0.0.1:{port}/else?where=1"
    return head("307 Temporary Redirect", where, "Content-Length: 0")


async def sse_stream(stream: SocketStream) -> None:
    """Two turns on one connection, an event each read, one of them in two."""
    while True:
        await read_http_request(stream)
        await stream.send(head("200 OK", *EVENTS))
        for word in WORDS:
            await pause()
            await stream.send(event(t=word)[:12])
            await pause()
            await stream.send(event(t=word)[12:])
        await stream.send(event(done=True) + b"0\r\n\r\n")


async def sse_reset(stream: SocketStream) -> None:
    await read_http_request(stream)
    await stream.send(head("200 OK", *EVENTS) + event(t="You "))
    await pause()
    await stream.send(event(t="can "))
    await anyio.sleep(0.05)  # what is reset is lost to who has not read it
    reset(stream)


async def sse_cut_short(stream: SocketStream) -> None:
    await read_http_request(stream)
    await stream.send(head("200 OK", *EVENTS) + event(t="You ") + event(t="can ")[:9])


async def sse_unfinished(stream: SocketStream) -> None:
    await read_http_request(stream)
    await stream.send(head("200 OK", *EVENTS) + event(t="You ") + b"0\r\n\r\n")


async def sse_error(stream: SocketStream) -> None:
    await read_http_request(stream)
    await stream.send(head("200 OK", *EVENTS) + event(t="You ") + event(error="no more"))
    await stream.send(b"0\r\n\r\n")


async def sse_rejected(stream: SocketStream) -> None:
    await read_http_request(stream)
    await stream.send(head("429 Too Many Requests", "Content-Length: 8") + b"slowly!!")


async def sse_silent(stream: SocketStream) -> None:
    await read_http_request(stream)
    await stream.send(head("200 OK", *EVENTS) + event(t="You "))
    await anyio.sleep_forever()


async def socket_stream(stream: SocketStream) -> None:
    """Two turns, with a ping, a fragmented message, and frames in the read of the handshake."""
    peer = Peer(stream)
    await peer.handshake(trailing=frame(PING, b"hello"))
    turns = 0
    while True:
        received = await peer.receive()
        if received.opcode == 0x8:
            await peer.send(close(1000))
            return
        if received.opcode != TEXT:
            continue
        turns += 1
        for word in WORDS[:turns]:
            await peer.send(message(t=word))
            await pause()
        whole = json.dumps({"t": "…"}).encode()
        await peer.send(frame(TEXT, whole[:5], fin=False) + frame(PING, b"?"))
        await pause()
        await peer.send(frame(0, whole[5:]) + message(done=True))


async def socket_dropped(stream: SocketStream) -> None:
    peer = Peer(stream)
    await peer.handshake()
    await peer.receive()
    await peer.send(message(t="You ") + message(t="can ")[:4])
    await pause()


async def socket_closed(stream: SocketStream) -> None:
    peer = Peer(stream)
    await peer.handshake()
    await peer.receive()
    await peer.send(message(t="You ") + close(1011, "out of order"))
    await peer.receive_close()


async def socket_unfinished(stream: SocketStream) -> None:
    peer = Peer(stream)
    await peer.handshake()
    await peer.receive()
    await peer.send(message(t="You ") + close(1000))
    await peer.receive_close()


async def socket_rejected(stream: SocketStream) -> None:
    await read_http_request(stream)
    await stream.send(head("403 Forbidden", "Content-Length: 4") + b"away")


async def lines_stream(stream: SocketStream) -> None:
    while True:
        await stream.receive()
        for word in WORDS:
            await stream.send(line(t=word))
            await pause()
        await stream.send(line(done=True))


async def lines_cut_short(stream: SocketStream) -> None:
    await stream.receive()
    await stream.send(line(t="You ") + line(t="can ")[:5])


async def lines_reset(stream: SocketStream) -> None:
    await stream.receive()
    await stream.send(line(t="You "))
    await anyio.sleep(0.05)
    reset(stream)


GOOD = Verdict.FINISHED
QUICK = {"limits": {"idleMs": 60}}
TRY_AGAIN = {"retry": {"attempts": 2, "backoffMs": 1}}


def stories() -> dict[str, Story]:
    return {
        "http": Story(HTTP, http_document, [GOOD, GOOD]),
        "http cut short": Story(HTTP, http_cut_short, [Verdict.MALFORMED]),
        "http tried again": Story({**HTTP, **TRY_AGAIN}, first(busy), [GOOD]),
        "http redirected": Story({**HTTP, "followRedirects": True}, first(elsewhere), [GOOD]),
        "sse": Story(SSE, sse_stream, [GOOD, GOOD]),
        "sse reset": Story(SSE, sse_reset, [Verdict.MALFORMED]),
        "sse cut short": Story(SSE, sse_cut_short, [Verdict.MALFORMED]),
        "sse unfinished": Story(SSE, sse_unfinished, [Verdict.CLOSED_WITHOUT_FINISH]),
        "sse error": Story(SSE, sse_error, [Verdict.ERROR_EVENT]),
        "sse rejected": Story(SSE, sse_rejected, [Verdict.REJECTED]),
        "sse stalled": Story({**SSE, **QUICK}, sse_silent, [Verdict.STALLED]),
        "socket": Story(SOCKET, socket_stream, [GOOD, GOOD]),
        "socket dropped": Story(SOCKET, socket_dropped, [Verdict.MALFORMED]),
        "socket closed": Story(SOCKET, socket_closed, [Verdict.ERROR_EVENT]),
        "socket unfinished": Story(SOCKET, socket_unfinished, [Verdict.CLOSED_WITHOUT_FINISH]),
        "socket rejected": Story(SOCKET, socket_rejected, [Verdict.REJECTED]),
        "lines": Story(LINES, lines_stream, [GOOD, GOOD]),
        "lines, a socket a turn": Story(
            {**LINES, "ndjson_tcp": {**RULES, "socketPerTurn": True}}, lines_stream, [GOOD, GOOD]
        ),
        "lines cut short": Story(LINES, lines_cut_short, [Verdict.MALFORMED]),
        "lines reset": Story(LINES, lines_reset, [Verdict.MALFORMED]),
    }


@pytest.mark.parametrize("name", stories())
async def test_a_replay_brings_the_same_replies_however_it_is_cut(
    name: str, tmp_path: Path
) -> None:
    story = stories()[name]
    messages = [f"message {number}" for number in range(len(story.verdicts))]
    live = await record(story.handler, story.settings, messages, tmp_path)
    assert [reply.verdict for reply in live.replies] == list(story.verdicts)
    expected = [essence(reply) for reply in live.replies]
    with anyio.fail_after(20):
        replies = await play(live, messages, Manner(FAST))
        assert [essence(reply) for reply in replies] == expected
        reads = [reply.metrics.network_reads for reply in live.replies]
        assert [reply.metrics.network_reads for reply in replies] == reads
        for cut in (Cut(1), Cut(seed=7)):
            replies = await play(live, messages, Manner(FAST, cut))
            assert [essence(reply) for reply in replies] == expected, str(cut)


async def test_who_could_not_be_reached_is_not_reached_again(tmp_path: Path) -> None:
    async def nobody(stream: SocketStream) -> None:
        raise AssertionError("unreachable")

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        settings = {**SSE, "base_url": f"http://127.0.0.1:{port}/chat"}
        live = await record(nobody, settings, ["Hi"], tmp_path)
    assert live.replies[0].verdict is Verdict.REFUSED
    (reply,) = await play(live, ["Hi"], Manner(FAST))
    assert reply.verdict is Verdict.REFUSED


async def test_a_turn_more_than_was_recorded_says_so(tmp_path: Path) -> None:
    live = await record(sse_stream, SSE, ["Hi"], tmp_path)
    first, second = await play(live, ["Hi", "And?"], Manner(FAST))
    assert first.verdict is GOOD
    assert second.verdict is Verdict.REJECTED
    assert second.error is not None
    assert "The recording has no further reply." in second.error


async def test_other_messages_than_the_recorded_get_the_recorded_replies(tmp_path: Path) -> None:
    for number, (settings, handler) in enumerate(
        [(SSE, sse_stream), (SOCKET, socket_stream), (LINES, lines_stream)]
    ):
        live = await record(handler, settings, ["Hi", "Ho"], tmp_path / str(number))
        replies = await play(live, ["Something much longer", ""], Manner(FAST))
        assert [essence(reply) for reply in replies] == [essence(one) for one in live.replies]


async def test_other_paths_read_something_else_from_the_same_bytes(tmp_path: Path) -> None:
    wrong = {**SSE, "sse": {**RULES, "contentPath": "text"}}
    live = await record(sse_stream, wrong, ["Hi"], tmp_path)
    assert live.replies[0].content == ""
    rules = attrs.evolve(live.connection.rules, content_path=ReplyPath("t"))
    connection = attrs.evolve(live.connection, rules=rules)
    (reply,) = await play(live, ["Hi"], Manner(FAST), connection)
    assert (reply.content, reply.verdict) == ("".join(WORDS), GOOD)


async def test_who_wants_more_than_was_read_then_does_not_wait_for_it_for_long(
    tmp_path: Path,
) -> None:
    """The client hung up when it saw the error, before the end of the body."""

    async def goes_on(stream: SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(head("200 OK", *EVENTS) + event(error="no more"))
        await anyio.sleep_forever()

    live = await record(goes_on, SSE, ["Hi"], tmp_path)
    assert live.replies[0].verdict is Verdict.ERROR_EVENT
    rules = attrs.evolve(live.connection.rules, errors=())
    connection = attrs.evolve(live.connection, rules=rules)
    with anyio.fail_after(10):
        (reply,) = await play(live, ["Hi"], Manner(FAST), connection)
    assert reply.verdict is Verdict.MALFORMED


@pytest.mark.parametrize("name", ["sse", "socket", "lines"])
async def test_at_true_speed_chunks_come_when_they_came(name: str, tmp_path: Path) -> None:
    story = stories()[name]
    live = await record(story.handler, story.settings, ["Hi", "Ho"], tmp_path)
    replies = await play(live, ["Hi", "Ho"], Manner())
    for then, now in zip(live.replies, replies, strict=True):
        pairs = zip(then.metrics.chunk_offsets_ms, now.metrics.chunk_offsets_ms, strict=True)
        late = sorted(after - before for before, after in pairs)
        # Never sooner, but for what a stamp of ours may be late itself; how late, the machine says.
        assert late[0] > -1.0
        assert late[len(late) // 2] < 50


async def test_half_the_speed_takes_twice_as_long(tmp_path: Path) -> None:
    live = await record(sse_stream, SSE, ["Hi"], tmp_path)
    (reply,) = await play(live, ["Hi"], Manner(Speed(0.5)))
    then, now = (one.metrics.chunk_offsets_ms for one in (live.replies[0], reply))
    assert now[-1] > 2 * then[-1] - 2


async def test_secrets_that_were_masked_do_not_stand_in_the_way(tmp_path: Path) -> None:
    async def repeats(stream: SocketStream) -> None:
        await read_http_request(stream)
        await stream.send(head("200 OK", *EVENTS) + event(t=f"the key is {'s' * 9}!"))
        await stream.send(event(done=True) + b"0\r\n\r\n")

    settings = {**SSE, "headers": {"X-Key": "${KEY}"}}
    live = await record(repeats, settings, ["Hi"], tmp_path)
    assert live.replies[0].content == f"the key is {'s' * 9}!"
    (reply,) = await play(live, ["Hi"], Manner(FAST))
    assert reply.content == "the key is *********!"
    assert reply.verdict is GOOD
