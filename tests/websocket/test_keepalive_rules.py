"""When to ping, and when a target is lost: what the keepalive decides, without a socket."""

from __future__ import annotations

from math import inf

import pytest

from turnwire_websocket.keepalive import Keepalive, TargetLost

PING = b"1"
LATER_NS = 2**63
"""Long after any question of these tests."""


def asked(*, interval_s: float = 10, timeout_s: float = 30) -> Keepalive:
    """One that asked at 10, and listens."""
    keepalive = Keepalive(interval_s, timeout_s, now=0)
    assert keepalive.due == interval_s
    assert keepalive.look(keepalive.due, unsent=False) == PING
    keepalive.listening()
    return keepalive


def test_nothing_is_due_before_its_time() -> None:
    assert Keepalive(10, 30, now=0).look(9, unsent=False) is None
    assert Keepalive(None, 30, now=0).due == inf


def test_the_next_ping_is_due_after_the_interval_where_the_last_was_answered() -> None:
    keepalive = asked()
    keepalive.arrived(LATER_NS)
    assert keepalive.due == 20
    assert keepalive.look(20, unsent=False) == b"2"


def test_a_ping_that_is_not_answered_is_waited_for_and_not_repeated() -> None:
    keepalive = asked()
    assert keepalive.look(keepalive.due, unsent=False) is None
    assert keepalive.due == 30


def test_silence_counts_only_while_we_listen() -> None:
    keepalive = asked()
    keepalive.arrived(0)  # long before we asked; and nobody reads from here on
    assert keepalive.look(1000, unsent=False) is None
    assert keepalive.due == 1010


def test_a_reader_who_left_does_not_make_the_target_silent() -> None:
    keepalive = asked()
    keepalive.not_listening()
    assert keepalive.look(1000, unsent=False) is None
    keepalive.listening()
    keepalive.arrived(LATER_NS)
    assert keepalive.look(2000, unsent=False) == b"2"


def test_a_target_that_says_nothing_is_lost() -> None:
    with pytest.raises(TargetLost, match="silent"):
        asked(timeout_s=0).look(10, unsent=False)


def test_a_target_that_takes_nothing_is_lost_though_it_talks() -> None:
    keepalive = asked()
    keepalive.arrived(LATER_NS)
    assert keepalive.look(20, unsent=True) is None
    with pytest.raises(TargetLost, match="takes no more"):
        keepalive.look(40, unsent=True)
