"""When a reply is finished, when it has failed, and what is kept besides its text."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.replies import Reading, frame

# --- the finish ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "found", "finished"),
    [
        ("stop", "stop", True),
        ("stop", "length", False),
        ("stop", None, False),
        (["stop", "length"], "length", True),
        (["stop", "length"], "tool", False),
        (["stop", True], True, True),
        (True, True, True),
        (True, 1, False),
        (True, "true", False),
        (False, False, True),
        (False, 0, False),
        (1, 1, True),
        (1, True, False),
        (0, False, False),
        (1.5, 1.5, True),
        (None, None, True),
        (None, False, False),
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": True}, False),
    ],
)
def test_a_finish_value_is_compared_as_json(value: Any, found: Any, finished: bool) -> None:
    reading = Reading({"contentPath": "t", "finishPath": "end", "finishValue": value})
    assert (reading.read({"end": found}).finished_at == 0) is finished
    assert reading.read({"t": "x"}).finished_at is None, "absence is no value, not even null"


@pytest.mark.parametrize(
    ("found", "finished"),
    [
        ("stop", True),
        ("", True),
        (0, True),
        (True, True),
        ([], True),
        (False, False),
        (None, False),
    ],
)
def test_without_a_value_anything_but_null_false_and_absence_finishes(
    found: Any, finished: bool
) -> None:
    reading = Reading({"contentPath": "t", "finishPath": "end"})
    assert (reading.read({"end": found}).finished_at == 0) is finished
    assert reading.read({}).finished_at is None


def test_one_event_may_carry_text_and_the_finish() -> None:
    read = Reading({"contentPath": "t", "finishPath": "end"}).read({"t": "Hi", "end": True})
    assert (read.content, read.finished_at) == ("Hi", 0)


def test_any_of_several_finish_rules_will_do() -> None:
    rules = [
        {"when": {"type": ["response.completed", "response.incomplete"]}},
        {"path": "status", "value": "over"},
        {"sentinel": "BYE"},
        {"when": {"$event": "complete"}},
    ]
    reading = Reading({"contentPath": "t", "finish": rules})
    assert reading.read({"t": "x"}, {"type": "response.incomplete"}).finished_at == 1
    assert reading.read({"status": "over"}).finished_at == 0
    assert reading.read({"t": "x"}, "BYE").finished_at == 1
    assert reading.read(frame({}, "complete")).finished_at == 0
    assert reading.read({"type": "response.created"}, {"status": "on"}, "HELLO").finished_at is None


def test_a_finish_rule_may_have_exceptions_and_conditions() -> None:
    rule = {"path": "end", "when": {"role": "assistant"}, "unless": {"more": True}}
    reading = Reading({"contentPath": "t", "finish": [rule]})
    assert reading.read({"role": "assistant", "end": 1}).finished_at == 0
    assert reading.read({"role": "user", "end": 1}).finished_at is None
    assert reading.read({"role": "assistant", "end": 1, "more": 1}).finished_at is None
    assert reading.read({"role": "assistant"}).finished_at is None


def test_an_event_finishes_by_its_name_even_if_its_data_is_no_json() -> None:
    reading = Reading({"contentPath": "t", "finish": [{"when": {"$event": "complete"}}]})
    assert reading.read(frame("done, thanks", "complete")).finished_at == 0


@pytest.mark.parametrize("section", [{"finishPath": "end"}, {"finish": [{"sentinel": "BYE"}]}, {}])
def test_done_is_a_finish_whatever_the_rules_say(section: dict[str, Any]) -> None:
    read = Reading({"contentPath": "t", **section}).read({"t": "x"}, "[DONE]")
    assert (read.content, read.finished_at) == ("x", 1)


@pytest.mark.parametrize("data", [" [DONE]", "[DONE].", "[done]", '"[DONE]"', {"t": "[DONE]"}])
def test_a_sentinel_is_the_whole_event_and_nothing_like_it(data: Any) -> None:
    assert Reading({"contentPath": "t"}).read(data).finished_at is None


def test_a_sentinel_is_no_text() -> None:
    read = Reading({"contentPath": "$", "finish": [{"sentinel": "BYE"}]}).read("Hello", "BYE")
    assert (read.content, read.finished_at) == ("Hello", 1)


def test_a_lasting_socket_without_a_rule_finishes_with_its_first_text() -> None:
    section = {"contentPath": "t"}
    events = ({"typing": True}, {"t": ""}, {"t": "Hi"})
    assert Reading(section, stream_ends=False).read(*events).finished_at == 2
    assert Reading(section, stream_ends=True).read(*events).finished_at is None
    ruled = Reading({**section, "finishPath": "end"}, stream_ends=False)
    assert ruled.read(*events).finished_at is None


def test_what_can_end_a_stream_is_compiled_from_the_rules() -> None:
    none = Reading({"contentPath": "t"}).rules
    assert (none.has_finish, none.end_finishes, none.quiet_ms) == (False, True, None)
    path = Reading({"contentPath": "t", "finishPath": "end"}).rules
    assert (path.has_finish, path.end_finishes) == (True, False)
    end = Reading({"contentPath": "t", "finish": [{"path": "end"}, {"end": True}]}).rules
    assert end.end_finishes
    quiet = Reading({"contentPath": "t", "finish": [{"quietMs": 90}, {"quietMs": 40}]}).rules
    assert (quiet.quiet_ms, quiet.end_finishes) == (40, False)
    assert quiet.finish == (), "quiet time is no test of an event"


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "event", "error"),
    [
        ({"error": {"message": "no credit"}}, None, "no credit"),
        ({"error": "no credit"}, None, "no credit"),
        ({"error": {"code": 7}}, None, '{"code": 7}'),
        ({"message": "no credit"}, "error", "no credit"),
        ({"error": {"detail": "no credit"}}, "error", "no credit"),
        ({"errorText": "no credit"}, "error", "no credit"),
        ("no credit", "error", "no credit"),
        ("null", "error", "no message"),
        ({}, "error", "no message"),
        ({"error": None, "t": "x"}, None, None),
        ({"error": "", "t": "x"}, None, None),
        ({"error": False, "t": "x"}, None, None),
        ([{"error": "x"}], None, None),
        ({"t": "error"}, "message", None),
    ],
)
def test_without_rules_an_event_or_a_field_named_error_is_one(
    data: Any, event: str | None, error: str | None
) -> None:
    assert Reading({"contentPath": "t"}).read(frame(data, event)).error == error


def test_an_empty_list_of_error_rules_switches_that_off() -> None:
    read = Reading({"contentPath": "t", "errors": []}).read(
        frame({"error": "x", "t": "y"}, "error")
    )
    assert (read.error, read.content) == (None, "y")


@pytest.mark.parametrize(
    ("rule", "data", "error"),
    [
        ({"when": {"type": "error"}, "path": "error.message"}, {"type": "error"}, "no message"),
        (
            {"when": {"type": "error"}, "path": "error.message"},
            {"type": "error", "error": {"message": "no credit"}},
            "no credit",
        ),
        ({"when": {"type": "error"}}, {"type": "error", "message": "no credit"}, "no credit"),
        ({"when": {"type": "error"}}, {"type": "fine", "message": "no credit"}, None),
        ({"path": "promptFeedback.blockReason"}, {"promptFeedback": {"blockReason": "S"}}, "S"),
        ({"path": "promptFeedback.blockReason"}, {"promptFeedback": {}}, None),
        ({"path": "failed"}, {"failed": False}, None),
        ({"path": "failed"}, {"failed": True}, "true"),
        ({"path": "e", "unless": {"retrying": True}}, {"e": "x", "retrying": 1}, None),
        ({"path": "e", "unless": {"retrying": True}}, {"e": "x"}, "x"),
    ],
)
def test_error_rules_say_when_and_where(
    rule: dict[str, Any], data: dict[str, Any], error: str | None
) -> None:
    assert Reading({"contentPath": "t", "errors": [rule]}).read(data).error == error


def test_an_error_that_also_carries_the_finish_is_an_error() -> None:
    reading = Reading({"contentPath": "t", "finishPath": "end"})
    read = reading.read({"t": "half"}, {"error": "broke", "end": "stop", "t": "no text"})
    assert (read.error, read.finished_at, read.content) == ("broke", None, "half")


def test_a_very_long_error_is_cut_short() -> None:
    read = Reading({"contentPath": "t"}).read({"error": "x" * 10_000})
    assert read.error is not None
    assert len(read.error) <= 501


def test_an_error_is_seen_also_where_events_are_mere_text() -> None:
    read = Reading({"contentPath": "$"}).read("Hello", frame("overloaded", "error"))
    assert (read.content, read.error) == ("Hello", "overloaded")


# --- what is kept besides ------------------------------------------------------------------------


def test_the_last_usage_counts() -> None:
    reading = Reading({"contentPath": "t", "usagePath": "usage"})
    read = reading.read({"usage": {"n": 1}}, {"usage": None}, {"t": "x"}, {"usage": {"n": 2}})
    assert read.reader.usage == {"n": 2}


def test_a_usage_that_comes_in_parts_is_joined() -> None:
    reading = Reading({"contentPath": "t", "usagePath": "usage | message.usage"})
    read = reading.read(
        {"message": {"usage": {"input_tokens": 9, "output_tokens": 1, "tier": "standard"}}},
        {"t": "x"},
        {"usage": {"output_tokens": 12}},
    )
    assert read.reader.usage == {"input_tokens": 9, "output_tokens": 12}


def test_a_usage_that_names_something_new_each_time_does_not_grow() -> None:
    reading = Reading({"contentPath": "t", "usagePath": "usage"})
    read = reading.read(*({"usage": {f"n{i}": i}} for i in range(1000)))
    assert len(read.reader.usage) <= 65


def test_captured_values_are_kept_and_a_later_one_wins() -> None:
    reading = Reading(
        {"contentPath": "t", "capture": {"sessionId": "conversation_id", "last": "id | key"}}
    )
    read = reading.read(
        {"conversation_id": "c-1", "id": 1}, {"conversation_id": None, "key": 2}, {"t": "x"}
    )
    assert read.reader.captured == {"sessionId": "c-1", "last": 2}


def test_after_the_finish_usage_captures_and_the_sentinel_still_count_and_text_does_not() -> None:
    section = {
        "contentPath": "t",
        "finish": [{"path": "end"}, {"sentinel": "BYE"}],
        "usagePath": "usage",
        "capture": {"id": "id"},
    }
    reader = Reading(section).reader()
    assert reader.read(frame({"t": "Hi", "end": 1})).finished
    assert reader.expects_more
    reader.read_tail(frame({"t": " more", "usage": 3, "id": "c-1"}))
    assert (reader.content, reader.usage, reader.captured) == ("Hi", 3, {"id": "c-1"})
    assert reader.expects_more, "the sentinel has not come yet"
    reader.read_tail(frame("not json"))
    reader.read_tail(frame(b"BYE"))
    assert not reader.expects_more


def test_a_reply_that_names_nothing_more_expects_nothing_more() -> None:
    reader = Reading({"contentPath": "t", "finishPath": "end"}).reader()
    reader.read(frame({"end": 1}))
    assert not reader.expects_more


# --- whatever arrives ----------------------------------------------------------------------------

EVERYTHING = {
    "content": [
        {"path": "t | parts[*].text", "when": {"type": True}, "unless": {"hidden": [True]}},
        {"path": "$", "mode": "cumulative"},
        {"path": "r", "mode": "replace"},
    ],
    "finish": [{"path": "end", "value": ["stop", {"a": [1]}]}, {"when": {"$event": "bye"}}],
    "errors": [{"path": "error"}, {"when": {"$event": "error"}}],
    "usagePath": "usage",
    "capture": {"id": "id"},
}
keys = st.sampled_from(["t", "parts", "text", "type", "hidden", "end", "error", "usage", "r", "id"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 1) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=10,
)
frames = st.builds(
    frame,
    values | st.text(max_size=6) | st.binary(max_size=6) | st.just("[DONE]"),
    st.sampled_from([None, "bye", "error", "message", ""]),
    whole=st.booleans(),
)


@given(st.lists(frames, max_size=6), st.sampled_from([EVERYTHING, {"contentPath": "$"}, {}]))
@settings(max_examples=300, deadline=None)
def test_no_frame_breaks_the_reader(several: list[Any], section: dict[str, Any]) -> None:
    reader = Reading(section, responseFieldPath="t | parts[*].text").reader()
    for one in several:
        reading = reader.read(one)
        assert reading.text is None or isinstance(reading.text, str)
        assert reading.error is None or isinstance(reading.error, str)
        reader.read_tail(one)
    assert isinstance(reader.content, str)
    assert all(isinstance(hint, str) for hint in reader.hints())


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"error":' * 100_000, "9" * 10_000, "1e999", "NaN"]
)
def test_json_that_python_cannot_take_breaks_nothing(text: str) -> None:
    reader = Reading({"contentPath": "t"}).reader()
    assert reader.read(frame(text)).text is None
    assert reader.hints()


def test_json_that_is_nested_as_deep_as_it_can_be_read_breaks_nothing() -> None:
    # Somewhere near the interpreter's limit a value can be parsed and not be written again.
    reading = Reading({"contentPath": "t", "usagePath": "usage", "finishPath": "x"})
    limit = sys.getrecursionlimit()
    for depth in [*range(limit - 160, limit + 20, 2), *range(1_000, 12_000, 997)]:
        nested = "[" * depth + "]" * depth
        reader = reading.reader()
        reader.read(frame(f'{{"error": {nested}, "usage": {nested}}}'))
        reader.read(frame(f'{{"x": {nested}}}'))
        assert reader.hints() is not None


def test_a_wrong_path_is_no_error_of_ours_for_bytes_that_are_no_text() -> None:
    read = Reading({"contentPath": "t"}).read(b"\xff\xfe\x00binary")
    assert (read.content, read.error) == ("", None)
    assert read.reader.unreadable
    assert json.dumps(read.reader.hints())
