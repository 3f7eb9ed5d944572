"""How a turn ends, and what is still read after its end."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from support.scripted import HEL, HELLO, LAST, Act, frame, scripted
from turnwire_core.errors import (
    ConnectError,
    DriverError,
    FrameTooLarge,
    InvalidFrame,
    Phase,
    ProtocolError,
    ProxyError,
    RejectedError,
    ReplyError,
    StreamBrokenError,
    TimeLimitError,
    TlsError,
)
from turnwire_core.events import Reply, Verdict

pytestmark = pytest.mark.anyio

RULES = {"contentPath": "t", "finishPath": "done"}
USAGE = '{"usage":{"total":3}}'


async def turn(*acts: Any, **settings: Any) -> Reply:
    with anyio.fail_after(5):
        async with scripted(*acts, **settings) as (conversation, _):
            return await conversation.send("hi")


async def left_by(*acts: Any, **settings: Any) -> tuple[Reply, Any]:
    """The reply, and how the driver's context was left."""
    with anyio.fail_after(5):
        async with scripted(*acts, **settings) as (conversation, driver):
            reply = await conversation.send("hi")
        return reply, driver.left


# -- verdicts -------------------------------------------------------------------------------------

FAILURES: list[tuple[DriverError, Verdict]] = [
    (ConnectError("x"), Verdict.REFUSED),
    (TlsError("x"), Verdict.REFUSED),
    (ProxyError("x"), Verdict.REFUSED),
    (RejectedError("x", status=500), Verdict.REJECTED),
    (TimeLimitError("x", limit="connect", phase=Phase.CONNECT), Verdict.TIMED_OUT),
    (TimeLimitError("x", limit="close", phase=Phase.CLOSE), Verdict.TIMED_OUT),
    (StreamBrokenError("x", phase=Phase.CONNECT), Verdict.REFUSED),
    (StreamBrokenError("x", phase=Phase.SEND), Verdict.MALFORMED),
    (StreamBrokenError("x", phase=Phase.HEADERS), Verdict.MALFORMED),
    (StreamBrokenError("x"), Verdict.MALFORMED),
    (ReplyError("x"), Verdict.ERROR_EVENT),
    (ProtocolError("x"), Verdict.MALFORMED),
    (InvalidFrame("x"), Verdict.MALFORMED),
    (FrameTooLarge("x", limit_bytes=1), Verdict.TOO_LARGE),
    (DriverError("x", phase=Phase.STREAM), Verdict.MALFORMED),
]


@pytest.mark.parametrize(
    ("failure", "verdict"), FAILURES, ids=[f"{type(f).__name__}-{f.phase}" for f, _ in FAILURES]
)
@pytest.mark.parametrize("when", ["before the stream", "in the stream"])
async def test_each_failure_has_its_verdict(
    failure: DriverError, verdict: Verdict, when: str
) -> None:
    act = Act(refusal=failure) if when == "before the stream" else Act((HEL, failure))
    reply = await turn(act)
    assert (reply.verdict, reply.ok, reply.phase) == (verdict, False, failure.phase)
    assert (reply.error, reply.exception) == ("x", failure)
    assert reply.content == ("" if when == "before the stream" else "Hel")
    with pytest.raises(type(failure)) as caught:
        reply.raise_for_verdict()
    assert caught.value is failure
    assert caught.value.partial is reply


def test_every_failure_of_a_driver_is_in_the_table() -> None:
    def below(kind: type[DriverError]) -> set[type[DriverError]]:
        return {kind}.union(*(below(one) for one in kind.__subclasses__()))

    ours = {one for one in below(DriverError) if one.__module__ == "turnwire_core.errors"}
    assert ours == {type(failure) for failure, _ in FAILURES}


# -- the finish -----------------------------------------------------------------------------------


async def test_without_a_finish_rule_the_end_of_the_stream_is_the_finish() -> None:
    reply = await turn([HEL, HEL], rules={"contentPath": "t"})
    assert (reply.verdict, reply.content) == ("finished", "HelHel")
    assert reply.metrics.latency_ms is not None


async def test_with_one_the_end_of_the_stream_is_not() -> None:
    reply, left = await left_by([HEL])
    assert (reply.verdict, reply.ok, reply.phase) == ("closed_without_finish", False, "stream")
    assert reply.metrics.latency_ms is None
    assert reply.error is not None
    assert "after 1 events" in reply.error
    assert left != [None]  # broken off: the transport must not be used again


async def test_a_socket_without_a_finish_rule_ends_with_the_first_message_that_has_text() -> None:
    act = Act(['{"typing":true}', HEL, LAST], ends=False)
    reply, left = await left_by(act, rules={"contentPath": "t"})
    assert (reply.verdict, reply.content, left) == ("finished", "Hel", [None])


async def test_a_quiet_time_ends_the_reply() -> None:
    rules = {"contentPath": "t", "finish": [{"quietMs": 300}]}
    act = Act([0.1, HEL, 0.01, HEL, ...], ends=False)
    reply, left = await left_by(act, rules=rules)
    assert (reply.verdict, reply.content, left) == ("finished", "HelHel", [None])
    assert 400 <= reply.metrics.duration_ms < 2000


async def test_a_quiet_time_without_text_ends_nothing() -> None:
    rules = {"contentPath": "t", "finish": [{"quietMs": 20}]}
    reply = await turn(Act(["{}", ...]), rules=rules, limits={"firstContentMs": 120})
    assert reply.verdict == "stalled"


async def test_an_error_event_counts_more_than_the_finish_after_it() -> None:
    for steps in ([HEL, '{"error":{"message":"full"}}', LAST], [(HEL, '{"error":"full"}', LAST)]):
        reply, left = await left_by(steps)
        assert (reply.verdict, reply.content) == ("error_event", "Hel")
        assert reply.error == "The target sent an error inside its reply: full"
        assert left == [ReplyError]


