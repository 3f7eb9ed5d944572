"""The evidence in a recording that ``--record`` wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import attrs

from turnwire.inferring.bodies import read_reply
from turnwire.inferring.evidence import Exchange, HttpRequest
from turnwire.inferring.sockets import Said, exchange_of_messages
from turnwire.recordings import Event, Payload, Piece, Recording, TurnBegan, TurnEnded
from turnwire_core.contracts.tap import FRAMES

_MESSAGES: Final = ("message", "binary message")
"""What payloads are called that are messages, not pings or closes."""

_HTTP_PROTOCOLS: Final = ("sse", "http_chat")


def exchange_of_recording(recording: Recording) -> Exchange:
    """The first turn that went well, or just the first; on a socket with all that came before it.

    Credentials were masked when it was recorded: what stands in their place is no secret.
    """
    outcomes = {outcome.turn: outcome for outcome in recording.outcomes}
    turns = [event for event in recording.events if isinstance(event, TurnBegan)]
    good = [turn for turn in turns if turn.turn in outcomes and outcomes[turn.turn].ok]
    chosen = next(iter(good or turns), None)
    message = chosen.message if chosen is not None else None
    events = _until_its_end(recording.events, chosen)
    if any(isinstance(event, Payload) for event in events):
        said: list[Said] = [
            (event.sent, event.data.decode("utf-8", "replace"))
            for event in events
            if isinstance(event, Payload) and event.label in _MESSAGES
        ]
        exchange = exchange_of_messages(said, message=message, protocol=recording.protocol)
        request = attrs.evolve(_request(events, recording.url), bodies=exchange.request.bodies)  # type: ignore[union-attr] # it always has one
        return attrs.evolve(exchange, request=request)
    own = _since(events, chosen)
    received = b"".join(e.data for e in own if isinstance(e, Piece) and not e.sent)
    is_http = recording.protocol in _HTTP_PROTOCOLS
    reply = attrs.evolve(read_reply(received), stays_open=not is_http)
    return Exchange(
        request=_request(own, recording.url),
        reply=reply,
        protocol=None if is_http else recording.protocol,
        message=message,
    )


def _until_its_end(events: Sequence[Event], turn: TurnBegan | None) -> Sequence[Event]:
    if turn is None:
        return events
    end = next(
        (n for n, e in enumerate(events) if isinstance(e, TurnEnded) and e.turn == turn.turn),
        len(events),
    )
    return events[:end]


def _since(events: Sequence[Event], turn: TurnBegan | None) -> Sequence[Event]:
    return events if turn is None else events[events.index(turn) :]


def _request(events: Sequence[Event], url: str) -> HttpRequest:
    """What was sent: a request with its head where there is one, else lines of a socket."""
    sent = b"".join(e.data for e in events if isinstance(e, Piece) and e.sent and e.label != FRAMES)
    head, separator, body = sent.partition(b"\r\n\r\n")
    line, _, fields = head.decode("latin-1").partition("\r\n")
    if not separator or not line.endswith(("HTTP/1.1", "HTTP/1.0")):
        lines = tuple(one for one in sent.decode("utf-8", "replace").split("\n") if one.strip())
        return HttpRequest(url=url, bodies=lines)
    method, target, _ = line.split(" ", 2)
    parts = urlsplit(url)
    path, _, query = target.partition("?")
    return HttpRequest(
        url=urlunsplit((parts.scheme, parts.netloc, path, query, "")),
        method=method,
        headers=dict(_fields(fields)),
        body=body.decode("utf-8", "replace") or None,
    )


def _fields(head: str) -> Sequence[tuple[str, str]]:
    pairs = [field.partition(":") for field in head.split("\r\n") if ":" in field]
    return [(name.strip(), value.strip()) for name, _, value in pairs]
