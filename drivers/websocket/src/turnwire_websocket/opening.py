"""What is said on a new socket before its first turn: the option ``opening``."""

from __future__ import annotations

import json
from typing import Any

from turnwire_core.contracts.connection import Condition, Connection
from turnwire_core.contracts.driver import EndOfStream
from turnwire_core.errors import InvalidFrame, Phase, ReplyError, StreamBrokenError
from turnwire_core.events import Turn
from turnwire_core.http import excerpt_of
from turnwire_core.paths import MISSING
from turnwire_core.reader import compile_condition, has_too_many_values, parse_json
from turnwire_websocket.channel import Channel
from turnwire_websocket.options import WebSocketOptions

PLACEHOLDERS = frozenset({"persona", "sessionId"})
"""What an opening may name besides ``variables.X`` and ``env.X``: nothing that belongs to one turn,
because a socket may serve many."""


class Opening:
    """The opening of one socket. ``state`` says how far it has come, for who gives up waiting."""

    def __init__(self, connection: Connection, options: WebSocketOptions) -> None:
        self._connection = connection
        self._steps = options.opening
        self.state = "The target did not answer the upgrade."

    async def perform(self, channel: Channel, turn: Turn) -> None:
        """Send and wait, step by step; what comes meanwhile belongs to no turn.

        Raises:
            DriverError: the target closed the socket, or it broke.
        """
        if not self._steps:
            return
        channel.listen()
        try:
            for index, step in enumerate(self._steps):
                if step.send is not None:
                    self.state = f"'opening[{index}].send' was being sent."
                    await channel.send(encode(step.send.render(turn.values)))
                if step.wait_for is not None:
                    self.state = f"'opening[{index}].waitFor' was waited for; no message had come."
                    await self._wait(index, step.wait_for, channel)
        except ReplyError as exc:
            raise ReplyError(f"{exc} ({self.state})", phase=Phase.CONNECT) from exc
        except (EndOfStream, StreamBrokenError) as exc:
            message = f"{self._connection.origin}: the target ended the WebSocket. {self.state}"
            raise StreamBrokenError(message, phase=Phase.CONNECT) from exc

    async def _wait(self, index: int, condition: Condition, channel: Channel) -> None:
        holds = compile_condition(condition)
        while True:
            for frame in await channel.receive():
                if holds(self._parsed(str(frame.data)), None):
                    return
                last = excerpt_of(str(frame.data).encode(), self._connection.secrets, limit=200)
                self.state = f"'opening[{index}].waitFor' was waited for; the last message: {last}"

    def _parsed(self, text: str) -> Any:
        """The JSON value of a message, or its text where it is none, or too large to be one."""
        if has_too_many_values(text, self._connection.limits.max_event_values):
            return text
        value = parse_json(text)
        return text if value is MISSING else value


def encode(body: Any) -> str:
    """A body as the text of a message: text as it is, anything else as compact JSON.

    Raises:
        InvalidFrame: it is not JSON (NaN, for example).
    """
    if isinstance(body, str):
        return body
    try:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        text.encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair cannot be sent as it is, but JSON can spell it out.
        return json.dumps(body, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as exc:
        raise InvalidFrame(f"The body of the turn is not JSON: {exc}.", phase=Phase.SEND) from exc
    return text
