"""Every row of the tables of faults, on both backends, through the public interface."""

from __future__ import annotations

import pytest

from support.faults import HTTP, SOCKETS, STREAMS, Fault
from support.faults.turns import check, take_turns
from turnwire_core.http._transport import Transport

pytestmark = pytest.mark.anyio


BELOW_THE_EVENTS = {
    "silence in the middle",
    "a finish, and then heartbeats for ever",
    "a finish, and then silence",
    "a finish, and then a reset",
    "the end between two chunks",
    "the end inside a chunk",
    "the end between two chunks, after the finish",
    "a clean end without a finish",
    "a reset in the middle",
    "an endless line",
    "endless comments",
    "a character cut in two by the network",
}


def rows(faults: tuple[Fault, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("fault", faults, ids=[fault.name for fault in faults])


@rows(HTTP)
@pytest.mark.usefixtures("http_path")
async def test_http(fault: Fault) -> None:
    for reply in await take_turns(fault, "http_chat"):
        check(reply, fault)


@rows(STREAMS)
async def test_streams(fault: Fault) -> None:
    for reply in await take_turns(fault, "sse"):
        check(reply, fault)


@rows(tuple(fault for fault in STREAMS if fault.name in BELOW_THE_EVENTS))
async def test_streams_that_pass_httpcore(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    """How a stream comes and breaks off; what its events hold is of no concern to the transport."""
    monkeypatch.setattr(Transport, "direct", False)
    for reply in await take_turns(fault, "sse"):
        check(reply, fault)


@rows(SOCKETS)
async def test_sockets(fault: Fault) -> None:
    for reply in await take_turns(fault, "websocket"):
        check(reply, fault)


def test_no_two_rows_have_one_name() -> None:
    assert {fault.name for fault in STREAMS} >= BELOW_THE_EVENTS
    for faults in (HTTP, STREAMS, SOCKETS):
        names = [fault.name for fault in faults]
        assert len(set(names)) == len(names)
