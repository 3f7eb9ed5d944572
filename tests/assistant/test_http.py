"""The assistant over HTTP: shapes, memory, errors, faults."""

from __future__ import annotations

import json

import anyio
import httpx
import pytest

from support.assistant_client import http_client, sse_events
from turnwire.assistant import FAULTS, Pace, brain, serve_assistant

pytestmark = pytest.mark.anyio

SHIPPED = "Order 4711 has shipped and arrives on Thursday."


def user(content):
    return {"role": "user", "content": content}


async def test_chat_answers_with_one_json_document(http):
    response = await http.post("/chat", json={"message": "Hello"})
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {"reply": brain.GREETING, "sessionId": "session-1"}


async def test_chat_stream_sends_content_and_then_done(http):
    response = await http.post("/chat/stream", json={"message": "Hello"})
    assert response.headers["content-type"] == "text/event-stream"
    *pieces, last = [data for _, data in sse_events(response.text)]
    assert "".join(piece["content"] for piece in pieces) == brain.GREETING
    assert len(pieces) == len(brain.GREETING.split())
    assert last["done"] is True


async def test_ndjson_sends_the_same_one_document_a_line(http):
    response = await http.post("/ndjson", json={"message": "Hello"})
    assert response.headers["content-type"] == "application/x-ndjson"
    *pieces, last = [json.loads(line) for line in response.text.splitlines()]
    assert "".join(piece["content"] for piece in pieces) == brain.GREETING
    assert last["done"] is True


@pytest.mark.parametrize("path", ["/chat", "/chat/stream", "/ndjson"])
async def test_the_default_shapes_may_be_asked_with_get(http, path):
    response = await http.get(path, params={"message": "Who am I?", "persona": "Ada", "chunks": 1})
    assert "You are Ada." in response.text


async def test_openai_chat_streams_or_not_as_the_request_says(http):
    body = {"model": "m", "messages": [user("Hello")]}
    whole = await http.post("/v1/chat/completions", json=body)
    assert whole.json()["choices"][0]["message"]["content"] == brain.GREETING
    stream = await http.post("/v1/chat/completions", json={**body, "stream": True})
    deltas = [data["choices"][0]["delta"] for _, data in sse_events(stream.text)[:-1]]
    assert "".join(delta.get("content", "") for delta in deltas) == brain.GREETING


async def test_openai_responses_streams_or_not_as_the_request_says(http):
    body = {"model": "m", "input": "Hello"}
    whole = await http.post("/v1/responses", json=body)
    assert whole.json()["output"][0]["content"][0]["text"] == brain.GREETING
    stream = await http.post("/v1/responses", json={**body, "stream": True})
    deltas = [d["delta"] for name, d in sse_events(stream.text) if name.endswith("text.delta")]
    assert "".join(deltas) == brain.GREETING


async def test_anthropic_streams_or_not_as_the_request_says(http):
    body = {"model": "m", "max_tokens": 99, "messages": [user("Hello")]}
    whole = await http.post("/v1/messages", json=body)
    assert whole.json()["content"][0]["text"] == brain.GREETING
    stream = await http.post("/v1/messages", json={**body, "stream": True})
    texts = [d["delta"]["text"] for n, d in sse_events(stream.text) if n == "content_block_delta"]
    assert "".join(texts) == brain.GREETING


async def test_remembers_what_the_transcript_says(http):
    transcript = [user("I ordered 4711"), {"role": "assistant", "content": "Yes?"}]
    body = {"message": "Where is my order?", "transcript": transcript}
    assert (await http.post("/chat", json=body)).json()["reply"] == SHIPPED
    body["transcript"] = []
    assert (await http.post("/chat", json=body)).json()["reply"] == brain.WHICH_ORDER


async def test_remembers_a_session_from_one_route_to_the_other(http):
    first = await http.post("/chat", json={"message": "I ordered 4711"})
    session = first.json()["sessionId"]
    for _ in range(2):
        body = {"message": "Where is my order? [chunks=1]", "sessionId": session}
        response = await http.post("/chat/stream", json=body)
        assert sse_events(response.text) == [
            (None, {"content": SHIPPED}),
            (None, {"done": True, "sessionId": session}),
        ]
    other = await http.post("/chat", json={"message": "Where is my order?", "sessionId": "other"})
    assert other.json() == {"reply": brain.WHICH_ORDER, "sessionId": "other"}


