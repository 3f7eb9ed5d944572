"""What the server keeps is bounded, and what was not used for the longest time goes first."""

from __future__ import annotations

from turnwire.assistant.brain import Entry
from turnwire.assistant.sessions import MAX_ENTRIES, MAX_SESSIONS, Sessions


def test_the_session_that_was_not_used_for_the_longest_time_is_forgotten_first():
    sessions = Sessions()
    for number in range(MAX_SESSIONS):
        sessions.remember(str(number), Entry("user", "Hi"))
    assert sessions.recall("0") is not None
    sessions.remember("one more", Entry("user", "Hi"))
    assert sessions.recall("0") is not None
    assert sessions.recall("1") is None


def test_a_long_session_forgets_its_beginning():
    sessions = Sessions()
    sessions.remember("s", *(Entry("user", str(number)) for number in range(MAX_ENTRIES + 5)))
    kept = sessions.recall("s")
    assert kept is not None
    assert (len(kept), kept[0].content) == (MAX_ENTRIES, "5")


def test_no_id_is_given_out_twice():
    sessions = Sessions()
    assert len({sessions.new_id("s-") for _ in range(5)}) == 5