async def test_a_whole_body_is_the_reply() -> None:
    settings = {"responseFieldPath": "answer"}
    reply = await turn([frame('{"answer":"Hello"}', whole=True)], **settings)
    assert (reply.verdict, reply.content) == ("finished", "Hello")
    assert reply.metrics.stream_chunks == 1
    reply = await turn([frame('{"other":"Hello"}', whole=True)], **settings)
    assert (reply.verdict, reply.content) == ("finished", "")
    assert "`other`" in reply.hints[0]


@pytest.mark.parametrize("whole", [True, False])
async def test_what_cannot_be_read_at_all_is_malformed(whole: bool) -> None:
    reply = await turn([frame("<p>", whole=whole)], rules={"contentPath": "t"})
    assert (reply.verdict, reply.ok) == ("malformed", False)
    assert isinstance(reply.exception, InvalidFrame)
    assert reply.exception.partial is reply
    assert reply.hints


# -- after the finish -----------------------------------------------------------------------------


async def test_usage_that_follows_the_finish_is_kept() -> None:
    rules = {**RULES, "usagePath": "usage"}
    reply, left = await left_by([*HELLO, USAGE, "[DONE]"], rules=rules)
    assert (reply.usage, reply.content, left) == ({"total": 3}, "Hello", [None])
    assert (reply.metrics.events, reply.metrics.stream_chunks) == (2, 2)


async def test_usage_in_the_read_of_the_finish_is_kept() -> None:
    rules = {**RULES, "usagePath": "usage"}
    reply = await turn(Act([(*HELLO, USAGE)], ends=False), rules=rules)
    assert reply.usage == {"total": 3}


async def test_text_after_the_finish_does_not_count() -> None:
    reply = await turn([*HELLO, HEL, '{"error":"late"}'])
    assert (reply.verdict, reply.content) == ("finished", "Hello")


@pytest.mark.parametrize(
    "after",
    [
        StreamBrokenError("cut"),
        InvalidFrame("nonsense"),
        FrameTooLarge("too much", limit_bytes=1),
        ReplyError("closed with 1011"),
    ],
)
async def test_what_breaks_after_the_finish_is_not_the_replys_fault(after: DriverError) -> None:
    reply, left = await left_by([*HELLO, after])
    assert (reply.verdict, reply.error, left) == ("finished", None, [None])


async def test_a_context_that_breaks_when_it_is_left_does_not_undo_a_reply() -> None:
    reply = await turn(Act(HELLO, leaving=StreamBrokenError("cut")))
    assert (reply.verdict, reply.error) == ("finished", None)


@pytest.mark.parametrize(
    "tail", [[...], [step for _ in range(500) for step in (0.01, ())]], ids=["silence", "noise"]
)
async def test_reading_on_has_its_bound(tail: list[Any]) -> None:
    reply, left = await left_by([*HELLO, *tail], limits={"lingerMs": 80})
    assert (reply.verdict, left) == ("finished", [None])
    assert reply.metrics.latency_ms is not None
    assert reply.metrics.duration_ms == pytest.approx(reply.metrics.latency_ms, abs=1)


async def test_a_socket_is_not_read_on_for_nothing() -> None:
    async with scripted(Act([*HELLO, ...], ends=False)) as (conversation, driver):
        await conversation.send("hi")
    assert driver.received == 2


async def test_a_socket_is_read_on_for_what_the_rules_name() -> None:
    rules = {**RULES, "usagePath": "usage"}
    async with scripted(Act([*HELLO, "{}", USAGE, ...], ends=False), rules=rules) as (
        conversation,
        driver,
    ):
        reply = await conversation.send("hi")
    assert (reply.usage, driver.received) == ({"total": 3}, 4)


# -- size -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"maxReplyBytes": 95}, "larger than 95 bytes"),
        ({"maxEvents": 8}, "more than 8 events"),
        ({"maxCharacters": 25}, "more than 25 characters"),
    ],
)
async def test_a_reply_that_does_not_end_meets_its_bounds(
    limits: dict[str, int], said: str
) -> None:
    reply, left = await left_by([HEL] * 1000, limits=limits)
    assert (reply.verdict, left) == ("too_large", [FrameTooLarge])
    assert reply.error is not None
    assert said in reply.error
    assert reply.content == "Hel" * 9


async def test_a_reply_of_just_that_size_is_not_too_large() -> None:
    size = sum(map(len, HELLO))
    limits = {"maxReplyBytes": size, "maxEvents": 2, "maxCharacters": 5}
    assert (await turn(HELLO, limits=limits)).ok


async def test_text_that_is_replaced_is_not_counted_twice() -> None:
    rules = {"content": [{"path": "t", "mode": "replace"}], "finishPath": "done"}
    reply = await turn([HEL] * 100 + [LAST], rules=rules, limits={"maxCharacters": 3})
    assert (reply.verdict, reply.content) == ("finished", "lo")


async def test_an_event_of_too_many_values_is_not_parsed() -> None:
    limits = {"maxEventValues": 100}
    many = '{"t":"x","n":[' + "{}," * 100 + "0]}"
    reply = await turn([HEL, many, LAST], limits=limits)
    assert (reply.verdict, reply.content) == ("too_large", "Hel")
    assert reply.error is not None
    assert "limits.maxEventValues" in reply.error
    reply = await turn([*HELLO, many], limits=limits)
    assert reply.ok
    text = '{"t":"' + "one, two, " * 40 + '","done":true}'
    assert (await turn([text], limits=limits)).ok
