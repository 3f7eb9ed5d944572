"""The event sequences of the APIs, and what is read of a request; without a socket."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire.assistant.brain import Entry
from turnwire.assistant.documents import parse_object
from turnwire.assistant.errors import BadRequest
from turnwire.assistant.framing import Event, frame_ndjson, frame_sse, json_event
from turnwire.assistant.shapes import (
    AnthropicMessages,
    OpenAIChat,
    OpenAIResponses,
    Plain,
    PlainText,
    Question,
)

SHAPES = [AnthropicMessages, OpenAIChat, OpenAIResponses, Plain]
USER = {"role": "user", "content": "Hi there"}
SAID = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "One"},
    {
        "role": "assistant",
        "content": [{"type": "text", "text": "T"}, {"type": "text", "text": "wo"}],
    },
    {"role": "user", "content": "Three"},
]
HISTORY = (Entry("user", "One"), Entry("assistant", "Two"))


def written(shape, *pieces, question=None, thoughts=()):
    """All events of a reply as (name, parsed data)."""
    reply = shape(question or Question("Hi there"), session="resp_1")
    events = [*reply.opening()]
    for thought in thoughts:
        events += reply.thought(thought)
    for piece in pieces:
        events += reply.say(piece)
    events += reply.closing()
    return [
        (event.name, event.data if event.data == "[DONE]" else json.loads(event.data))
        for event in events
    ]


def test_plain_reads_as_the_documented_example_wants_it():
    assert written(Plain, "Hel", "lo") == [
        (None, {"content": "Hel"}),
        (None, {"content": "lo"}),
        (None, {"done": True, "sessionId": "resp_1"}),
    ]


def test_plain_text_ends_as_the_client_wants_it():
    reply = PlainText(Question("Hi", end_text="over"), session="s")
    assert [event.data for event in (*reply.say("Hello"), *reply.closing())] == ["Hello", "over"]
    assert PlainText(Question("Hi", end_text=""), session="s").closing() == []


def test_openai_chat_begins_with_the_role_and_ends_with_reason_usage_and_sentinel():
    events = [data for _, data in written(OpenAIChat, "Hel", "lo")]
    assert [event["choices"][0]["delta"] for event in events[:-1]] == [
        {"role": "assistant", "content": ""},
        {"content": "Hel"},
        {"content": "lo"},
        {},
    ]
    reasons = [event["choices"][0]["finish_reason"] for event in events[:-1]]
    assert reasons == [None, None, None, "stop"]
    assert events[-1] == "[DONE]"
    assert all("usage" not in event for event in events[:-1])


def test_openai_chat_sends_usage_after_the_finish_and_only_if_asked():
    question = OpenAIChat.read({"messages": [USER], "stream_options": {"include_usage": True}})
    *chunks, usage, done = [data for _, data in written(OpenAIChat, "Hello", question=question)]
    assert done == "[DONE]"
    assert usage["choices"] == []
    assert usage["usage"] == {"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 3}
    assert [chunk["usage"] for chunk in chunks] == [None, None, None]


def test_openai_responses_announces_every_part_and_numbers_every_event():
    events = written(OpenAIResponses, "Hel", "lo")
    assert [name for name, _ in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert all(name == data["type"] for name, data in events)
    assert [data["sequence_number"] for _, data in events] == list(range(len(events)))
    response = events[-1][1]["response"]
    assert response["output"][0]["content"][0]["text"] == "Hello"
    assert response["usage"]["output_tokens"] == 1


def test_openai_responses_closes_its_reasoning_before_it_answers():
    events = written(OpenAIResponses, "Hello", thoughts=["Hm", "m"])
    names = [name for name, _ in events]
    assert names[2:7] == [
        "response.output_item.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.delta",
        "response.output_item.done",
        "response.output_item.added",
    ]
    [reasoning, message] = events[-1][1]["response"]["output"]
    assert reasoning["summary"][0]["text"] == "Hmm"
    assert message["content"][0]["text"] == "Hello"
    assert {data["output_index"] for name, data in events if "output_text" in name} == {1}


def test_anthropic_names_its_events_and_pings():
    events = written(AnthropicMessages, "Hel", "lo")
    assert [name for name, _ in events] == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert all(name == data["type"] for name, data in events)
    assert events[3][1]["delta"] == {"type": "text_delta", "text": "Hel"}
    assert events[6][1]["delta"]["stop_reason"] == "end_turn"


def test_anthropic_thinks_in_a_block_of_its_own():
    events = written(AnthropicMessages, "Hello", thoughts=["Hm"])
    deltas = [data for name, data in events if name == "content_block_delta"]
    assert deltas == [
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "thinking_delta", "thinking": "Hm"},
        },
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "text_delta", "text": "Hello"},
        },
    ]
    assert [name for name, _ in events].count("content_block_stop") == 2


@pytest.mark.parametrize("shape", SHAPES)
def test_a_reply_without_a_word_still_finishes(shape):
    assert written(shape)[-1] == written(shape, "Hello")[-1] or shape is OpenAIResponses
    assert written(shape)[-1][0] == written(shape, "Hello")[-1][0]


@pytest.mark.parametrize("shape", [OpenAIChat, AnthropicMessages])
def test_messages_end_with_the_question(shape):
    question = shape.read({"messages": SAID, "max_tokens": 10, "stream": True, "model": "m"})
    assert (question.message, question.history) == ("Three", HISTORY)
    assert (question.stream, question.model) == (True, "m")


def test_responses_take_a_text_or_a_conversation():
    assert OpenAIResponses.read({"input": "Hi"}).message == "Hi"
    said = [*SAID[:-1], {"role": "user", "content": [{"type": "input_text", "text": "Three"}]}]
    question = OpenAIResponses.read({"input": said})
    assert (question.message, question.history) == ("Three", HISTORY)


@pytest.mark.parametrize("last", [[], [{"role": "user", "content": "Three"}]])
def test_a_transcript_may_hold_the_message_that_is_being_sent(last):
    question = Plain.read({"message": "Three", "transcript": [*SAID[:3], *last]})
    assert (question.message, question.history) == ("Three", HISTORY)


@pytest.mark.parametrize(
    ("shape", "body", "complaint"),
    [
        (Plain, {}, "The body needs 'message': a text that is not empty."),
        (Plain, {"message": " "}, "The body needs 'message'"),
        (Plain, {"message": 3}, "The body needs 'message'"),
        (Plain, {"message": "Hi", "transcript": "Hi"}, "'transcript' must be a list"),
        (Plain, {"message": "Hi", "transcript": ["Hi"]}, "transcript[0] must be an object"),
        (Plain, {"message": "Hi", "transcript": [{"role": "user"}]}, "'transcript[0].content'"),
        (Plain, {"message": "Hi", "sessionId": 3}, "'sessionId' must be a text, not int."),
        (OpenAIChat, {}, "'messages' must be a list"),
        (OpenAIChat, {"messages": []}, "'messages' must end with a message of the role 'user'."),
        (OpenAIChat, {"messages": SAID[:3]}, "'messages' must end with"),
        (OpenAIChat, {"messages": [USER], "stream": "yes"}, "'stream' must be true or false."),
        (AnthropicMessages, {"messages": [USER]}, "The body needs 'max_tokens'"),
        (AnthropicMessages, {"messages": [USER], "max_tokens": True}, "'max_tokens'"),
        (OpenAIResponses, {"input": None}, "'input' must be a list"),
        (
            OpenAIResponses,
            {"input": SAID, "previous_response_id": "resp_1"},
            "'input' is the new message alone",
        ),
    ],
)
def test_a_request_that_cannot_be_read_says_what_is_wrong(shape, body, complaint):
    with pytest.raises(BadRequest) as caught:
        shape.read(body)
    assert complaint in str(caught.value)


@pytest.mark.parametrize("text", ["{", "", '"text"', "[]", "[" * 100_000, "1" * 5000, b"\xff"])
def test_what_is_no_json_object_is_refused(text):
    with pytest.raises(BadRequest, match="The body"):
        parse_object(text, "The body")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "type", "text", "message", "messages", "input", "transcript"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(SHAPES),
    st.dictionaries(
        st.sampled_from(
            ["message", "messages", "input", "transcript", "stream", "max_tokens", "model"]
        ),
        _JSON | st.sampled_from(["user", SAID, [USER]]),
    ),
)
def test_any_body_is_a_question_or_a_bad_request(shape, body):
    try:
        question = shape.read(body)
    except BadRequest:
        return
    assert question.message.strip()


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=60) | st.just("\ud800 alone"))
def test_no_text_breaks_the_framing(text):
    event = json_event({"content": text}, "name")
    name, data, *rest = frame_sse(event).decode().split("\n")
    assert (name, rest) == ("event: name", ["", ""])
    assert json.loads(data.removeprefix("data: ")) == {"content": text}
    [line, nothing] = frame_ndjson(event).decode().split("\n")
    assert json.loads(line) == {"content": text}
    assert nothing == ""


def test_a_sign_of_life_is_no_event():
    assert frame_sse(Event(None)).startswith(b":")
    assert frame_ndjson(Event(None)) == b"\n"
