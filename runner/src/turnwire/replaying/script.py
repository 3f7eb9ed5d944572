"""What a server has to do to be the target of a recording: wait for this, then say that.

Read from bytes alone, so that the recording of any driver can be played. What was sent begins with
a request line of HTTP/1, or it is taken for bytes of an unknown protocol. What follows a 101 for a
WebSocket is frames. Nothing here does I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Final

import attrs

from turnwire.recordings import End, Piece, Recording, TurnBegan, TurnEnded
from turnwire.recordings.payloads import PayloadFinder
from turnwire.replaying.frames import FrameScanner, Opcode
from turnwire_core.contracts.tap import Ending

_REQUEST = re.compile(rb"[A-Z]+ [!-~]+ HTTP/1\.[01]\r?\n")
_BLANK = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})")
_LOCATION = re.compile(rb"(?im)^(location:[ \t]*)[a-z]+://[^/?#\r\n]*(?=[/?#\r\n])")
_ACCEPT = re.compile(rb"(?im)^sec-websocket-accept:[^\r\n]*\r?\n")
_WEBSOCKET = re.compile(rb"(?im)^upgrade:[ \t]*websocket")
_BODY: Final = "body"
_SILENCE: Final = ("stalled", "timed_out", "cancelled")
_LINGERING_NS: Final = 1_000_000_000


class Awaits(Enum):
    """What a step waits for before it says anything."""

    REQUEST = "a request"
    """One of HTTP, with its body."""
    MESSAGES = "messages"
    """As many messages of a WebSocket; a Close is one."""
    BYTES = "bytes"
    """As many bytes."""
    NOTHING = "nothing"
    """The server speaks first."""


@attrs.frozen
class Moment:
    """When something happened: in which turn, and how long after two other moments, in ns."""

    turn: int | None
    """Counted from 0; None before the first."""
    in_turn_ns: int
    """From the start of the turn."""
    in_step_ns: int
    """From what the step waited for."""


@attrs.frozen
class Saying:
    """Bytes that the server says."""

    at: Moment
    data: bytes = attrs.field(repr=False)


@attrs.frozen
class Step:
    """Wait, say, and perhaps hang up."""

    awaits: Awaits
    amount: int = 1
    sayings: Sequence[Saying] = ()
    ending: Ending | None = None
    ends_at: Moment | None = None
    lingers_ns: int = 0
    """The client had hung up, which is no end of the target's: how long it is waited at least, on
    a clock that is never scaled, whether a client now hangs up, before the server does."""
    upgrades: bool = False
    """What is said begins with the head of a 101 for a WebSocket, without its accept token."""


@attrs.frozen
class Act:
    """Steps that one connection goes through, from its first bytes on.

    One of HTTP has one step, and those behind an upgrade; another connection may take the next.
    """

    steps: Sequence[Step]

    @property
    def is_http(self) -> bool:
        """Whether it begins with a request."""
        return self.steps[0].awaits is Awaits.REQUEST


def acts_of(recording: Recording) -> Sequence[Act]:
    """The acts of a recording, in the order in which they began."""
    ends = {one.turn: one for one in recording.outcomes}
    begun: list[tuple[int, Act]] = []
    for events in _transports(recording).values():
        pieces = [event for _, event, _, _ in events if isinstance(event, Piece)]
        opening = next((piece.data for piece in pieces if piece.sent), b"")
        if opening.startswith(b"CONNECT "):
            continue  # to a proxy: there is none in the way now
        if _REQUEST.match(opening):
            begun += _http_acts(events, ends)
        elif pieces:
            begun += _raw_acts(events)
    return tuple(act for _, act in sorted(begun, key=lambda one: one[0]))


_Placed = tuple[int, "Piece | End", int | None, int]
"""Place in the recording, event, its turn, when that had begun."""


def _transports(recording: Recording) -> dict[int, list[_Placed]]:
    found: dict[int, list[_Placed]] = {}
    turn: int | None = None
    begun_ns = 0
    for place, event in enumerate(recording.events):
        match event:
            case TurnBegan():
                turn, begun_ns = event.turn, event.at_ns
            case Piece() | End():
                found.setdefault(event.transport, []).append((place, event, turn, begun_ns))
    return found


class _Builder:
    """Collects what is said in one step after another."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.place: int | None = None
        self.asked_ns: int | None = None

    def asked(self, event: Piece, awaits: Awaits, amount: int) -> None:
        """The client said something: with what it said just before, or a new step."""
        last = self.steps[-1] if self.steps else None
        if last is not None and last.awaits is awaits and not (last.sayings or last.ending):
            self.steps[-1] = attrs.evolve(last, amount=last.amount + amount)
        else:
            self.steps.append(Step(awaits, amount))
        self.asked_ns = event.at_ns

    def said(self, event: Piece | End, data: bytes, turn: int | None, begun_ns: int) -> None:
        """The server said something, or hung up."""
        if not self.steps or self.steps[-1].ending:
            self.steps.append(Step(Awaits.NOTHING, 0))
        if self.asked_ns is None:
            self.asked_ns = event.at_ns
        at = Moment(turn, event.at_ns - begun_ns, max(0, event.at_ns - self.asked_ns))
        last = self.steps[-1]
        if isinstance(event, End):
            self.steps[-1] = attrs.evolve(last, ending=event.ending, ends_at=at)
        elif data:
            self.steps[-1] = attrs.evolve(last, sayings=(*last.sayings, Saying(at, data)))


