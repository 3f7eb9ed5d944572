"""What the section ``websocket`` of a connection says besides the reply rules."""

from __future__ import annotations

from typing import Literal

import attrs

from turnwire_core.contracts.connection import Condition, Milliseconds, option
from turnwire_core.paths import Path
from turnwire_core.templates import Template


@attrs.frozen
class OpeningMessage:
    """One step after the upgrade: a message to send, one to wait for, or first the one, then the
    other."""

    send: Template | None = option(
        "A message to send: a JSON template, or text that is sent as it is.", None
    )
    wait_for: Condition | None = option(
        "Go on when a message has come for which this holds; others are passed over.", None
    )

    def __attrs_post_init__(self) -> None:
        if self.send is None and self.wait_for is None:
            raise ValueError("An opening message needs 'send', 'waitFor' or both.")


@attrs.frozen
class WebSocketOptions:
    """The keys of the WebSocket driver."""

    message_format: Literal["json", "text"] = option(
        "How a message is sent without a `request.body`: in a JSON object, or as bare text.", "json"
    )
    message_field: Path = option(
        "Where the message stands in that object. Dotted names make nested objects.",
        Path("message"),
    )
    protocols: tuple[str, ...] = option("Sub-protocols to offer, the best first.", ())
    opening: tuple[OpeningMessage, ...] = option(
        "What to send and to wait for on a new socket, before its first turn.", ()
    )
    binary: Literal["ignore", "text", "error"] = option(
        "What to make of binary messages: pass over them, read them as UTF-8 text, or fail.",
        "ignore",
    )
    socket_per: Literal["conversation", "turn"] = option(
        "How long a socket lasts: for the whole conversation, or for one turn.", "conversation"
    )
    ping_interval_ms: Milliseconds | None = option(
        "How often to ask whether the target is still there. null: never.", Milliseconds(20_000)
    )
    ping_timeout_ms: Milliseconds = option(
        "How long a target may leave such a ping unanswered.", Milliseconds(20_000)
    )
    max_fragments: int = option("Fragments of one message.", 100_000)
