"""What a reply shows: no secret, nothing that a terminal obeys, hints where they are wanted."""

from __future__ import annotations

import copy
import pickle
import traceback
from typing import Any

import anyio
import pytest

from support.scripted import HEL, HELLO, Act, frame, scripted
from turnwire_core.concealing import conceal
from turnwire_core.errors import (
    ConnectError,
    DriverError,
    InvalidFrame,
    RejectedError,
    StreamBrokenError,
)
from turnwire_core.events import Reply, WireTimes
from turnwire_core.secrets import Secrets

io = pytest.mark.anyio

SECRET = "s3cr/et+key=="
RULES = {"contentPath": "t", "finishPath": "done"}


async def turn(*acts: Any, **settings: Any) -> Reply:
    settings.setdefault("headers", {"X-Key": "${KEY}"})
    with anyio.fail_after(5):
        async with scripted(*acts, environ={"KEY": SECRET}, **settings) as (talk, _):
            return await talk.send("hi")


def shown(reply: Reply) -> str:
    assert reply.exception is not None
    parts = [reply.error, repr(reply), *reply.hints, *map(str, reply.attempts)]
    return "\n".join([*map(str, parts), *traceback.format_exception(reply.exception)])


def caused(failure: DriverError, *causes: BaseException) -> DriverError:
    """``failure``, raised because of the causes, one of the other."""
    above: BaseException = failure
    for cause in causes:
        above.__cause__ = cause
        above = cause
    return failure


@io
@pytest.mark.parametrize(
    "act",
    [
        Act(refusal=ConnectError(f"no way with {SECRET}")),
        Act(refusal=RejectedError(f"no: {SECRET}", status=401, body=f"bad key {SECRET}")),
        Act([HEL, f'{{"error":"bad key {SECRET}"}}']),
        Act([HEL, caused(StreamBrokenError("cut"), ValueError(f"illegal line {SECRET!r}"))]),
        Act([caused(StreamBrokenError("cut"), OSError("x"), ValueError(SECRET), OSError("y"))]),
        Act([caused(StreamBrokenError("cut"), ExceptionGroup("all", [ValueError(SECRET)]))]),
    ],
    ids=["refused", "rejected", "error event", "cause", "cause of a cause", "group"],
)
async def test_no_secret_is_in_what_a_failed_turn_shows(act: Act) -> None:
    reply = await turn(act)
    assert SECRET not in shown(reply)
    if isinstance(reply.exception, RejectedError):
        assert reply.exception.body == "bad key ***"


@io
async def test_the_kind_of_a_cause_that_is_left_out_is_still_told() -> None:
    failure = caused(StreamBrokenError("cut"), OSError("harmless"), ValueError(SECRET))
    reply = await turn(Act([failure]))
    assert "harmless" in shown(reply)
    assert "Because of ValueError, whose text held a secret and is left out." in shown(reply)


def test_a_circle_of_causes_comes_to_an_end() -> None:
    one, other = ValueError("one"), ValueError(SECRET)
    one.__context__, other.__context__ = other, one
    failure = caused(InvalidFrame("odd"), one)
    conceal(failure, Secrets([SECRET]))
    conceal(failure, Secrets([SECRET]))
    assert SECRET not in "".join(traceback.format_exception(failure))
    assert len(one.__notes__) == 1


@io
async def test_control_characters_of_a_target_are_written_out() -> None:
    reply = await turn([HEL, r'{"error":"\u001b[2J\n\u202egnp"}'])
    assert reply.error == r"The target sent an error inside its reply: \x1b[2J \x202egnp"
    assert str(reply.exception) == reply.error


@io
async def test_a_hint_shows_no_secret() -> None:
    reply = await turn([f'{{"{SECRET}":"text"}}'], rules={"contentPath": "t"})
    assert reply.hints
    assert SECRET not in "".join(reply.hints)


@io
async def test_hints_come_only_where_something_is_amiss() -> None:
    assert (await turn(HELLO)).hints == ()
    (empty,) = (await turn(['{"x":"Hel"}', '{"done":true}'])).hints
    assert "contentPath `t` matched 0 of 2 events" in empty
    assert "`x`" in empty
    (unfinished,) = (await turn([HEL])).hints
    assert "finishPath `done` matched 0 of 1 event" in unfinished
    assert (await turn(Act(refusal=ConnectError("no way")))).hints == ()


@io
async def test_a_large_document_is_explained_as_a_small_one_is() -> None:
    body = '{"padding":[' + "0," * 50_000 + '0],"other":"Hello"}'
    reply = await turn([frame(body, whole=True)], responseFieldPath="answer")
    assert "`other`" in reply.hints[0]


@io
async def test_the_repr_of_a_reply_does_not_repeat_the_target() -> None:
    reply = await turn([f'{{"t":"your key is {SECRET}","usage":"{SECRET}","done":1}}'])
    assert SECRET in reply.content
    assert SECRET not in repr(reply)
    assert "finished" in repr(reply)


@io
async def test_a_failed_turn_has_the_times_that_it_came_to() -> None:
    failure = StreamBrokenError("cut")
    failure.times = WireTimes(connected_ns=1, sent_ns=2)
    reply = await turn(Act(refusal=failure))
    metrics = reply.metrics
    assert (metrics.first_event_ms, metrics.first_token_ms, metrics.latency_ms) == (None,) * 3
    assert metrics.sent_ms is not None
    assert metrics.duration_ms > 0
    reply = await turn([HEL, StreamBrokenError("cut")])
    assert reply.metrics.first_token_ms is not None
    assert reply.metrics.latency_ms is None
    assert (reply.metrics.stream_chunks, reply.metrics.characters) == (1, 3)


@io
async def test_an_exception_that_holds_its_reply_can_be_copied_and_pickled() -> None:
    reply = await turn([HEL, StreamBrokenError("cut")])
    assert isinstance(reply.exception, StreamBrokenError)
    for one in (copy.copy(reply.exception), pickle.loads(pickle.dumps(reply.exception))):
        assert (str(one), one.phase) == ("cut", "stream")
        assert one.partial.content == "Hel"
