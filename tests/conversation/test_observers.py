"""Those who watch a conversation: what they are told, in which order, and when they fail."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from support.scripted import HEL, HELLO, LAST, Act, scripted
from turnwire_core.conversation.conversation import Conversation
from turnwire_core.errors import ConnectError, PluginError
from turnwire_core.events import Chunk, Frame, Reply, Turn
from turnwire_core.hookspecs import hookimpl
from turnwire_core.observers import Observers

io = pytest.mark.anyio

HOOKS = (
    "connection_opened",
    "connection_closed",
    "turn_started",
    "attempt_failed",
    "frame",
    "chunk",
    "turn_finished",
)


class Diary:
    """Writes down what it is told."""

    def __init__(self, name: str = "", log: list[str] | None = None) -> None:
        self.name = name
        self.log = [] if log is None else log
        self.replies: list[Reply] = []

    def _note(self, text: str) -> None:
        self.log.append(f"{self.name}{text}")

    @hookimpl
    def turnwire_connection_opened(self, at_ns: int) -> None:
        assert at_ns > 0
        self._note("opened")

    @hookimpl
    def turnwire_connection_closed(self) -> None:
        self._note("closed")

    @hookimpl
    def turnwire_turn_started(self, turn: Turn, at_ns: int) -> None:
        assert at_ns > 0
        self._note(f"started {turn.message}")

    @hookimpl
    def turnwire_frame(self, frame: Frame) -> None:
        self._note(f"frame {frame.data!s}")

    @hookimpl
    def turnwire_chunk(self, chunk: Chunk) -> None:
        self._note(f"chunk {chunk.index} {chunk.text}")

    @hookimpl
    def turnwire_turn_finished(self, reply: Reply) -> None:
        self._note(f"finished {reply.verdict}")
        self.replies.append(reply)


@io
async def test_everything_is_told_in_the_order_in_which_it_happened() -> None:
    diary = Diary()
    async with scripted([HEL, "{}", (LAST, '{"usage":1}')], observers=[diary]) as (talk, _):
        reply = await talk.send("hi")
    assert diary.log == [
        "opened",
        "started hi",
        f"frame {HEL}",
        "chunk 0 Hel",
        "frame {}",
        f"frame {LAST}",
        "chunk 1 lo",
        'frame {"usage":1}',
        "finished finished",
        "closed",
    ]
    assert diary.replies == [reply]


@io
async def test_of_several_observers_the_last_one_is_called_first() -> None:
    """As pluggy calls plugins, so the one that was added last can see things as they are."""
    log: list[str] = []
    observers = [Diary("a ", log), Diary("b ", log)]
    async with scripted(HELLO, observers=observers) as (talk, _):
        await talk.send("hi")
    assert log[:4] == ["b opened", "a opened", "b started hi", "a started hi"]


@io
async def test_a_callback_hears_of_each_chunk_as_it_arrives() -> None:
    heard: list[Chunk] = []
    rules = {"content": [{"path": "t", "mode": "replace"}], "finishPath": "done"}
    async with scripted((HEL, LAST), rules=rules) as (talk, _):
        await talk.send("hi", on_chunk=heard.append)
    assert [(chunk.index, chunk.text, chunk.replaces) for chunk in heard] == [
        (0, "Hel", True),
        (1, "lo", True),
    ]
    assert heard[0].received_ns <= heard[1].received_ns


@io
async def test_a_callback_that_fails_breaks_the_turn_off_with_its_own_exception() -> None:
    def fail(chunk: Chunk) -> None:
        raise ZeroDivisionError(chunk.text)

    async with scripted(HELLO) as (talk, driver):
        with pytest.raises(ZeroDivisionError, match="Hel"):
            await talk.send("hi", on_chunk=fail)
        assert driver.left == [ZeroDivisionError]
        assert talk.transcript == ()
        assert (await talk.send("again")).ok


@io
@pytest.mark.parametrize("hook", [name for name in HOOKS if name != "attempt_failed"])
async def test_an_observer_that_fails_is_named_and_the_session_is_closed(hook: str) -> None:
    def fail(self: Any) -> None:
        raise ValueError("full disk")

    broken = type("Broken", (), {f"turnwire_{hook}": hookimpl(fail)})()
    drivers = []

    async def go() -> None:
        async with scripted(HELLO, observers=[broken]) as (talk, driver):
            drivers.append(driver)
            assert driver.is_open
            await talk.send("hi")

    with pytest.raises(PluginError, match=f"turnwire_{hook}.*full disk") as caught:
        await go()
    assert isinstance(caught.value.__cause__, ValueError)
    assert not any(driver.is_open for driver in drivers)


@io
async def test_an_observer_that_fails_at_an_attempt_ends_the_turn() -> None:
    class Broken:
        @hookimpl
        def turnwire_attempt_failed(self) -> None:
            raise ValueError("full disk")

    refused = Act(refusal=ConnectError("no way"))
    retry = {"attempts": 1, "backoffMs": 1}
    async with scripted(refused, observers=[Broken()], retry=retry) as (talk, driver):
        with pytest.raises(PluginError, match="turnwire_attempt_failed"):
            await talk.send("hi")
        assert len(driver.turns) == 1


@io
async def test_the_conversation_is_closed_for_observers_too_when_its_body_fails() -> None:
    diary = Diary()
    with pytest.raises(ZeroDivisionError):
        async with scripted(HELLO, observers=[diary]):
            raise ZeroDivisionError
    assert diary.log == ["opened", "closed"]


def test_a_hook_that_nobody_implements_is_none() -> None:
    nobody = Observers([])
    assert [getattr(nobody, hook) for hook in HOOKS] == [None] * len(HOOKS)

    class One:
        @hookimpl
        def turnwire_chunk(self) -> None:
            pass

    some = Observers([One()])
    assert [hook for hook in HOOKS if getattr(some, hook) is not None] == ["chunk"]


# -- cancellation ---------------------------------------------------------------------------------


async def cancelled_at(checkpoint: int, acts: Any, diary: Diary, **settings: Any) -> bool:
    """Cancel a turn when it waits for the ``checkpoint``-th time; False if it never does."""
    result: list[Reply] = []

    async def take(talk: Conversation, scope: anyio.CancelScope) -> None:
        with scope:
            result.append(await talk.send("hi"))

    async with scripted(*acts, observers=[diary], **settings) as (talk, driver):
        scope = anyio.CancelScope()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(take, talk, scope)
            for _ in range(checkpoint):
                await anyio.lowlevel.checkpoint()
            scope.cancel()
        assert driver.is_open
        if not result:
            assert scope.cancelled_caught
            assert talk.transcript == ()
            # The conversation goes on.
            assert (await talk.send("again")).ok
    assert not driver.is_open
    return not result


@io
async def test_a_turn_can_be_cancelled_wherever_it_waits() -> None:
    rules = {"contentPath": "t", "finishPath": "done", "usagePath": "usage"}
    refused = Act(refusal=ConnectError("no way"))
    contents = set()
    for checkpoint in range(1, 60):
        diary = Diary()
        acts = [refused, Act([HEL, (), '{"t":"l"}', '{"t":"o","done":1}', "{}"]), Act(HELLO)]
        retry = {"attempts": 1, "backoffMs": 0.001}
        if not await cancelled_at(checkpoint, acts, diary, rules=rules, retry=retry):
            break
        first = diary.replies[0]
        assert (first.verdict, first.ok, first.exception) == ("cancelled", False, None)
        assert first.metrics.latency_ms is None or first.content == "Hello"
        contents.add(first.content)
        with pytest.raises(ValueError, match="cancelled"):
            first.raise_for_verdict()
        started = diary.log.count("started hi")
        assert started == diary.log.count("finished cancelled") == 1
    else:
        raise AssertionError("the turn never ended")
    assert {"", "Hel"} <= contents


@io
async def test_what_had_arrived_is_told_when_a_turn_is_cancelled() -> None:
    diary = Diary()
    async with scripted([HEL, ...], observers=[diary]) as (talk, driver):
        with anyio.move_on_after(0.05) as scope:
            await talk.send("hi")
        assert scope.cancelled_caught
        assert len(driver.left) == 1
    (reply,) = diary.replies
    assert (reply.verdict, reply.content) == ("cancelled", "Hel")
    assert reply.metrics.first_token_ms is not None
    assert reply.metrics.duration_ms >= 40
