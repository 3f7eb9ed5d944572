"""A reply that is not read as its config means is told of after the first, in time to stop."""

from __future__ import annotations

import attrs
import pytest

from turnwire.engine.misreads import Misreads
from turnwire_core import (
    Connection,
    DriverError,
    InvalidFrame,
    Metrics,
    Reply,
    StreamBrokenError,
    Verdict,
)

BOT = Connection(base_url="http://a.example/", name="bot")
GOOD = Reply("Hello", Verdict.FINISHED, Metrics(1.0, 1, 1, 1, 5), ok=True)
EMPTY = attrs.evolve(GOOD, content="", hints=("contentPath `t` matched 0 of 3 events.",))


def broken(verdict: Verdict, failure: DriverError | None = None) -> Reply:
    return attrs.evolve(EMPTY, verdict=verdict, ok=False, exception=failure)


def test_only_the_first_reply_of_a_connection_is_told_of() -> None:
    misreads = Misreads()
    other = attrs.evolve(BOT, name="other")
    assert misreads.look_at(BOT, EMPTY) == EMPTY.hints
    assert misreads.look_at(BOT, EMPTY) == ()
    assert misreads.look_at(other, EMPTY) == EMPTY.hints
    assert not misreads.stopped


def test_after_a_reply_that_was_read_well_the_paths_are_right() -> None:
    misreads = Misreads(stop=True)
    assert misreads.look_at(BOT, GOOD) == ()
    assert misreads.look_at(BOT, broken(Verdict.CLOSED_WITHOUT_FINISH)) == ()
    assert not misreads.stopped


@pytest.mark.parametrize(
    "reply",
    [
        broken(Verdict.REFUSED),
        broken(Verdict.MALFORMED, StreamBrokenError("cut off")),
        attrs.evolve(GOOD, content=""),
    ],
    ids=["refused", "cut off", "empty"],
)
def test_a_reply_that_says_nothing_of_the_paths_decides_nothing(reply: Reply) -> None:
    misreads = Misreads(stop=True)
    assert misreads.look_at(BOT, reply) == ()
    assert misreads.look_at(BOT, EMPTY) == EMPTY.hints
    assert misreads.stopped


@pytest.mark.parametrize(
    "reply",
    [
        EMPTY,
        broken(Verdict.CLOSED_WITHOUT_FINISH),
        broken(Verdict.STALLED),
        broken(Verdict.MALFORMED, InvalidFrame("Nothing could be read.")),
    ],
    ids=["no content", "no finish", "stalled", "unreadable"],
)
def test_who_wants_to_stop_stops_after_a_misread(reply: Reply) -> None:
    misreads = Misreads(stop=True)
    assert misreads.look_at(BOT, reply) == EMPTY.hints
    assert misreads.stopped
    assert misreads.ends_test(reply)
    assert not misreads.ends_test(GOOD)