async def test_remembers_what_the_messages_say(http):
    messages = [user("I ordered 4711"), {"role": "assistant", "content": "Yes?"}, user("My order?")]
    chat = await http.post("/v1/chat/completions", json={"messages": messages})
    assert chat.json()["choices"][0]["message"]["content"] == SHIPPED
    claude = await http.post("/v1/messages", json={"messages": messages, "max_tokens": 99})
    assert claude.json()["content"][0]["text"] == SHIPPED


async def test_remembers_the_response_that_the_next_one_follows(http):
    first = (await http.post("/v1/responses", json={"input": "I ordered 4711"})).json()
    body = {"input": "My order?", "previous_response_id": first["id"]}
    second = (await http.post("/v1/responses", json=body)).json()
    assert second["output"][0]["content"][0]["text"] == SHIPPED
    assert second["id"] != first["id"]
    unknown = await http.post("/v1/responses", json={**body, "previous_response_id": "resp_99"})
    assert unknown.status_code == 400
    assert "'resp_99'" in unknown.json()["error"]["message"]


async def test_a_reply_that_broke_off_is_not_remembered(http):
    body = {"message": "I ordered 4711 [fault=no-finish]", "sessionId": "s"}
    await http.post("/chat/stream", json=body)
    body["message"] = "What did I say before?"
    assert (await http.post("/chat", json=body)).json()["reply"] == brain.NOTHING_BEFORE


async def test_tags_are_no_part_of_what_was_said(http):
    said = [user("[gap_ms=0] I ordered 4711"), {"role": "assistant", "content": "Yes?"}]
    body = {"message": "What did I say before?", "transcript": said}
    reply = (await http.post("/chat", json=body)).json()["reply"]
    assert reply == 'You said: "I ordered 4711"'


async def test_an_unknown_path_says_which_there_are(http):
    response = await http.post("/chatt", json={"message": "Hi"})
    assert response.status_code == 404
    message = response.json()["error"]["message"]
    assert message.startswith("There is no POST /chatt. There are: GET /,")
    assert "POST /chat/stream" in message


async def test_a_wrong_method_says_which_is_right(http):
    response = await http.put("/chat", json={"message": "Hi"})
    assert (response.status_code, response.headers["allow"]) == (405, "POST, GET")
    assert response.json()["error"]["message"] == "/chat takes POST, GET, not PUT."
    assert (await http.head("/v1/messages")).status_code == 405


@pytest.mark.parametrize(
    ("path", "body", "complaint"),
    [
        ("/chat", b"{", "The body is not JSON: "),
        ("/chat", b"[]", "The body must be a JSON object, not list."),
        ("/chat", b"{}", "The body needs 'message'"),
        ("/chat?fault=explode", b'{"message":"Hi"}', "There is no fault 'explode'"),
        ("/chat/stream", b'{"message":"[gap_ms=x]"}', "'gap_ms' must be from 0"),
        ("/v1/chat/completions", b"{}", "'messages' must be a list"),
        ("/v1/messages", b'{"messages":[]}', "'messages' must end with"),
    ],
)
async def test_a_bad_body_is_refused_with_the_reason(http, path, body, complaint):
    response = await http.post(path, content=body)
    assert response.status_code == 400
    assert complaint in response.json()["error"]["message"]


async def test_a_body_beyond_reason_is_refused(http):
    response = await http.post("/chat", content=b" " * (8 * 1024 * 1024 + 1))
    assert response.status_code == 413
    assert (await http.post("/chat", json={"message": "Hello"})).status_code == 200


async def test_errors_have_the_shape_of_the_api(http):
    claude = await http.post(
        "/v1/messages?fault=429", json={"messages": [user("Hi")], "max_tokens": 1}
    )
    assert claude.json()["type"] == "error"
    assert claude.json()["error"]["type"] == "rate_limit_error"
    openai = await http.post("/v1/chat/completions?fault=500", json={"messages": [user("Hi")]})
    assert openai.json()["error"]["code"] == "internal_server_error"
    responses = await http.post("/v1/responses?fault=599", json={"input": "Hi"})
    assert (responses.status_code, responses.json()["error"]["type"]) == (599, "error")


