"""RFC 6455 by the Autobahn test suite: our socket as its echo, over every case.

The socket is the driver's own, opened by its own upgrade. Only this is not the driver's: binary
messages are echoed too, which the driver itself ignores, reads as text or fails on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import anyio
import pytest

from support.autobahn import REPORTS
from support.ws_client import connection, turn
from turnwire_core.contracts.driver import EndOfStream
from turnwire_core.errors import DriverError
from turnwire_websocket import WebSocketOptions
from turnwire_websocket.channel import Channel
from turnwire_websocket.incoming import Incoming

pytestmark = [pytest.mark.anyio, pytest.mark.autobahn]

CASE_SECONDS = 60
SIZE = 64 * 1024 * 1024
"""Case 9.* sends messages of up to 16 MiB."""

NOT_OFFERED = ("12.", "13.")
"""permessage-deflate, which the driver does not offer: these cases cannot be run."""


class EverythingAsItIs(Incoming):
    """Binary messages are passed on as they are."""

    def decoded(self, data: bytes) -> bytes:
        return data


class EchoChannel(Channel):
    incoming_class = EverythingAsItIs


async def echo(url: str) -> list[str | bytes]:
    """Answer each message with itself until the socket ends; what the messages were."""
    limits = {"max_event_bytes": SIZE, "connect_ms": 10_000, "close_ms": 10_000}
    target = connection(url, limits=limits)
    echoed: list[str | bytes] = []
    with anyio.fail_after(CASE_SECONDS):
        async with anyio.create_task_group() as tasks:
            channel = EchoChannel(target, WebSocketOptions(binary="text"), tasks)
            await channel.open(turn())
            channel.listen()
            try:
                while True:
                    for received in await channel.receive():
                        echoed.append(received.data)
                        await channel.send(received.data)
            except (EndOfStream, DriverError):
                await channel.wait_closed()
    return echoed


def shortfall(case: str, result: Mapping[str, Any]) -> str | None:
    """Why this result is not good enough, or None."""
    good = {"OK", "INFORMATIONAL"}
    if case.startswith(NOT_OFFERED):
        good = {"UNIMPLEMENTED"}
    if result["behavior"] not in good:
        return f"{case}: {result['behavior']}"
    if result["behaviorClose"] not in {"OK", "INFORMATIONAL"}:
        return f"{case}: its closing handshake {result['behaviorClose']}"
    return None


async def test_every_case_is_ok_or_informational(fuzzing_server: str, anyio_backend: str) -> None:
    agent = f"turnwire-{anyio_backend}"
    (count,) = await echo(f"{fuzzing_server}/getCaseCount")
    for number in range(1, int(count) + 1):
        await echo(f"{fuzzing_server}/runCase?{urlencode({'case': number, 'agent': agent})}")
    await echo(f"{fuzzing_server}/updateReports?{urlencode({'agent': agent})}")
    results = json.loads((REPORTS / "index.json").read_text())[agent]
    assert len(results) == int(count)
    assert [said for case in results if (said := shortfall(case, results[case]))] == []