def _raw_acts(events: Iterable[_Placed]) -> Iterator[tuple[int, Act]]:
    """Whatever protocol: bytes after bytes. A connection that the target ended is an act."""
    builder = _Builder()
    for place, event, turn, begun_ns in events:
        if builder.place is None:
            builder.place = place
        if isinstance(event, Piece) and event.sent:
            builder.asked(event, Awaits.BYTES, len(event.data))
            continue
        builder.said(event, event.data if isinstance(event, Piece) else b"", turn, begun_ns)
        if isinstance(event, End):
            yield builder.place, Act(tuple(builder.steps))
            builder = _Builder()
    if builder.place is not None:
        yield builder.place, Act(tuple(builder.steps))


def _http_acts(
    events: Iterable[_Placed], ends: Mapping[int, TurnEnded]
) -> Iterator[tuple[int, Act]]:
    """An act for each request, and what follows the one that became a WebSocket."""
    exchange: list[_Placed] = []
    for placed in events:
        event = placed[1]
        begins = isinstance(event, Piece) and event.sent and event.label != _BODY
        if begins and isinstance(event, Piece) and _REQUEST.match(event.data) and exchange:
            yield exchange[0][0], _exchange(exchange, ends)
            exchange = []
        exchange.append(placed)
    if exchange:
        yield exchange[0][0], _exchange(exchange, ends)


def _exchange(events: Sequence[_Placed], ends: Mapping[int, TurnEnded]) -> Act:
    head = _head_of(events)
    if head is not None and _status(head) == 101:
        return _upgraded(events, head)
    builder = _Builder()
    for _, event, turn, begun_ns in events:
        if isinstance(event, Piece) and event.sent:
            if not builder.steps:
                builder.asked(event, Awaits.REQUEST, 1)
            builder.asked_ns = event.at_ns
            continue
        builder.said(event, event.data if isinstance(event, Piece) else b"", turn, begun_ns)
    step = builder.steps[0]
    if step.sayings and not step.ending and not _is_complete(step):
        step = _left(step, events, ends)
    if head is not None and (changed := _LOCATION.sub(rb"\1", head)) != head:
        step = attrs.evolve(step, sayings=_with_head(step.sayings, len(head), changed))
    return Act((step, *builder.steps[1:]))