async def test_a_token_is_asked_for_on_every_route_but_the_list():
    async with (
        serve_assistant(pace=Pace(gap_ms=0), token="s3cret") as server,
        http_client(server.url) as http,
    ):
        body = {"message": "Hello", "messages": [user("Hello")], "max_tokens": 9}
        for path in ("/chat", "/v1/chat/completions", "/v1/messages", "/sends"):
            method = "GET" if path == "/sends" else "POST"
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "s3cret"}):
                response = await http.request(method, path, json=body, headers=headers)
                assert response.status_code == 401
                assert "Authorization: Bearer" in response.json()["error"]["message"]
                assert response.headers["www-authenticate"] == "Bearer"
            for headers in ({"Authorization": "bearer s3cret"}, {"x-api-key": "s3cret"}):
                response = await http.request(method, path, json=body, headers=headers)
                assert response.status_code == 200
        assert (await http.get("/")).status_code == 200


async def test_the_list_names_every_route(http):
    document = (await http.get("/")).json()
    assert "/v1/responses" in [route["path"] for route in document["routes"]]
    assert (await http.head("/")).text == ""


async def test_429_says_when_to_come_back(http):
    response = await http.post("/chat/stream?fault=429", json={"message": "Hi"})
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")
    response = await http.post("/chat?fault=429&retry_after=0", json={"message": "Hi"})
    assert response.headers["retry-after"] == "0"


async def test_a_header_may_ask_for_a_fault(http):
    headers = {"X-Turnwire-Fault": "503"}
    response = await http.post("/chat?fault=500", json={"message": "Hi"}, headers=headers)
    assert response.status_code == 503


async def test_flaky_fails_every_other_time(http):
    statuses = []
    for _ in range(4):
        response = await http.post("/chat?fault=flaky", json={"message": "Hello"})
        statuses.append(response.status_code)
    assert statuses == [503, 200, 503, 200]


async def test_close_breaks_the_body_off_in_the_middle(http):
    received = bytearray()

    async def read() -> None:
        async with http.stream("POST", "/chat/stream?fault=close", json={"message": "Hello"}) as r:
            async for data in r.aiter_raw():
                received.extend(data)

    with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
        await read()
    assert b'"Hello! "' in received
    assert b"done" not in received
    with pytest.raises(httpx.RemoteProtocolError):
        await http.post("/chat?fault=close", json={"message": "Hello"})


async def test_no_finish_ends_the_body_in_good_order(http):
    response = await http.post("/chat/stream?fault=no-finish", json={"message": "Hello"})
    assert all("content" in data for _, data in sse_events(response.text))


async def test_an_error_event_is_the_last(http):
    chat = await http.post("/chat/stream?fault=error", json={"message": "Hello"})
    name, data = sse_events(chat.text)[-1]
    assert (name, list(data)) == ("error", ["error"])
    body = {"messages": [user("Hello")], "max_tokens": 9, "stream": True, "input": "Hello"}
    openai = await http.post("/v1/chat/completions?fault=error", json=body)
    assert list(sse_events(openai.text)[-1][1]) == ["error"]
    claude = await http.post("/v1/messages?fault=error", json=body)
    assert sse_events(claude.text)[-1][1]["error"]["type"] == "overloaded_error"
    responses = await http.post("/v1/responses?fault=error", json=body)
    assert sse_events(responses.text)[-1][1]["type"] == "error"
    whole = await http.post("/chat?fault=error", json={"message": "Hello"})
    assert whole.status_code == 500


async def test_burst_and_empty_and_reasoning_are_complete_replies(http):
    for fault, content in (("burst", brain.GREETING), ("empty", ""), ("reasoning", brain.GREETING)):
        response = await http.post(f"/chat/stream?fault={fault}", json={"message": "Hello"})
        *events, last = [data for _, data in sse_events(response.text)]
        assert "".join(event.get("content", "") for event in events) == content
        assert last["done"] is True
        assert any("reasoning" in event for event in events) == (fault == "reasoning")


