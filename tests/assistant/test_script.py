"""What a reply's script holds, with and without the faults that were asked for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire.assistant.errors import BadRequest
from turnwire.assistant.script import (
    FAULTS,
    MAX_CHUNKS,
    Cut,
    Fail,
    Finish,
    Garble,
    Hang,
    Heartbeat,
    Open,
    Pace,
    Reject,
    Say,
    Think,
    Wait,
    Whole,
    Wishes,
    read_wishes,
    split_evenly,
    split_words,
    take_wishes,
    write_script,
)

PACE = Pace(first_ms=20, gap_ms=5)


def script(*faults, text="one two three four", **wishes):
    return write_script(text, PACE, Wishes(faults=faults, **wishes))


def kinds(steps):
    return [type(step) for step in steps]


def spoken(steps):
    return "".join(step.text for step in steps if isinstance(step, Say))


def test_a_good_reply_waits_speaks_and_finishes():
    assert script(text="one two") == [
        Open(),
        Wait(20),
        Say("one "),
        Wait(5),
        Say("two"),
        Finish(),
    ]


def test_a_piece_has_as_many_words_as_the_pace_says():
    steps = write_script("a b c d e", Pace(chunk_words=2), Wishes())
    assert [step.text for step in steps if isinstance(step, Say)] == ["a b ", "c d ", "e"]


def test_wishes_win_over_the_pace():
    steps = script(first_ms=7.0, gap_ms=0.0, chunks=2)
    assert steps == [Open(), Wait(7), Say("one two "), Wait(0), Say("three four"), Finish()]


def test_silent_says_nothing_at_all():
    assert script("silent") == [Hang()]


def test_never_finishes_says_everything_and_hangs():
    steps = script("never-finishes")
    assert spoken(steps) == "one two three four"
    assert kinds(steps)[-1] is Hang
    assert Finish not in kinds(steps)


def test_no_finish_says_everything_and_ends():
    steps = script("no-finish")
    assert spoken(steps) == "one two three four"
    assert kinds(steps)[-1] is Say


@pytest.mark.parametrize(("fault", "last"), [("stall", Hang), ("close", Cut), ("error", Fail)])
def test_a_fault_in_the_middle_comes_after_some_of_the_text(fault, last):
    steps = script(fault)
    assert spoken(steps) == "one two "
    assert kinds(steps)[-1] is last


@pytest.mark.parametrize("text", ["one", "one two"])
def test_a_fault_in_the_middle_of_a_short_reply_comes_after_its_first_piece(text):
    assert spoken(script("stall", text=text)) == text.split()[0] + (" " if " " in text else "")


def test_malformed_goes_on_after_the_broken_event():
    steps = script("malformed")
    assert spoken(steps) == "one two three four"
    assert kinds(steps)[-1] is Finish
    assert kinds(steps).index(Garble) < kinds(steps).index(Finish)


def test_burst_waits_as_long_and_then_sends_everything_at_once():
    steps = script("burst")
    assert kinds(steps) == [Open, Wait, Wait, Wait, Wait, Say, Say, Say, Say, Finish]
    assert sum(step.ms for step in steps if isinstance(step, Wait)) == 35


def test_reasoning_comes_before_the_text():
    steps = script("reasoning")
    assert kinds(steps).index(Think) < kinds(steps).index(Say)
    assert spoken(steps) == "one two three four"


def test_heartbeats_stand_before_each_piece():
    steps = script("heartbeat")
    assert kinds(steps).count(Heartbeat) == 4


def test_empty_finishes_without_a_word():
    steps = script("empty")
    assert spoken(steps) == ""
    assert kinds(steps)[-1] is Finish


def test_whole_marks_the_reply_as_one_document():
    assert Whole in kinds(script("whole"))


def test_a_number_is_a_status():
    assert script("500") == [Reject(500)]
    assert script("429") == [Reject(429, retry_after=1)]
    assert script("429", retry_after=0) == [Reject(429, retry_after=0)]


def test_faults_can_be_combined():
    steps = script("reasoning", "close")
    assert kinds(steps).count(Think) == 3
    assert kinds(steps)[-1] is Cut


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_stumbles_over_an_empty_reply(fault):
    wrapped = FAULTS[fault].apply([Open(), Finish()])
    assert all(not isinstance(step, Say) for step in wrapped)


def test_tags_are_taken_out_of_the_message():
    message, wishes = take_wishes("[fault=stall,reasoning] Hello [gap_ms=3]there [1]")
    assert message == "Hello there [1]"
    assert wishes == Wishes(faults=("stall", "reasoning"), gap_ms=3.0)


def test_the_message_wins_over_the_query():
    query = read_wishes({"fault": "close", "gap_ms": "4", "message": "Hi"})
    assert Wishes(faults=("stall",)).over(query) == Wishes(faults=("stall",), gap_ms=4.0)


def test_a_message_can_ask_for_no_fault_at_all():
    assert take_wishes("[fault=] Hi")[1].over(Wishes(faults=("close",))).faults == ()


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("fault", "explode", "There is no fault 'explode'. Known are: silent,"),
        ("fault", "399", "any status from 400 to 599"),
        ("fault", "٤٠٤", "There is no fault"),
        ("first_ms", "soon", "'first_ms' must be from 0 to 600000 ms, not 'soon'."),
        ("gap_ms", "-1", "not '-1'"),
        ("gap_ms", "nan", "not 'nan'"),
        ("gap_ms", "inf", "not 'inf'"),
        ("chunks", "0", "'chunks' must be a whole number from 1 to 100000, not '0'."),
        ("chunks", "1.5", "not '1.5'"),
        ("chunks", str(MAX_CHUNKS + 1), "not '100001'"),
        ("retry_after", "3601", "from 0 to 3600"),
    ],
)
def test_a_wish_that_cannot_be_granted_says_what_can(name, value, complaint):
    with pytest.raises(BadRequest) as caught:
        read_wishes({name: value})
    assert complaint in str(caught.value)


@pytest.mark.parametrize("field", ["first_ms", "gap_ms", "chunk_words"])
def test_a_pace_does_not_go_backwards(field):
    with pytest.raises(ValueError, match=field):
        Pace(**{field: -1})


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=200), st.integers(1, 5))
def test_the_pieces_of_a_text_are_the_text(text, words):
    pieces = split_words(text, words)
    assert "".join(pieces) == text
    assert text == "" or all(pieces)


@settings(deadline=None, max_examples=100)
@given(st.text(min_size=1, max_size=100), st.integers(1, 300))
def test_chunks_is_the_exact_number_of_pieces_and_none_is_empty(text, count):
    pieces = split_evenly(text, count)
    assert len(pieces) == count
    assert all(pieces)
    assert "".join(pieces).startswith(text)
