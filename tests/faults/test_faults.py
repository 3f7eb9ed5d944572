"""Every row of the tables of faults, on both backends, through the public interface."""

from __future__ import annotations

import pytest

from support.faults import HTTP, SOCKETS, STREAMS, Fault
from support.faults.turns import check, take_turns

pytestmark = pytest.mark.anyio


def rows(faults: tuple[Fault, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("fault", faults, ids=[fault.name for fault in faults])


@rows(HTTP)
async def test_http(fault: Fault) -> None:
    for reply in await take_turns(fault, "http_chat"):
        check(reply, fault)


@rows(STREAMS)
async def test_streams(fault: Fault) -> None:
    for reply in await take_turns(fault, "sse"):
        check(reply, fault)


@rows(SOCKETS)
async def test_sockets(fault: Fault) -> None:
    for reply in await take_turns(fault, "websocket"):
        check(reply, fault)


def test_no_two_rows_have_one_name() -> None:
    for faults in (HTTP, STREAMS, SOCKETS):
        names = [fault.name for fault in faults]
        assert len(set(names)) == len(names)
