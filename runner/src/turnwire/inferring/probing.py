"""Reading the evidence again, with the connection that was inferred from it.

The reading is the core's, rule by rule as in a conversation; only the network is missing. So what
is printed as a connection has been seen to read what it was made from.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import attrs

from turnwire.inferring.evidence import Reply
from turnwire.inferring.inference import Inference
from turnwire_core.contracts.connection import Connection
from turnwire_core.errors import FrameTooLarge
from turnwire_core.events import Frame, Verdict
from turnwire_core.plugins import Plugins, parse_connection
from turnwire_core.reader import ReplyReader, compile_rules

_STAND_IN_URLS = {"websocket": "wss://assistant.invalid/", "sse": "https://assistant.invalid/"}


@attrs.frozen(repr=False)
class Outcome:
    """What came of reading a reply that was recorded."""

    content: str
    verdict: Verdict
    usage: Any = None
    captured: Mapping[str, Any] = attrs.field(factory=dict)
    error: str | None = None
    hints: tuple[str, ...] = ()
    chunks: int = 0


def as_connection(inference: Inference, plugins: Plugins, name: str = "assistant") -> Connection:
    """The connection as a conversation would have it.

    What the environment does not hold, and no conversation is held with, has a stand-in.

    Raises:
        ConfigError: what was inferred is no connection.
        PluginError: the driver of its protocol is missing or broken.
    """
    protocol = inference.connection["protocol"]
    stand_in = _STAND_IN_URLS.get(protocol, "https://assistant.invalid/")
    environ = {
        **{one: stand_in if one.endswith("_URL") else "stand-in" for one in inference.missing},
        **os.environ,
        **inference.environ,
    }
    return parse_connection(inference.connection, name=name, plugins=plugins, environ=environ)


def read_again(connection: Connection, reply: Reply) -> Outcome:
    """Read a recorded reply, as a turn of a conversation would have."""
    if reply.status is not None and reply.status >= 300:
        error = f"The target answered with status {reply.status}."
        return Outcome("", Verdict.REJECTED, error=error)
    rules = compile_rules(connection)
    reader = ReplyReader(rules, stream_ends=not reply.stays_open)
    chunks = 0
    for event in reply.events:
        frame = Frame(0, event.data, event.name, len(event.data), whole=reply.whole)
        if reader.finished:
            reader.read_tail(frame)
            continue
        try:
            reading = reader.read(frame)
        except FrameTooLarge as exc:
            return _outcome(reader, Verdict.TOO_LARGE, chunks, str(exc))
        chunks += bool(reading.text)
        if reading.error is not None:
            return _outcome(reader, Verdict.ERROR_EVENT, chunks, reading.error)
    if reader.unreadable:
        return _outcome(reader, Verdict.MALFORMED, chunks, "Nothing in it could be read.")
    if reader.finished:
        return _outcome(reader, Verdict.FINISHED, chunks)
    if not reply.ended:
        error = "The reply was cut off before it was finished."
        return _outcome(reader, Verdict.MALFORMED, chunks, error)
    if rules.end_finishes or rules.quiet_ms is not None:
        return _outcome(reader, Verdict.FINISHED, chunks)
    error = "The reply ended without the finish rule fulfilled."
    return _outcome(reader, Verdict.CLOSED_WITHOUT_FINISH, chunks, error)


def _outcome(
    reader: ReplyReader, verdict: Verdict, chunks: int, error: str | None = None
) -> Outcome:
    amiss = not reader.content or verdict is not Verdict.FINISHED
    return Outcome(
        content=reader.content,
        verdict=verdict,
        usage=reader.usage,
        captured=dict(reader.captured),
        error=error,
        hints=reader.hints() if amiss else (),
        chunks=chunks,
    )
