"""What a person is told when nothing was found: what was there, and what to write instead."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.replies import Reading, frame


def hints(section: dict[str, Any], *frames: Any, **more: Any) -> str:
    return " / ".join(Reading(section, **more).read(*frames).reader.hints())


def doubts(section: dict[str, Any], *values: Any) -> tuple[str, ...]:
    """What is odd about a reply, as a conversation asks: before its text is joined."""
    reader = Reading(section).reader()
    for value in values:
        reader.read(frame(value))
    return reader.doubts()


OPENAI = [
    {"id": "c-1", "model": "m", "choices": [{"delta": {"role": "assistant"}}]},
    {"id": "c-1", "model": "m", "choices": [{"delta": {"content": "Hel"}}]},
    {"id": "c-1", "model": "m", "choices": [{"delta": {"content": "lo"}}]},
    {"id": "c-1", "model": "m", "choices": [{"delta": {}, "finish_reason": "stop"}]},
]


@pytest.mark.parametrize(
    "path",
    ["choices[0].message.content", "choices[0].delta.contents", "content", "delta.text", "nothing"],
)
def test_a_wrong_content_path_is_told_with_the_nearest_that_would_have_matched(path: str) -> None:
    text = hints({"contentPath": path, "finishPath": "choices[0].finish_reason"}, *OPENAI)
    assert text == (
        f"contentPath `{path}` matched 0 of 4 events; nearest: `choices[0].delta.content` "
        "(string in 2 of 4, grows)."
    )


def test_a_path_that_was_never_written_is_told_with_the_nearest() -> None:
    text = hints({}, *OPENAI)
    assert "No contentPath is configured" in text
    assert "`choices[0].delta.content`" in text


def test_a_path_that_leads_to_something_else_than_text_says_to_what() -> None:
    text = hints({"contentPath": "choices[0].delta"}, *OPENAI)
    assert "contentPath `choices[0].delta` matched in 4 of 4 events, but found an object;" in text
    assert "`choices[0].delta.content`" in text


@pytest.mark.parametrize(
    ("value", "kind"),
    [(False, "a boolean"), (0, "a number"), ({}, "an object"), ([1], "a list")],
)
def test_values_that_are_nothing_in_python_are_found_all_the_same(value: Any, kind: str) -> None:
    text = hints({"contentPath": "t"}, {"t": value}, {"text": "x"})
    assert f"contentPath `t` matched in 1 of 2 events, but found {kind};" in text


def test_with_several_content_rules_all_their_paths_are_named() -> None:
    text = hints({"content": [{"path": "a"}, {"path": "b.c"}]}, *OPENAI)
    assert "contentPath `a` or `b.c` matched 0 of 4 events; nearest: " in text


def test_a_whole_body_speaks_of_its_own_path() -> None:
    body = frame({"id": "m-1", "reply": {"text": "Hello"}}, whole=True)
    text = hints({"contentPath": "delta"}, body, responseFieldPath="message")
    assert text == (
        "responseFieldPath `message` matched 0 of 1 event; "
        "nearest: `reply.text` (string in 1 of 1)."
    )


def test_a_key_that_needs_quotes_has_them_in_the_advice() -> None:
    text = hints({"contentPath": "answer"}, {"the answer": "one"}, {"the answer": "two"})
    assert '`["the answer"]`' in text
    it = Reading({"contentPath": '["the answer"]'}).read({"the answer": "one"})
    assert it.content == "one", "the advice can be followed"


def test_events_that_are_no_json_are_told_as_such() -> None:
    text = hints({"contentPath": "text"}, "Hello", "you")
    assert "None of the 2 events was JSON." in text
    assert '"contentPath": "$"' in text


def test_no_text_anywhere_is_said() -> None:
    assert "No text was found anywhere" in hints({"contentPath": "text"}, {"n": 1}, {"n": 2})


def test_no_event_at_all_is_said() -> None:
    assert hints({"contentPath": "text"}) == "Nothing arrived that could be read: not one event."


def test_a_finish_path_that_never_matched_is_told() -> None:
    text = hints({"contentPath": "choices[0].delta.content", "finishPath": "done"}, *OPENAI)
    assert text == (
        "finishPath `done` matched 0 of 4 events; nearest: `choices[0].finish_reason`, which was "
        '"stop" at the end.'
    )


def test_a_finish_value_that_never_came_is_told_with_those_that_did() -> None:
    section = {
        "contentPath": "t",
        "finishPath": "state",
        "finishValue": ["done", "over"],
    }
    events = [{"t": "x", "state": "on"}] * 3 + [{"t": "x", "state": "idle"}, {"t": "x"}]
    assert hints(section, *events) == (
        'finishPath `state` matched in 4 of 5 events but never equalled ["done", "over"]; '
        'values seen: "on" ×3, "idle" ×1. If the last one ends the reply: "finishValue": "idle".'
    )


def test_very_many_and_very_long_finish_values_are_cut_short() -> None:
    section = {"contentPath": "t", "finishPath": "state", "finishValue": "done"}
    text = hints(section, *({"t": "x", "state": f"{n:02}" * 100} for n in range(30)))
    assert "and 26 others" in text
    assert len(text) < 400


def test_several_finish_rules_that_did_not_hold_are_told_together() -> None:
    section = {"contentPath": "t", "finish": [{"path": "a"}, {"path": "b"}]}
    assert hints(section, {"t": "x"}) == (
        "None of the finish rules was fulfilled in 1 event: finish[0]: `a` matched 0 of 1 event. "
        "finish[1]: `b` matched 0 of 1 event."
    )


@pytest.mark.parametrize(
    "section",
    [
        {"contentPath": "choices[0].delta.content"},
        {"contentPath": "choices[0].delta.content", "finishPath": "choices[0].finish_reason"},
    ],
)
def test_a_reply_that_went_well_needs_no_hints(section: dict[str, Any]) -> None:
    assert hints(section, *OPENAI) == ""


def test_a_target_that_said_nothing_is_not_blamed_on_the_path() -> None:
    events = [{"t": ""}, {"t": "", "end": True}]
    assert hints({"contentPath": "t", "finishPath": "end"}, *events) == ""


def test_a_content_rule_whose_condition_never_held_is_not_called_a_wrong_path() -> None:
    section = {"content": [{"path": "t", "when": {"type": "delta", "$event": "x"}}]}
    assert hints(section, *[{"t": "x", "type": "other"}] * 2, {"type": "delta"}) == (
        "content[0]: `t` is there in 2 of 3 events, but its `when` held in none: `type` never was "
        '"delta"; values seen: "other" ×2, and `$event` is nowhere.'
    )


def test_evidence_is_the_first_and_the_last_events_of_a_long_reply() -> None:
    events: list[Any] = [{"early": "x"}] + [{"n": n} for n in range(500)] + [{"late": "y"}]
    text = hints({"contentPath": "lat"}, *events)
    assert "matched 0 of 502 events;" in text
    assert "(string in 1 of the 48 kept)" in text
    assert "`late`" in text


def test_huge_events_are_not_kept_for_evidence() -> None:
    reader = Reading({"contentPath": "t"}).read({"x": "y" * 1_000_000}, {"z": "small"}).reader
    assert "`z`" in " ".join(reader.hints())
    assert sum(len(data) for data, _ in [*reader._first, *reader._last]) < 200_000


def openai(**more: Any) -> list[Any]:
    """47 events, as the many servers that speak OpenAI's format send them."""
    texts = [
        {"choices": [{"delta": {"content": f"w{n} "}, "finish_reason": None}]} for n in range(45)
    ]
    first = {"choices": [{"delta": {"role": "assistant"}, "finish_reason": None}]}
    return [first, *texts, {"choices": [{"delta": {}, "finish_reason": "end_turn"}]}]


