"""The assistant over WebSocket: one socket, many turns."""

from __future__ import annotations

import json
from contextlib import suppress

import anyio
import pytest
from wsproto import events as ws

from support.assistant_client import http_client, websocket
from turnwire.assistant import FAULTS, brain, serve_assistant

pytestmark = pytest.mark.anyio

SHIPPED = "Order 4711 has shipped and arrives on Thursday."


async def test_streams_content_and_then_done(assistant):
    async with websocket(assistant.port) as client:
        await client.send('{"message": "Hello [chunks=2]"}')
        replies = [json.loads(await client.text()) for _ in range(3)]
    assert "".join(reply["content"] for reply in replies[:2]) == brain.GREETING
    assert replies[2]["done"] is True


async def test_remembers_what_was_said_on_the_socket(assistant):
    async with websocket(assistant.port) as client, websocket(assistant.port) as other:
        await client.ask("I ordered 4711")
        assert await client.ask("Where is my order?") == SHIPPED
        assert await client.ask("What did I say before?") == 'You said: "Where is my order?"'
        assert await other.ask("Where is my order?") == brain.WHICH_ORDER


async def test_a_session_outlives_the_socket(assistant):
    body = {"message": "I ordered 4711", "sessionId": "s"}
    async with http_client(assistant.url) as http:
        await http.post("/chat", json=body)
    async with websocket(assistant.port, "/ws?turns=1") as client:
        await client.send(json.dumps({"message": "My order? [chunks=1]", "sessionId": "s"}))
        assert json.loads(await client.text()) == {"content": SHIPPED}


async def test_text_in_text_out(assistant):
    async with websocket(assistant.port, "/ws/text?chunks=1") as client:
        await client.send("I ordered 4711")
        assert (await client.text(), await client.text())[1] == "[DONE]"
        await client.send("Where is my order?")
        assert await client.text() == SHIPPED


@pytest.mark.parametrize(
    ("query", "expected"), [("end=over", [SHIPPED, "over"]), ("end=", [SHIPPED])]
)
async def test_the_end_of_a_text_reply_may_be_chosen(assistant, query, expected):
    async with websocket(assistant.port, f"/ws/text?chunks=1&turns=1&{query}") as client:
        await client.send("order 4711")
        assert [await client.text() for _ in expected] == expected
        assert isinstance(await client.receive(), ws.CloseConnection)


async def test_closes_after_as_many_turns_as_were_asked_for(assistant):
    async with websocket(assistant.port, "/ws?turns=2") as client:
        await client.ask("Hello")
        await client.ask("Hello")
        event = await client.receive()
    assert isinstance(event, ws.CloseConnection)
    assert event.code == 1000


@pytest.mark.parametrize("message", ["no json", "[]", "{}", '{"message": ""}'])
async def test_a_bad_message_is_answered_with_an_error_and_the_socket_stays_open(
    assistant, message
):
    async with websocket(assistant.port) as client:
        await client.send(message)
        assert "The " in json.loads(await client.text())["error"]["message"]
        assert await client.ask("Hello") == brain.GREETING


async def test_an_unknown_fault_is_answered_with_an_error(assistant):
    async with websocket(assistant.port, "/ws/text") as client:
        await client.send("[fault=explode]")
        assert "There is no fault 'explode'" in await client.text()
        await client.send("  ")
        assert "empty" in await client.text()


async def test_messages_sent_ahead_are_answered_in_order(assistant):
    async with websocket(assistant.port, "/ws/text?chunks=1&end=") as client:
        for number in range(100):
            await client.send(f"echo {number}")
        assert [await client.text() for _ in range(100)] == [str(n) for n in range(100)]


async def test_a_message_in_fragments_is_one_message(assistant):
    async with websocket(assistant.port, "/ws/text?chunks=1") as client:
        await client.send(ws.TextMessage("echo one ", message_finished=False))
        await client.send(ws.Ping(b"between"))
        await client.send(ws.TextMessage("two"))
        assert isinstance(await client.receive(), ws.Pong)
        assert await client.text() == "one two"


async def test_answers_a_ping_in_the_middle_of_a_reply(assistant):
    async with websocket(assistant.port, "/ws?fault=stall") as client:
        await client.send('{"message": "Hello"}')
        await client.text()
        await client.send(ws.Ping(b"there?"))
        with anyio.fail_after(5):
            while not isinstance(event := await client.receive(), ws.Pong):
                pass
    assert event.payload == b"there?"


async def test_takes_part_in_the_closing_handshake_in_the_middle_of_a_reply(assistant):
    async with websocket(assistant.port, "/ws?fault=stall") as client:
        await client.send('{"message": "Hello"}')
        await client.text()
        await client.send(ws.CloseConnection(1000, "enough"))
        with anyio.fail_after(5):
            while not isinstance(event := await client.receive(), ws.CloseConnection):
                pass
            assert event.code == 1000
            with pytest.raises(anyio.EndOfStream):
                await client.stream.receive()


async def test_a_message_beyond_reason_is_refused(assistant):
    async with websocket(assistant.port) as client:
        await client.send("x" * (1024 * 1024 + 1))
        event = await client.receive()
    assert isinstance(event, ws.CloseConnection)
    assert event.code == 1009


async def test_binary_messages_are_refused(assistant):
    async with websocket(assistant.port) as client:
        await client.send(ws.BytesMessage(b"{}"))
        event = await client.receive()
    assert isinstance(event, ws.CloseConnection)
    assert (event.code, event.reason) == (1003, "Send text messages.")


