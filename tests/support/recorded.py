"""Conversations with servers of a test, recorded, and played back."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

from support.raw_server import Handler, raw_server
from turnwire.recordings import Recorder, Recording, load_recordings
from turnwire.replaying import Manner, Replayer
from turnwire_core import Connection, Plugins, Reply, open_conversation, parse_connection

_EXAMPLE = Path(__file__).parents[2] / "examples" / "turnwire-ndjson-tcp" / "src"


def plugins_with_example() -> Plugins:
    """Our drivers, and the one of the docs, which nobody has installed."""
    if str(_EXAMPLE) not in sys.path:
        sys.path.append(str(_EXAMPLE))
    plugins = Plugins()
    plugins.register(import_module("turnwire_ndjson_tcp.plugin"), "ndjson_tcp")
    return plugins


@attrs.frozen
class Live:
    """What came of a conversation with a server, and its recording."""

    connection: Connection
    replies: Sequence[Reply]
    recording: Recording
    folder: Path


async def record(
    handler: Handler, settings: Mapping[str, Any], messages: Sequence[str], folder: Path
) -> Live:
    """Talk to ``handler`` and record it. ``{port}`` in the settings' ``base_url`` is its port."""
    plugins = plugins_with_example()
    with Recorder(folder) as recorder:
        async with raw_server(handler) as port:
            url = str(settings["base_url"]).format(port=port)
            connection = parse_connection(
                {**settings, "base_url": url}, name="bot", plugins=plugins, environ={"KEY": "s" * 9}
            )
            async with recorder.conversation(connection) as (wired, more):
                replies = await say(wired, more, messages)
    (recording,) = load_recordings(folder)
    return Live(connection, replies, recording, folder)


async def play(
    live: Live, messages: Sequence[str], manner: Manner, connection: Connection | None = None
) -> Sequence[Reply]:
    """Say the messages again, to the recording."""
    replayer = Replayer([live.recording], live.folder, manner=manner)
    async with replayer.conversation(connection or live.connection) as (wired, more):
        return await say(wired, more, messages)


async def say(
    connection: Connection, observers: Sequence[object], messages: Sequence[str]
) -> Sequence[Reply]:
    async with open_conversation(
        connection, plugins=plugins_with_example(), observers=observers
    ) as conversation:
        return [await conversation.send(message) for message in messages]


def essence(reply: Reply) -> tuple[Any, ...]:
    """What a replay has to bring back exactly: all but times."""
    error = re.sub(r"127\.0\.0\.1:\d+", "HOST", reply.error or "")
    metrics = reply.metrics
    counts = (metrics.stream_chunks, metrics.events, metrics.characters)
    return reply.content, reply.verdict, reply.ok, reply.phase, error, counts, len(reply.attempts)
