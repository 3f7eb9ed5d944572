"""Giving up at any moment leaves no task and no socket behind, and wraps no exception."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest

from support.ws_client import PATIENCE_S, connection, one_turn, open_session, take, turn
from support.ws_server import Peer, text, ws_server
from turnwire_core.contracts.connection import Condition
from turnwire_core.paths import Path
from turnwire_websocket import OpeningMessage, WebSocketDriver, WebSocketOptions

pytestmark = pytest.mark.anyio

WAITS = OpeningMessage(wait_for=Condition(((Path("never"), True),)))


def driver_tasks() -> list[str]:
    """What runs in the driver, by name."""
    names = [task.name or "" for task in anyio.get_running_tasks()]
    return [name for name in names if "turnwire_websocket" in name]


async def in_the_handshake(url: str, here: anyio.Event) -> None:
    here.set()
    async with one_turn(f"{url}?mute"):
        pass


async def in_the_opening(url: str, here: anyio.Event) -> None:
    here.set()
    async with one_turn(url, opening=(WAITS,)):
        pass


async def between_turns(url: str, here: anyio.Event) -> None:
    async with open_session(url) as session:
        async with session.exchange(turn()):
            pass
        here.set()
        await anyio.sleep_forever()


async def while_sending(url: str, here: anyio.Event) -> None:
    async with open_session(f"{url}?deaf") as session:
        async with session.exchange(turn()):
            here.set()
        async with session.exchange(turn("x" * 20_000_000)):
            pass


async def while_receiving(url: str, here: anyio.Event) -> None:
    async with open_session(url) as session, session.exchange(turn()) as frames:
        here.set()
        await take(frames, 1000)


async def in_a_turn_that_nobody_reads(url: str, here: anyio.Event) -> None:
    async with one_turn(url):
        await until_there_are_driver_tasks()
        here.set()
        await anyio.sleep_forever()


async def while_closing(url: str, here: anyio.Event) -> None:
    async with one_turn(f"{url}?deaf"):
        here.set()


async def until_there_are_driver_tasks() -> None:
    while not driver_tasks():
        await anyio.wait_all_tasks_blocked()


@pytest.mark.parametrize(
    "step",
    [
        in_the_handshake,
        in_the_opening,
        between_turns,
        while_sending,
        while_receiving,
        in_a_turn_that_nobody_reads,
        while_closing,
    ],
)
async def test_cancellation_closes_the_socket_and_ends_every_task(
    step: Callable[[str, anyio.Event], Awaitable[None]],
) -> None:
    here, reached, gone = anyio.Event(), anyio.Event(), anyio.Event()

    async def script(peer: Peer) -> None:
        await peer.read_request()
        if b"?mute" not in peer.request:
            await peer.handshake()
        reached.set()
        if b"?deaf" in peer.request:
            await peer.receive()  # from then on asyncio, too, leaves what comes to the system
            await asked_to_go.wait()
        await peer.wait_gone()
        gone.set()

    asked_to_go = anyio.Event()
    async with ws_server(script, shake=False) as url:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(step, url, here)
            with anyio.fail_after(PATIENCE_S):
                await here.wait()
                await reached.wait()
                await anyio.wait_all_tasks_blocked()
                assert driver_tasks() or step is not between_turns
                tasks.cancel_scope.cancel()
        assert not driver_tasks()
        asked_to_go.set()
        with anyio.fail_after(PATIENCE_S):
            await gone.wait()


async def quiet(peer: Peer) -> None:
    await peer.part()


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt(), SystemExit(3)])
async def test_what_is_raised_inside_leaves_as_it_is(error: BaseException) -> None:
    async with ws_server(quiet) as url:
        with pytest.raises(type(error)) as caught:
            async with WebSocketDriver().connect(connection(url), WebSocketOptions()):
                raise error
    assert caught.value is error


async def test_a_socket_can_be_given_up_and_the_conversation_goes_on() -> None:
    async def mute(peer: Peer) -> None:
        await peer.wait_gone()

    async def well(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("a"))
        await peer.part()

    async with ws_server(mute, well) as url, open_session(url) as session:
        with anyio.move_on_after(0.05) as scope:
            async with session.exchange(turn()) as frames:
                await take(frames, 1)
        assert scope.cancelled_caught
        async with session.exchange(turn()) as frames:
            assert len(await take(frames, 1)) == 1


async def test_waiting_for_frames_can_be_given_up_without_losing_any() -> None:
    go = anyio.Event()

    async def waits(peer: Peer) -> None:
        await peer.receive()
        await go.wait()
        await peer.send(text("a"))
        await peer.part()

    async with ws_server(waits) as url, one_turn(url) as frames:
        with anyio.move_on_after(0.02):
            await frames.receive()
        go.set()
        assert len(await take(frames, 1)) == 1


async def test_a_cancelled_scope_stops_taking_even_what_is_there() -> None:
    async def sends(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("a"))
        await peer.wait_gone()

    async with ws_server(sends) as url, one_turn(url, limits={"close_ms": 100}) as frames:
        await anyio.wait_all_tasks_blocked()
        with anyio.CancelScope() as scope:
            scope.cancel()
            await frames.receive()
        assert scope.cancelled_caught
        assert len(await take(frames, 1)) == 1
