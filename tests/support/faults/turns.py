"""Turns with a target that does what a row of the tables says, and what must hold of each."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.lowlevel import checkpoint

from support.faults.model import FORMS, LIMITS, SECRET, Fault, merged
from support.raw_server import raw_server
from turnwire_core import Reply, open_conversation, parse_connection
from turnwire_core.contracts.connection import Connection

_PATIENCE_SECONDS = 8.0

_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "http_chat": {},
    "sse": {"sse": {"contentPath": "t", "finishPath": "done"}},
    "websocket": {"websocket": {"contentPath": "t", "finishPath": "done"}},
}


def connection_to(url: str, protocol: str, settings: Mapping[str, Any]) -> Connection:
    """A connection with the secret in a header."""
    common = {
        "base_url": url,
        "protocol": protocol,
        "headers": {"X-Key": "${KEY}"},
        "timeoutMs": 5000,
        "limits": LIMITS,
        **_SETTINGS[protocol],
    }
    return parse_connection(
        merged(common, settings), name="target", environ={"KEY": SECRET}, trust_env=False
    )


async def take(connection: Connection, turns: int = 1) -> list[Reply]:
    """Some turns of one conversation, and its end."""
    with anyio.fail_after(_PATIENCE_SECONDS):
        async with open_conversation(connection) as conversation:
            replies = [await conversation.send("hi")]
            for _ in range(turns - 1):
                # What the target does by itself between two turns, it has done.
                await anyio.wait_all_tasks_blocked()
                replies.append(await conversation.send("hi"))
            return replies


async def take_turns(fault: Fault, protocol: str) -> list[Reply]:
    """The turns of a row, with nothing left behind."""
    scheme = "ws" if protocol == "websocket" else "http"
    async with nothing_left(), raw_server(fault.serve) as port:
        url = f"{scheme}://127.0.0.1:{port}/chat"
        return await take(connection_to(url, protocol, fault.settings), fault.repeats)


def check(reply: Reply, fault: Fault) -> None:
    """Hold a reply against its row."""
    assert re.fullmatch(fault.verdict, reply.verdict), f"{reply.verdict}: {reply.error}"
    assert re.fullmatch(fault.content, reply.content), reply.content
    if fault.says is None:
        assert reply.error is None
        assert reply.exception is None
        assert reply.ok
    elif reply.error is not None:
        assert re.search(fault.says, reply.error), reply.error
        assert re.fullmatch(fault.phase or "", str(reply.phase)), reply.phase
        assert reply.exception is not None
        assert reply.exception.partial is reply
    assert re.search(fault.hint, " ".join(reply.hints)), reply.hints
    took_ms = reply.metrics.duration_ms
    assert fault.at_least_ms <= took_ms <= fault.at_most_ms, took_ms
    check_fit_to_show(reply)


def check_fit_to_show(reply: Reply) -> None:
    """No secret, no control characters, no group of exceptions, and a message of some length."""
    shown = [repr(reply), str(reply), reply.error or "", *reply.hints]
    shown += [str(attempt) for attempt in reply.attempts]
    if reply.exception is not None:
        shown += [str(reply.exception), repr(reply.exception)]
        shown += traceback.format_exception(reply.exception)
        assert not isinstance(reply.exception, BaseExceptionGroup)
        assert "ExceptionGroup" not in shown[-1]
        assert len(str(reply.exception)) < 2500
        assert str(reply.exception).isprintable(), str(reply.exception)
    for text in shown:
        for form in FORMS:
            assert form not in text, text


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """What is opened inside, sockets and tasks, is gone afterwards."""
    sockets, tasks = _sockets(), _tasks()
    yield
    with anyio.move_on_after(2):
        while not (_sockets() <= sockets and _tasks() <= tasks):
            await checkpoint()
    assert _sockets() <= sockets
    assert _tasks() <= tasks


def _tasks() -> set[int]:
    return {task.id for task in anyio.get_running_tasks()}


def _sockets() -> set[str]:
    """The sockets of this process, where the system tells (Linux); else nothing."""
    found = set()
    try:
        descriptors = os.listdir("/proc/self/fd")  # noqa: PTH208 # pathlib opens one more
    except OSError:
        return set()
    for number in descriptors:
        try:
            link = os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115 # it is no file
        except OSError:
            continue
        if link.startswith("socket:"):
            found.add(link)
    return found
