"""What is said on a new socket before its first turn."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from support.ws_client import one_turn, open_session, take, texts, turn
from support.ws_server import PING, PONG, Peer, close, frame, message, text, ws_server
from turnwire_core.contracts.connection import Condition
from turnwire_core.errors import ReplyError, StreamBrokenError, TimeLimitError
from turnwire_core.paths import Path
from turnwire_core.secrets import Secrets
from turnwire_core.templates import Template
from turnwire_websocket import OpeningMessage

pytestmark = pytest.mark.anyio


def send(body: Any) -> OpeningMessage:
    return OpeningMessage(send=Template(body))


def wait(path: str, wanted: Any = True) -> OpeningMessage:
    return OpeningMessage(wait_for=Condition(((Path(path), wanted),)))


SETUP = OpeningMessage(
    send=Template({"setup": {"model": "{{variables.model}}", "user": "{{persona}}"}}),
    wait_for=wait("setupComplete").wait_for,
)


async def test_the_opening_is_sent_and_its_answers_belong_to_no_turn() -> None:
    sent: list[Any] = []

    async def live(peer: Peer) -> None:
        await peer.handshake(trailing=message(type="Welcome"))
        sent.append(json.loads((await peer.receive()).payload))
        await peer.send(frame(PING, b"still there?"))
        assert (await peer.receive()).opcode == PONG
        await peer.send(text("not JSON") + message(type="notice") + message(setupComplete={}))
        received = await peer.receive()
        await peer.send(text(received.payload.decode()))
        await peer.part()

    opening = (wait("type", "Welcome"), SETUP)
    async with (
        ws_server(live, shake=False) as url,
        open_session(url, opening=opening) as session,
        session.exchange(
            attrs.evolve(turn("first"), values={"variables.model": "m-1", "persona": "ann"})
        ) as frames,
    ):
        assert await texts(frames, 1) == ["first"]
    assert sent == [{"setup": {"model": "m-1", "user": "ann"}}]


async def test_every_new_socket_begins_with_the_opening() -> None:
    openings: list[bytes] = []

    async def live(peer: Peer) -> None:
        openings.append((await peer.receive()).payload)
        await peer.receive()
        await peer.send(text("a"))
        await peer.part()

    options = {"opening": (send("hello"),), "socket_per": "turn"}
    async with ws_server(live) as url, open_session(url, **options) as session:
        for _ in range(2):
            async with session.exchange(turn()) as frames:
                await take(frames, 1)
    assert openings == [b"hello", b"hello"]


async def test_an_answer_that_never_comes_ends_with_the_limit_and_the_last_message() -> None:
    async def wrong(peer: Peer) -> None:
        await peer.receive()
        await peer.send(message(error="no model called sk-12345678"))
        await peer.receive_close()

    fields = {"secrets": Secrets(["sk-12345678"])}
    async with ws_server(wrong) as url:
        with pytest.raises(TimeLimitError) as caught:
            async with one_turn(url, fields=fields, limits={"connect_ms": 200}, opening=(SETUP,)):
                pass
    assert caught.value.limit == "connect"
    said = str(caught.value)
    assert "opening[0].waitFor" in said
    assert "no model called ***" in said


async def test_a_target_that_closes_during_the_opening_is_quoted() -> None:
    async def refuses(peer: Peer) -> None:
        await peer.receive()
        await peer.send(close(4001, "who are you?"))
        await peer.receive_close()

    async with ws_server(refuses) as url:
        with pytest.raises(ReplyError, match="4001: who are you"):
            async with one_turn(url, opening=(SETUP,)):
                pass


async def test_a_clean_close_during_the_opening_is_no_opening() -> None:
    async def leaves(peer: Peer) -> None:
        await peer.receive()
        await peer.send(close(1000))
        await peer.receive_close()

    async with ws_server(leaves) as url:
        with pytest.raises(StreamBrokenError, match=r"opening\[0\]") as caught:
            async with one_turn(url, opening=(SETUP,)):
                pass
    assert caught.value.phase == "connect"


def test_an_opening_message_says_something_or_waits() -> None:
    with pytest.raises(ValueError, match="waitFor"):
        OpeningMessage()
