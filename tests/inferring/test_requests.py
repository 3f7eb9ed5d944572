"""What is sent for a turn: recorded bodies with placeholders, and credentials nowhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from turnwire.inferring import Exchange, HttpRequest, Inference, infer, parse_curl

KEY = "sk-live-0123456789abcdef"


def _infer(body: Any, message: str | None = "Hello there", **request: Any) -> Inference:
    text = body if isinstance(body, str) else json.dumps(body)
    given = HttpRequest(url="https://api.acme.example/chat", body=text, **request)
    return infer(Exchange(request=given, message=message))


USER = {"role": "user", "content": "Hello there"}

BODIES = {
    "a field": ({"message": "Hello there"}, {"body": {"message": "{{message}}"}}),
    "a part of a field": (
        {"prompt": "Answer: Hello there!"},
        {"body": {"prompt": "Answer: {{message}}!"}},
    ),
    "a conversation": (
        {"model": "m", "messages": [USER]},
        {"body": {"model": "m", "messages": "{{messages}}"}},
    ),
    "a message and the conversation so far": (
        {"message": "Hello there", "transcript": [USER]},
        {"body": {"message": "{{message}}", "transcript": "{{messages}}"}},
    ),
    "a conversation after instructions": (
        {"messages": [{"role": "system", "content": "Be {{kind}}"}, USER]},
        {"body": {"messages": [{"role": "system", "content": "Be \\{{kind}}"}, "{{...messages}}"]}},
    ),
    "a conversation of another shape": (
        {
            "contents": [
                {"role": "human", "parts": [{"text": "Hi"}]},
                {"role": "model", "parts": [{"text": "Yes?"}]},
                {"role": "human", "parts": [{"text": "Hello there"}]},
            ]
        },
        {
            "body": {"contents": "{{messages}}"},
            "messageTemplate": {"role": "{{role}}", "parts": [{"text": "{{content}}"}]},
            "roles": {"user": "human", "assistant": "model"},
        },
    ),
    "ids": (
        {"threadId": "t-1", "run_id": "r-1", "query": "Hello there"},
        {"body": {"threadId": "{{sessionId}}", "run_id": "{{turnId}}", "query": "{{message}}"}},
    ),
    "JSON-RPC": (
        {"jsonrpc": "2.0", "id": 1, "params": {"text": "Hello there"}},
        {"body": {"jsonrpc": "2.0", "id": "{{turn}}", "params": {"text": "{{message}}"}}},
    ),
    "text": ("say: Hello there", {"body": "say: {{message}}"}),
}


@pytest.mark.parametrize(("body", "request_keys"), BODIES.values(), ids=BODIES.keys())
def test_the_message_becomes_a_placeholder(body: Any, request_keys: dict[str, Any]) -> None:
    assert _infer(body).connection["request"] == request_keys


def test_the_message_is_guessed_where_nobody_says_it() -> None:
    body = {"model": "gpt", "system": "Be kind to them.", "input": "Where is my parcel?", "n": 1}
    inference = _infer(body, message=None)

    assert inference.connection["request"]["body"]["input"] == "{{message}}"
    (finding,) = [f for f in inference.findings if f.field == "request.body"]
    assert finding.word == "likely"


def test_a_request_without_a_body_has_the_message_in_its_query() -> None:
    request = parse_curl("curl 'https://a.example/ask?q=Hello%20there&key=abcdefgh&n=2'")
    connection = infer(Exchange(request=request, message="Hello there")).connection

    assert connection["base_url"] == "https://a.example/ask"
    assert connection["request"] == {
        "method": "GET",
        "query": {"q": "{{message}}", "key": "${A_KEY}", "n": "2"},
    }


def test_credentials_are_references_and_nowhere_else() -> None:
    request = HttpRequest(
        url=f"https://api.acme.example/chat?token={KEY}",
        headers={
            "Authorization": f"Bearer {KEY}",
            "X-Api-Key": f"{KEY}-2",
            "Cookie": f"session={KEY}",
            "Accept": "*/*",
            "X-Tenant": "north",
        },
        body=json.dumps({"message": "Hello there", "api_key": f"{KEY}-3", "max_tokens": 5}),
        user="me",
        password=f"{KEY}-4",
    )
    inference = infer(Exchange(request=request, message="Hello there"))

    assert KEY not in repr(inference)
    assert KEY not in json.dumps(inference.connection)
    connection = inference.connection
    assert connection["headers"] == {
        "Authorization": "Bearer ${ACME_API_KEY}",
        "X-Api-Key": "${ACME_API_KEY_2}",
        "Cookie": "${ACME_COOKIE}",
        "X-Tenant": "north",
    }
    assert connection["base_url"] == "https://api.acme.example/chat?token=${ACME_TOKEN}"
    assert connection["auth"]["password"] == "${ACME_PASSWORD}"
    assert connection["request"]["body"] == {
        "message": "{{message}}",
        "api_key": "{{env.ACME_API_KEY_3}}",
        "max_tokens": 5,
    }
    assert inference.environ["ACME_API_KEY"] == KEY
    assert inference.environ["ACME_API_KEY_3"] == f"{KEY}-3"


def test_a_credential_that_is_sent_twice_is_a_reference_both_times() -> None:
    inference = _infer(
        {"message": "Hello there", "context": f"as {KEY}"},
        headers={"Authorization": f"Bearer {KEY}", "X-Trace": f"me {KEY}"},
    )

    assert KEY not in json.dumps(inference.connection)
    assert inference.connection["headers"]["X-Trace"] == "me ${ACME_API_KEY}"
    assert inference.connection["request"]["body"]["context"] == "as {{env.ACME_API_KEY}}"


def test_shell_variables_stay_references() -> None:
    request = parse_curl(
        'curl https://api.acme.example/ -H "Authorization: Bearer $ACME_KEY" '
        '-d "{\\"message\\": \\"Hi\\", \\"tenant\\": \\"$TENANT\\"}"'
    )
    inference = infer(Exchange(request=request, message="Hi"))

    assert inference.connection["headers"] == {"Authorization": "Bearer ${ACME_KEY}"}
    assert inference.connection["request"]["body"]["tenant"] == "{{env.TENANT}}"
    assert (inference.environ, inference.missing) == ({}, ("ACME_KEY", "TENANT"))
