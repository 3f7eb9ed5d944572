"""Where the text is, which events have it, and how pieces become a reply."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.replies import Reading, frame


def test_the_pieces_at_the_content_path_make_the_reply() -> None:
    read = Reading({"contentPath": "choices[0].delta.content"}).read(
        {"choices": [{"delta": {"role": "assistant"}}]},
        {"choices": [{"delta": {"content": ""}}]},
        {"choices": [{"delta": {"content": "Hel"}}]},
        {"choices": [{"delta": {"content": None}}]},
        {"choices": [{"delta": {"content": "lo"}}]},
        {"choices": []},
    )
    assert read.content == "Hello"
    assert read.texts == ["Hel", "lo"]
    assert read.replaces == [False, False]


@pytest.mark.parametrize("value", [5, True, False, None, {}, {"a": "b"}, [], [5], [["x"]]])
def test_what_is_no_text_is_no_content(value: Any) -> None:
    read = Reading({"contentPath": "text"}).read({"text": value})
    assert (read.content, read.texts) == ("", [])


def test_the_texts_of_a_list_are_joined() -> None:
    parts = {"parts": [{"text": "a"}, {"image": 1}, {"text": "b"}, {"text": 5}]}
    assert Reading({"contentPath": "parts[*].text"}).read(parts).content == "ab"
    rule = {"path": "parts[*].text", "join": "\n"}
    assert Reading({"content": [rule]}).read(parts).content == "a\nb"


def test_a_list_of_texts_is_one_piece() -> None:
    assert Reading({"contentPath": "lines"}).read({"lines": ["a", 1, "b"]}).texts == ["ab"]


def test_several_rules_are_tried_on_every_event() -> None:
    reading = Reading({"content": [{"path": "a"}, {"path": "b"}]})
    read = reading.read({"a": "1"}, {"b": "2"}, {"a": "3", "b": "4"})
    assert read.texts == ["1", "2", "34"], "an event is one piece, whatever rules find in it"


# --- conditions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "event", "data", "holds"),
    [
        ({"type": "delta"}, None, {"type": "delta"}, True),
        ({"type": "delta"}, None, {"type": "other"}, False),
        ({"type": "delta"}, None, {}, False),
        ({"type": ["a", "b"]}, None, {"type": "b"}, True),
        ({"type": ["a", "b"]}, None, {"type": "c"}, False),
        ({"type": []}, None, {"type": "a"}, False),
        ({"n": 1}, None, {"n": 1}, True),
        ({"n": 1}, None, {"n": 1.0}, True),
        ({"n": 1}, None, {"n": True}, False),
        ({"n": 1}, None, {"n": "1"}, False),
        ({"n": 0}, None, {"n": False}, False),
        ({"n": False}, None, {"n": False}, True),
        ({"n": False}, None, {"n": 0}, False),
        ({"n": False}, None, {}, False),
        ({"n": None}, None, {"n": None}, True),
        ({"n": None}, None, {}, False),
        ({"n": [None, "x"]}, None, {"n": None}, True),
        ({"n": {"a": [1, True]}}, None, {"n": {"a": [1, True]}}, True),
        ({"n": {"a": [1, True]}}, None, {"n": {"a": [1, 1]}}, False),
        ({"n": {"a": 1}}, None, {"n": {"a": 1, "b": 2}}, False),
        ({"n": True}, None, {"n": "anything"}, True),
        ({"n": True}, None, {"n": False}, True),
        ({"n": True}, None, {"n": None}, False),
        ({"n": True}, None, {}, False),
        ({"n": [True]}, None, {"n": "anything"}, False),
        ({"n": [True]}, None, {"n": True}, True),
        ({"a": 1, "b": 2}, None, {"a": 1, "b": 2}, True),
        ({"a": 1, "b": 2}, None, {"a": 1, "b": 3}, False),
        ({"a.b[0]": "x"}, None, {"a": {"b": ["x"]}}, True),
        ({"a | b": "x"}, None, {"b": "x"}, True),
        ({"$event": "delta"}, "delta", {}, True),
        ({"$event": "delta"}, "other", {}, False),
        ({"$event": "delta"}, None, {}, False),
        ({"$event": ["a", "b"]}, "b", {}, True),
        ({"$event": True}, "any", {}, True),
        ({"$event": True}, None, {}, False),
        ({"$event": "delta", "n": 1}, "delta", {"n": 1}, True),
        ({"$event": "delta", "n": 1}, "delta", {"n": 2}, False),
    ],
)
def test_a_condition_holds_of_an_event_or_does_not(
    when: dict[str, Any], event: str | None, data: dict[str, Any], holds: bool
) -> None:
    it = frame({**data, "text": "x"}, event)
    assert Reading({"content": [{"path": "text", "when": when}]}).read(it).content == "x" * holds
    unless = Reading({"content": [{"path": "text", "unless": when}]}).read(it)
    assert unless.content == "x" * (not holds), "`unless` is the opposite of `when`"


def test_when_and_unless_must_both_agree() -> None:
    rule = {"path": "text", "when": {"type": "delta"}, "unless": {"hidden": True}}
    reading = Reading({"content": [rule]})
    assert reading.read({"type": "delta", "text": "x"}).content == "x"
    assert reading.read({"type": "delta", "hidden": 1, "text": "x"}).content == ""
    assert reading.read({"type": "other", "text": "x"}).content == ""


@pytest.mark.parametrize(
    "path",
    [
        "candidates[0].content.parts[*].text",
        "candidates[*].content.parts[*].text",
        "nowhere[*].text | candidates[0].content.parts[*].text",
        "nowhere.text | candidates[0].content.parts[*].text",
        "candidates[0].content.parts[*].text | elsewhere",
    ],
)
def test_unless_leaves_out_single_items_of_a_list(path: str) -> None:
    parts = [
        {"text": "I should greet.", "thought": True},
        {"text": "Hel"},
        {"text": "lo", "thought": False},
        "no object",
    ]
    rule = {"path": path, "unless": {"thought": [True]}}
    read = Reading({"content": [rule]}).read({"candidates": [{"content": {"parts": parts}}]})
    assert read.content == "Hello"


def test_the_first_alternative_that_is_there_wins_also_when_items_are_left_out() -> None:
    rule = {"path": "a[*].text | b[*].text | c", "unless": {"hidden": True}}
    reading = Reading({"content": [rule]})
    assert reading.read({"a": [{"text": "x", "hidden": 1}], "b": [{"text": "y"}]}).content == ""
    assert reading.read({"b": [{"text": "y"}], "c": "z"}).content == "y"
    assert reading.read({"c": "z"}).content == "z"
    assert reading.read({"d": "z"}).content == ""


# --- modes ---------------------------------------------------------------------------------------


def test_delta_appends() -> None:
    read = Reading({"content": [{"path": "t", "mode": "delta"}]}).read({"t": "a"}, {"t": "ab"})
    assert (read.content, read.texts) == ("aab", ["a", "ab"])


def test_cumulative_gives_only_what_is_new() -> None:
    read = Reading({"content": [{"path": "t", "mode": "cumulative"}]}).read(
        {"t": "Hel"}, {"t": "Hello"}, {"t": "Hello"}, {"t": ""}, {"t": "Hello!"}
    )
    assert read.content == "Hello!"
    assert read.texts == ["Hel", "lo", "!"], "what says nothing new is no piece"
    assert read.replaces == [False, False, False]


def test_cumulative_text_that_took_a_turn_replaces_what_was_there() -> None:
    read = Reading({"content": [{"path": "t", "mode": "cumulative"}]}).read(
        {"t": "Good morning"}, {"t": "Good evening"}, {"t": "Good evening."}
    )
    assert read.content == "Good evening."
    assert read.texts == ["Good morning", "Good evening", "."]
    assert read.replaces == [False, True, False]


def test_replace_starts_the_text_anew() -> None:
    rules = [
        {"path": "answer", "when": {"event": "message"}},
        {"path": "answer", "when": {"event": "message_replace"}, "mode": "replace"},
    ]
    read = Reading({"content": rules}).read(
        {"event": "message", "answer": "Bad "},
        {"event": "message", "answer": "words"},
        {"event": "message_replace", "answer": "[removed]"},
        {"event": "message", "answer": "."},
    )
    assert read.content == "[removed]."
    assert read.replaces == [False, False, True, False]


@given(
    st.lists(
        st.tuples(st.sampled_from(["delta", "cumulative", "replace"]), st.text("ab", max_size=3)),
        max_size=12,
    )
)
@settings(max_examples=150, deadline=None)
def test_the_pieces_always_add_up_to_the_content(pieces: list[tuple[str, str]]) -> None:
    modes = ("delta", "cumulative", "replace")
    reading = Reading({"content": [{"path": mode, "mode": mode} for mode in modes]})
    read = reading.read(*({mode: text} for mode, text in pieces))
    text = ""
    for piece, replaces in zip(read.texts, read.replaces, strict=True):
        assert piece
        text = piece if replaces else text + piece
    assert text == read.content


# --- the whole event -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("plain text", "plain text"),
        ('"a JSON \\"string\\""', 'a JSON "string"'),
        ('"half a string', '"half a string'),
        ("42", "42"),
        ("true", "true"),
        ("null", "null"),
        ("{not json", "{not json"),
        (b"caf\xc3\xa9", "café"),
        (b"bad \xff byte", "bad \ufffd byte"),
    ],
)
def test_with_the_root_path_an_event_is_its_text(data: str | bytes, text: str) -> None:
    assert Reading({"contentPath": "$"}).read(data).content == text
    # The same where something else makes the reader look into the events.
    looking = Reading({"contentPath": "$", "usagePath": "usage"})
    assert looking.read(data).content == text


def test_with_the_root_path_an_object_is_no_text_if_rules_look_inside() -> None:
    reading = Reading({"contentPath": "$", "finish": [{"when": {"done": True}}]})
    read = reading.read("Hello", {"done": 1})
    assert read.content == "Hello"
    assert read.finished_at == 1


def test_without_a_content_path_nothing_is_content() -> None:
    assert Reading({}).read({"text": "x"}, "plain").content == ""


# --- whole bodies --------------------------------------------------------------------------------


def test_a_whole_body_is_read_with_the_response_field_path() -> None:
    reading = Reading(
        {"contentPath": "delta", "usagePath": "usage"}, responseFieldPath="message.content"
    )
    read = reading.read(frame({"message": {"content": "Hi"}, "usage": 3}, whole=True))
    assert (read.content, read.finished_at, read.reader.usage) == ("Hi", 0, 3)


def test_a_whole_body_of_several_texts_has_a_line_for_each() -> None:
    reading = Reading({}, responseFieldPath="[*].text")
    body = frame([{"text": "one"}, {"image": 1}, {"text": "two"}], whole=True)
    assert reading.read(body).content == "one\ntwo"
    assert reading.read(frame([], whole=True)).finished_at == 0


def test_a_whole_body_that_is_no_json_cannot_be_read_but_at_the_root() -> None:
    page = frame("<html>", whole=True)
    read = Reading({}, responseFieldPath="text").read(page)
    assert (read.content, read.reader.unreadable) == ("", True)
    assert Reading({}, responseFieldPath="$").read(page).content == "<html>"


def test_an_error_in_a_whole_body_is_an_error() -> None:
    read = Reading({}, responseFieldPath="text").read(
        frame({"error": {"message": "no credit"}, "text": "x"}, whole=True)
    )
    assert (read.error, read.content) == ("no credit", "")
