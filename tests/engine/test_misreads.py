"""A reply that is not read as its config means is told of after the first, in time to stop."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest
from anyio.abc import SocketStream

from support.raw_server import raw_server, read_http_request
from support.suites import KINDS, cases_of, make_suite, make_test
from turnwire.engine import ConnectionSource, Event, ReplyMisread, Shared, run_case
from turnwire.engine.misreads import Misreads
from turnwire.runlog import RunLog, read_log
from turnwire.runlog.entries import Misread
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


@pytest.mark.anyio
async def test_tests_that_are_run_one_by_one_are_told_of_it_once(tmp_path: Path) -> None:
    """As pytest runs them."""
    suite = make_suite(*(make_test(f"Test {n}", "Hello") for n in range(3)))
    events: list[Event] = []

    async def serve(stream: SocketStream) -> None:
        while True:
            await read_http_request(stream)
            await stream.send(b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"answer": "Hi"}')

    async with raw_server(serve) as port:
        config = tmp_path / "turnwire.json"
        bot = {"base_url": f"http://127.0.0.1:{port}/", "responseFieldPath": "reply"}
        config.write_text(json.dumps({"connections": {"bot": bot}}))
        with RunLog(tmp_path / "log.jsonl", command="pytest") as log:
            async with ConnectionSource(config=config) as sources:
                shared = Shared()
                for case in cases_of(suite, "bot"):
                    await run_case(
                        case,
                        sources=sources,
                        kinds=KINDS,
                        log=log,
                        shared=shared,
                        on_event=events.append,
                    )
    (told,) = [event for event in events if isinstance(event, ReplyMisread)]
    assert told.case.test.name == "Test 0"
    (entry,) = [one for one in read_log(tmp_path / "log.jsonl") if isinstance(one, Misread)]
    assert entry.hints == list(told.hints)
    assert "nearest: `answer` (string in 1 of 1)." in entry.hints[0]
