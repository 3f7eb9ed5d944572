"""Recorded bytes are cut into events whatever is wrong with them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire.inferring import Event, Exchange, Reply, infer, read_reply
from turnwire.inferring.bodies import read_socket_log
from turnwire.inferring.probing import as_connection, read_again
from turnwire_core import Plugins

PLUGINS = Plugins()

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
STREAM = b'event: a\ndata: {"x": 1}\n\ndata: {"x":\ndata: 2}\n\n: comment\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize(
    "data",
    [
        STREAM,
        b"\xef\xbb\xbf" + STREAM,
        STREAM.replace(b"\n", b"\r\n"),
        STREAM.rstrip(),
        HEAD + STREAM,
        HEAD + b"%x\r\n%b\r\n0\r\n\r\n" % (len(STREAM), STREAM),
        b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + STREAM,
        b"HTTP/1.1 307 Moved\r\nLocation: /\r\n\r\n" + HEAD + STREAM,
    ],
)
def test_an_event_stream_is_read_with_or_without_its_head(data: bytes) -> None:
    reply = read_reply(data)

    assert [(event.name, event.value) for event in reply.events[:2]] == [
        ("a", {"x": 1}),
        (None, {"x": 2}),
    ]
    assert reply.events[2].data == "[DONE]"
    assert (reply.body_format, reply.whole, reply.ended) == ("sse", False, True)


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (HEAD + b"%x\r\n%b\r\n" % (len(STREAM), STREAM), 3),
        (b'data: {"x": 1}\n\ndata: {"x', 1),
    ],
)
def test_a_stream_that_was_cut_off_is_known_to_be(data: bytes, events: int) -> None:
    reply = read_reply(data)

    assert (len(reply.events), reply.ended) == (events, False)


@pytest.mark.parametrize(
    ("body", "content_type", "body_format", "events"),
    [
        ('{"a": 1}\n{"a": 2}\n', "", "ndjson", 2),
        ('{"a": 1}\n', "application/x-ndjson", "ndjson", 1),
        ('{\n "a": 1\n}\n', "", "json", 1),
        ("Hello!\nIt is tea.", "text/plain; charset=utf-8", "text", 1),
    ],
)
def test_other_bodies_are_known_by_what_they_look_like(
    body: str, content_type: str, body_format: str, events: int
) -> None:
    reply = read_reply(body.encode(), content_type)

    assert (reply.body_format, len(reply.events)) == (body_format, events)


def test_the_log_of_a_socket_has_two_directions() -> None:
    log = read_socket_log('< {"type":"ready"}\n> {"text":"Hi"}\n< {"text":"Hello!"}\n')

    assert log is not None
    assert log.request is not None
    assert log.request.bodies == ('{"text":"Hi"}',)
    assert [event.value for event in log.reply.events] == [{"text": "Hello!"}]  # type: ignore[union-attr]
    assert read_socket_log("> only\n> ours") is None
    assert read_socket_log("data: x") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "text",
                    "delta",
                    "done",
                    "id",
                    "error",
                    "a b",
                    "*",
                    "",
                    "${X}",
                    "$event",
                    "x\u202e",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(JSON, st.sampled_from([None, "a", "error"])), min_size=1, max_size=6),
    st.booleans(),
)
def test_whatever_the_events_hold_a_connection_is_inferred_that_loads(
    values: list[tuple[object, str | None]], stays_open: bool
) -> None:
    events = tuple(Event.of(json.dumps(value), name) for value, name in values)
    reply = Reply(events, body_format="sse", stays_open=stays_open)

    inference = infer(Exchange(reply=reply))

    connection = as_connection(inference, PLUGINS)
    assert read_again(connection, reply).verdict
    assert all(0 <= finding.confidence <= 1 for finding in inference.findings)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=80), st.sampled_from([b"", HEAD, b"HTTP/1.1 200\r\n", b"data: "]))
def test_whatever_the_bytes_are_they_are_read(data: bytes, head: bytes) -> None:
    assert infer(Exchange(reply=read_reply(head + data))).connection["base_url"]
