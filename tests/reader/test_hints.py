"""What a person is told when nothing was found: what was there, and what to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from support.replies import Reading, frame


def hints(section: dict[str, Any], *frames: Any, **more: Any) -> str:
    return " / ".join(Reading(section, **more).read(*frames).reader.hints())


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
    assert f"contentPath `{path}` matched 0 of 4 events." in text
    assert "Nearest: `choices[0].delta.content` (text in 2 of 4 events, changes)." in text


def test_a_path_that_was_never_written_is_told_with_the_nearest() -> None:
    text = hints({}, *OPENAI)
    assert "No contentPath is configured" in text
    assert "`choices[0].delta.content`" in text


def test_a_path_that_leads_to_something_else_than_text_says_to_what() -> None:
    text = hints({"contentPath": "choices[0].delta"}, *OPENAI)
    assert "contentPath `choices[0].delta` matched in 4 of 4 events, but found an object." in text
    assert "`choices[0].delta.content`" in text


@pytest.mark.parametrize(
    ("value", "kind"),
    [(False, "a boolean"), (0, "a number"), ({}, "an object"), ([1], "a list")],
)
def test_values_that_are_nothing_in_python_are_found_all_the_same(value: Any, kind: str) -> None:
    text = hints({"contentPath": "t"}, {"t": value}, {"text": "x"})
    assert f"contentPath `t` matched in 1 of 2 events, but found {kind}." in text


def test_with_several_content_rules_all_their_paths_are_named() -> None:
    text = hints({"content": [{"path": "a"}, {"path": "b.c"}]}, *OPENAI)
    assert "contentPath `a` or `b.c` matched 0 of 4 events." in text


def test_a_whole_body_speaks_of_its_own_path() -> None:
    body = frame({"id": "m-1", "reply": {"text": "Hello"}}, whole=True)
    text = hints({"contentPath": "delta"}, body, responseFieldPath="message")
    assert "responseFieldPath `message` matched 0 of 1 event." in text
    assert "Nearest: `reply.text`" in text


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
    assert text == "finishPath `done` matched 0 of 4 events."


def test_a_finish_value_that_never_came_is_told_with_those_that_did() -> None:
    section = {
        "contentPath": "t",
        "finishPath": "state",
        "finishValue": ["done", "over"],
    }
    events = [{"t": "x", "state": "on"}] * 3 + [{"t": "x", "state": "idle"}, {"t": "x"}]
    assert hints(section, *events) == (
        'finishPath `state` matched in 4 of 5 events but never equalled ["done", "over"]; '
        'values seen: "on" ×3, "idle" ×1.'
    )


def test_very_many_and_very_long_finish_values_are_cut_short() -> None:
    section = {"contentPath": "t", "finishPath": "state", "finishValue": "done"}
    text = hints(section, *({"t": "x", "state": f"{n:02}" * 100} for n in range(30)))
    assert "and 26 others" in text
    assert len(text) < 400


def test_several_finish_rules_that_did_not_hold_are_told_together() -> None:
    section = {"contentPath": "t", "finish": [{"path": "a"}, {"path": "b"}]}
    assert hints(section, {"t": "x"}) == "None of the finish rules was fulfilled in 1 event."


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
    section = {"content": [{"path": "t", "when": {"type": "delta"}}]}
    assert "matched 0" not in hints(section, {"t": "x", "type": "other"})


def test_evidence_is_the_first_and_the_last_events_of_a_long_reply() -> None:
    events: list[Any] = [{"early": "x"}] + [{"n": n} for n in range(500)] + [{"late": "y"}]
    text = hints({"contentPath": "lat"}, *events)
    assert "matched 0 of 502 events." in text
    assert "`late`" in text


def test_huge_events_are_not_kept_for_evidence() -> None:
    reader = Reading({"contentPath": "t"}).read({"x": "y" * 1_000_000}, {"z": "small"}).reader
    assert "`z`" in " ".join(reader.hints())
    assert sum(len(kept.data) for kept in [*reader._first, *reader._last]) < 200_000