async def test_malformed_is_no_json(http):
    response = await http.post("/chat/stream?fault=malformed", json={"message": "Hello"})
    assert '{"content": "cut' in [data for _, data in sse_events(response.text)]
    whole = await http.post("/chat?fault=malformed", json={"message": "Hello"})
    with pytest.raises(ValueError, match="Unterminated"):
        whole.json()


async def test_whole_answers_a_streaming_request_with_one_document(http):
    body = {"messages": [user("Hello")], "stream": True}
    response = await http.post("/v1/chat/completions?fault=whole", json=body)
    assert response.headers["content-type"] == "application/json"
    assert response.json()["choices"][0]["message"]["content"] == brain.GREETING


async def test_heartbeats_are_comments_or_pings(http):
    chat = await http.post("/chat/stream?fault=heartbeat&chunks=3", json={"message": "Hello"})
    assert chat.text.count(": keep-alive\n\n") == 3
    ndjson = await http.post("/ndjson?fault=heartbeat&chunks=3", json={"message": "Hello"})
    assert ndjson.text.split("\n").count("") == 3 + 1
    body = {"messages": [user("Hello")], "max_tokens": 9, "stream": True}
    claude = await http.post("/v1/messages?fault=heartbeat&chunks=3", json=body)
    assert [name for name, _ in sse_events(claude.text)].count("ping") == 1 + 3


@pytest.mark.parametrize(("fault", "expected"), [("stall", "Hello"), ("never-finishes", "order.")])
async def test_a_silence_lasts_until_the_client_gives_up(http, fault, expected):
    body = {"message": "Hello", "stream": True}
    received = ""
    async with http.stream("POST", f"/chat/stream?fault={fault}", json=body) as response:
        chunks = response.aiter_text()
        with anyio.fail_after(5):
            while expected not in received:
                received += await anext(chunks)
        with anyio.move_on_after(0.05) as scope:
            while True:
                received += await anext(chunks)
    assert scope.cancelled_caught
    assert "done" not in received
    # The server is none the worse for it.
    assert (await http.post("/chat", json={"message": "Hello"})).status_code == 200


async def test_silent_does_not_even_send_a_head(http):
    with anyio.move_on_after(0.1) as scope:
        await http.post("/chat?fault=silent", json={"message": "Hello"})
    assert scope.cancelled_caught


@pytest.mark.parametrize("path", ["/chat", "/v1/responses", "/v1/messages"])
async def test_every_fault_is_survived_in_every_shape(http, path, caplog):
    body = {"message": "Hello", "messages": [user("Hello")], "input": "Hello", "max_tokens": 9}
    over, broken = set(), set()

    async def ask(fault: str) -> None:
        params = {"fault": fault, "chunks": 2}
        try:
            await http.post(path, json={**body, "stream": True}, params=params)
        except httpx.RemoteProtocolError:
            broken.add(fault)
        over.add(fault)
        if over == FAULTS.keys() - {"silent", "stall", "never-finishes"}:
            tasks.cancel_scope.cancel()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for fault in FAULTS:
                tasks.start_soon(ask, fault)
    assert broken == {"close"}
    assert (await http.post("/chat", json={"message": "Hello"})).status_code == 200
    assert [record.message for record in caplog.records if "assistant" in record.name] == []


async def test_the_pace_may_be_asked_for(assistant, http):
    await http.post("/chat/stream?first_ms=30&gap_ms=10&chunks=3", json={"message": "Hello"})
    [record] = assistant.sends
    first, second, third = record.chunks_ns
    assert first - record.received_ns >= 30e6
    assert second - first >= 10e6
    assert third - second >= 10e6


async def test_every_piece_is_stamped_when_it_is_sent(assistant, http):
    body = {"messages": [user("Hello")], "stream": True, "max_tokens": 9, "input": "Hello"}
    paths = ["/chat/stream", "/v1/chat/completions", "/v1/messages", "/v1/responses"]
    for path in paths:
        await http.post(path, json={**body, "message": "Hello"}, params={"chunks": 4})
    assert [record.path for record in assistant.sends] == paths
    for record in assistant.sends:
        assert len(record.chunks_ns) == 4
        stamps = [record.received_ns, *record.chunks_ns, record.finished_ns]
        assert stamps == sorted(stamps)
    document = (await http.get("/sends")).json()
    assert document["sends"] == [record.as_json() for record in assistant.sends]