def _is_complete(step: Step) -> bool:
    """Whether the response is: then the connection may serve another."""
    finder = PayloadFinder()
    for saying in step.sayings:
        finder.feed(saying.data)
    return finder.is_between


def _left(step: Step, events: Sequence[_Placed], ends: Mapping[int, TurnEnded]) -> Step:
    """The step of a response that the client did not want to see the end of.

    It had what it wanted, by the rules of then. By others it may want more, of which the recording
    knows nothing; it shall not wait for that until its time runs out. A target that was silent
    stays so.
    """
    _, _, turn, begun_ns = events[-1]
    end = ends.get(turn) if turn is not None else None
    if end is None or end.verdict in _SILENCE:
        return step
    last = step.sayings[-1].at
    in_turn_ns = max(end.at_ns - begun_ns, last.in_turn_ns)
    waited_ns = in_turn_ns - last.in_turn_ns
    return attrs.evolve(
        step,
        ending=Ending.CLOSED,
        ends_at=Moment(turn, in_turn_ns, last.in_step_ns + waited_ns),
        lingers_ns=max(_LINGERING_NS, waited_ns),
    )


def _upgraded(events: Sequence[_Placed], head: bytes) -> Act:
    """A handshake, and what went over the WebSocket. Pongs are left out: the server makes its own,
    as a client's pings are its own, too."""
    builder, sent, received = _Builder(), FrameScanner(), FrameScanner()
    is_websocket = _WEBSOCKET.search(head) is not None
    to_come = len(head)
    asked = False
    for _, event, turn, begun_ns in events:
        if isinstance(event, End):
            builder.said(event, b"", turn, begun_ns)
        elif event.sent and not asked:
            builder.asked(event, Awaits.REQUEST, 1)
            asked = True
        elif event.sent and not is_websocket:
            builder.asked(event, Awaits.BYTES, len(event.data))
        elif event.sent:
            if messages := _messages(sent, event.data):
                builder.asked(event, Awaits.MESSAGES, messages)
        else:
            head_part, data = event.data[:to_come], event.data[to_come:]
            to_come -= len(head_part)
            if is_websocket:
                data = _without_pongs(received, data)
            builder.said(event, head_part + data, turn, begun_ns)
    step = builder.steps[0]
    bare = _ACCEPT.sub(b"", head)
    step = attrs.evolve(step, sayings=_with_head(step.sayings, len(head), bare), upgrades=True)
    return Act((step, *builder.steps[1:]))


def _messages(scanner: FrameScanner, data: bytes) -> int:
    return sum(counts_as_message(part.opcode, part.ends_message) for part in scanner.feed(data))


def counts_as_message(opcode: int, ends_message: bool) -> bool:
    """Whether a part of a frame is what :data:`Awaits.MESSAGES` waits for."""
    return ends_message and opcode not in (Opcode.PING, Opcode.PONG)


def _without_pongs(scanner: FrameScanner, data: bytes) -> bytes:
    parts = scanner.feed(data)
    return b"".join(data[one.start : one.end] for one in parts if one.opcode != Opcode.PONG)


def _head_of(events: Sequence[_Placed]) -> bytes | None:
    """The head of the first response, with its blank line; None if it never came whole."""
    data = b"".join(
        event.data for _, event, _, _ in events if isinstance(event, Piece) and not event.sent
    )
    blank = _BLANK.search(data)
    return data[: blank.end()] if blank is not None else None


def _status(head: bytes) -> int:
    match = _STATUS.match(head)
    return int(match[1]) if match else 0


def _with_head(sayings: Sequence[Saying], length: int, head: bytes) -> Sequence[Saying]:
    """The same with another head, said when the last byte of the old one was."""
    changed: list[Saying] = []
    for index, saying in enumerate(sayings):
        if len(saying.data) >= length:
            changed.append(attrs.evolve(saying, data=head + saying.data[length:]))
            return (*changed, *sayings[index + 1 :])
        length -= len(saying.data)
    return tuple(sayings)