def test_a_path_with_a_slip_of_the_pen() -> None:
    section = {"contentPath": "choices[0].delta.contnt", "finishPath": "choices[0].finish_reason"}
    assert hints(section, *openai()) == (
        "contentPath `choices[0].delta.contnt` matched 0 of 47 events; nearest: "
        "`choices[0].delta.content` (string in 45 of 47, grows)."
    )


def test_a_finish_value_that_the_target_calls_otherwise() -> None:
    section = {
        "contentPath": "choices[0].delta.content",
        "finishPath": "choices[0].finish_reason",
        "finishValue": "stop",
    }
    assert hints(section, *openai()) == (
        "finishPath `choices[0].finish_reason` matched in 47 of 47 events but never equalled "
        '"stop"; values seen: null ×46, "end_turn" ×1. If the last one ends the reply: '
        '"finishValue": "end_turn".'
    )


def test_reasoning_is_not_taken_for_the_answer() -> None:
    thoughts = [{"delta": {"reasoning_content": f"hm {n} "}} for n in range(9)]
    text = hints({"contentPath": "delta.content"}, *thoughts)
    assert "nearest: `delta.reasoning_content` (string in 9 of 9, grows)." in text
    assert "That is reasoning, not the answer, which never came" in text
    assert "`delta.text`" in hints(
        {"contentPath": "delta.content"},
        *thoughts,
        {"delta": {"text": "so"}},
        {"delta": {"text": "!"}},
    )