async def test_broken_framing_is_refused(assistant):
    async with websocket(assistant.port) as client:
        await client.stream.send(b"\xff\xff")
        event = await client.receive()
    assert isinstance(event, ws.CloseConnection)
    assert event.code == 1002


async def test_a_message_that_follows_the_handshake_at_once_is_read(assistant):
    async with await anyio.connect_tcp("127.0.0.1", assistant.port) as stream:
        # A masked text frame, with a mask of zeros, in the same packet as the handshake.
        message = b"echo yes"
        await stream.send(
            b"GET /ws/text HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            b"\x81" + bytes([0x80 | len(message)]) + b"\0\0\0\0" + message
        )
        received = b""
        with anyio.fail_after(5):
            while b"[DONE]" not in received:
                received += await stream.receive()
    # RFC 6455 §1.3 gives the accept token of that key.
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in received
    assert received.endswith(b"\x81\x03yes\x81\x06[DONE]")


async def test_speaks_the_sub_protocol_that_the_client_likes_best(assistant):
    async with websocket(assistant.port, protocols=["chat.v2", "chat.v1"]) as client:
        assert client.accepted.subprotocol == "chat.v2"
    async with websocket(assistant.port) as client:
        assert client.accepted.subprotocol is None


async def test_what_is_no_handshake_says_what_is_missing(assistant):
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "a"}
    async with http_client(assistant.url) as http:
        response = await http.get("/ws")
        assert response.status_code == 426
        assert "Upgrade: websocket" in response.json()["error"]["message"]
        response = await http.get("/ws", headers={**upgrade, "Sec-WebSocket-Version": "8"})
        assert (response.status_code, response.headers["sec-websocket-version"]) == (426, "13")
        upgrade["Sec-WebSocket-Version"] = "13"
        response = await http.get("/ws?fault=429", headers=upgrade)
        assert (response.status_code, response.headers["retry-after"]) == (429, "1")
        response = await http.get("/ws?turns=0", headers=upgrade)
        assert response.status_code == 400


async def test_the_handshake_carries_the_token():
    async with serve_assistant(token="s3cret") as server:
        with pytest.raises(AssertionError, match="status_code=401"):
            async with websocket(server.port):
                pass
        async with websocket(server.port, headers=[(b"x-api-key", b"s3cret")]) as client:
            assert await client.ask("Hello") == brain.GREETING


async def test_close_drops_the_socket_without_a_closing_handshake(assistant):
    async with websocket(assistant.port) as client:
        await client.send('{"message": "[fault=close] Hello"}')
        events = []
        with anyio.fail_after(5), suppress(anyio.EndOfStream):
            while True:
                events.append(await client.receive())
    assert {type(event) for event in events} == {ws.TextMessage}


async def test_no_finish_closes_in_good_order_without_done(assistant):
    async with websocket(assistant.port, "/ws?chunks=1") as client:
        await client.send('{"message": "[fault=no-finish] Hello"}')
        assert json.loads(await client.text()) == {"content": brain.GREETING}
        assert isinstance(await client.receive(), ws.CloseConnection)


async def test_after_an_error_event_the_socket_goes_on(assistant):
    async with websocket(assistant.port) as client:
        await client.send('{"message": "[fault=error][chunks=2] Hello"}')
        assert "content" in json.loads(await client.text())
        assert "error" in json.loads(await client.text())
        assert await client.ask("What did I say before?") == brain.NOTHING_BEFORE


async def test_a_status_that_a_message_asks_for_is_an_error_event(assistant):
    async with websocket(assistant.port) as client:
        await client.send('{"message": "[fault=429] Hello"}')
        error = json.loads(await client.text())
    assert (error["status"], error["retryAfter"]) == (429, 1)


async def test_a_heartbeat_is_a_ping(assistant):
    async with websocket(assistant.port, "/ws?chunks=1&fault=heartbeat") as client:
        await client.send('{"message": "Hello"}')
        assert isinstance(await client.receive(), ws.Ping)


@pytest.mark.parametrize("path", ["/ws", "/ws/text"])
async def test_every_fault_is_survived(assistant, path, caplog):
    heard, ended = set(), set()

    async def ask(fault: str) -> None:
        async with websocket(assistant.port, f"{path}?chunks=2&fault={fault}") as client:
            await client.send('{"message": "Hello"}')
            with suppress(anyio.EndOfStream):
                while not isinstance(await client.receive(), ws.CloseConnection):
                    heard.add(fault)
                    stop_if_enough()
            ended.add(fault)
            stop_if_enough()

    def stop_if_enough() -> None:
        if ended == {"close", "no-finish"} and heard == FAULTS.keys() - {"silent"}:
            tasks.cancel_scope.cancel()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for fault in FAULTS:
                tasks.start_soon(ask, fault)
    async with websocket(assistant.port) as client:
        assert await client.ask("Hello") == brain.GREETING
    assert [record.message for record in caplog.records if "assistant" in record.name] == []


async def test_every_piece_is_stamped_when_it_is_sent(assistant):
    async with websocket(assistant.port, "/ws?chunks=3") as client:
        await client.ask("Hello")
        await client.ask("Hello")
    assert [len(record.chunks_ns) for record in assistant.sends] == [3, 3]
    assert all(record.finished_ns > record.chunks_ns[-1] for record in assistant.sends)