def test_a_path_that_several_kinds_of_events_share_is_told_with_the_kinds() -> None:
    events = [{"type": "reasoning.delta", "delta": "hm"}] * 2 + [
        {"type": "text.delta", "delta": "a"}
    ]
    text = hints({"contentPath": "dlta"}, *events)
    assert '(`type`: "reasoning.delta" ×2, "text.delta" ×1)' in text
    assert 'Write "when": {"type": "text.delta"} beside it.' in text


def test_a_finish_condition_that_never_held_is_told_with_what_there_was() -> None:
    section = {"contentPath": "t", "finish": [{"when": {"type": "over"}}, {"sentinel": "[END]"}]}
    assert hints(section, {"t": "a", "type": "text"}, {"type": "stop"}) == (
        "None of the finish rules was fulfilled in 2 events: finish[0]: `type` never was "
        '"over"; values seen: "text" ×1, "stop" ×1. finish[1]: no event was "[END]".'
    )


@pytest.mark.parametrize(
    ("event", "rule"),
    [
        (
            {"type": "run_error", "message": "quota"},
            '[{"when": {"type": "run_error"}, "path": "message"}]',
        ),
        (
            {"failure": {"text": "quota"}},
            '[{"when": {"failure": true}, "path": "failure.text"}]',
        ),
        (
            {"a failure": "quota"},
            '[{"when": {"[\\"a failure\\"]": true}, "path": "[\\"a failure\\"]"}]',
        ),
        (
            frame('{"detail": "quota"}', event="stream-error"),
            '[{"when": {"$event": "stream-error"}, "path": "detail"}]',
        ),
    ],
)
def test_an_event_that_looks_like_an_error_is_told_with_the_rule_for_it(
    event: Any, rule: str
) -> None:
    text = hints({"contentPath": "t", "finishPath": "done"}, {"t": "a"}, event)
    assert f'It says "quota". If it is one: "errors": {rule}.' in text
    assert json.loads(rule)


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["He", "Hello", "Hello you"], "each event holds all of the text so far"),
        (["Good morning", "Good morning to you"], "each event holds all of the text so far"),
        (["Hello ", "you over ", "there", "Hello you over there"], "repeats all of it"),
        (["no", "no"], None),
        ([".", ".", ".", "."], None),
        (["a", "ab", "x"], None),
        (["one ", "two ", "three"], None),
    ],
)
def test_text_that_repeats_itself_is_told_also_of_a_reply_that_finished(
    texts: list[str], told: str | None
) -> None:
    found = " ".join(doubts({"contentPath": "t"}, *({"t": one} for one in texts)))
    assert told in found if told else not found


def test_deltas_that_are_read_as_cumulative_are_told() -> None:
    section = {"content": [{"path": "t", "mode": "cumulative"}]}
    pieces = doubts(section, *({"t": one} for one in ("Hel", "lo ", "you")))
    assert "The text was replaced 2 times" in " ".join(pieces)
    assert doubts(section, *({"t": one} for one in ("Hel", "Hello ", "Hello you"))) == ()


def test_a_usage_or_capture_that_is_elsewhere_is_told_and_one_that_is_nowhere_is_not() -> None:
    events = [{"t": "a", "session": {"id": "s-1"}}, {"result": {"usage": {"total_tokens": 7}}}]
    section = {"contentPath": "t", "usagePath": "usage", "capture": {"sessionId": "sesion.id"}}
    assert doubts(section, *events) == (
        "usagePath `usage` matched nothing; nearest: `result.usage`.",
        "capture 'sessionId' (`sesion.id`) matched nothing; nearest: `session.id`.",
    )
    assert doubts(section, {"t": "a"}, {"n": 1}) == ()


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        ('{"t": "a"}\n{"t": "b"}\n', "The body is NDJSON"),
        ('data: {"t": "a"}\n\n', "The body is an event stream"),
    ],
)
def test_a_body_that_is_a_stream_in_disguise_is_told_as_such(body: str, advice: str) -> None:
    assert advice in hints({}, frame(body, whole=True), responseFieldPath="t")


@given(
    st.lists(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.sampled_from(["type", "t", "error", "usage", "a b", ""]), inner
                )
            ),
            max_leaves=12,
        ),
        max_size=8,
    )
)
@settings(max_examples=60, deadline=None)
def test_whatever_came_it_can_be_explained(values: list[Any]) -> None:
    section = {
        "content": [{"path": "x.y", "when": {"type": ["a"]}}, {"path": "t[*].z"}],
        "finish": [{"path": "t", "value": "end"}, {"when": {"$event": "over"}}],
        "usagePath": "usage.all",
        "capture": {"sessionId": "session"},
        "errors": [],
    }
    reader = Reading(section).read(*values).reader
    assert all(isinstance(one, str) for one in (*reader.doubts(), *reader.hints()))
    assert all(isinstance(one, str) for one in reader.closer_look())
