"""Talking to recordings in place of targets: the wiring of ``--replay``."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from turnwire.recordings import Recording, TwoTaps
from turnwire.replaying.pace import Clock, Cut, Speed
from turnwire.replaying.script import acts_of
from turnwire.replaying.server import Intake, serve_acts
from turnwire.wiring import RecordingError, Wired
from turnwire_core.contracts.connection import Connection, Milliseconds
from turnwire_core.contracts.tap import WireTap
from turnwire_core.events import Turn
from turnwire_core.hookspecs import hookimpl

_PLAIN: Final = {"https": "http", "wss": "ws"}
"""What a recording is of was deciphered; so is what is played."""

_SHORTEST_LIMIT_MS: Final = 1_000.0
"""However fast a recording is played, we ourselves are not that much faster."""


@attrs.frozen
class Manner:
    """How recordings are played."""

    speed: Speed = attrs.field(factory=Speed)
    cut: Cut = attrs.field(factory=Cut)

    def as_json(self, source: Path) -> dict[str, Any]:
        """What a run log says of a replay of what is in ``source``."""
        return {"from": str(source), "speed": str(self.speed), "cut": str(self.cut)}


class Replayer:
    """A wiring that leads each conversation to its recording, and nowhere else.

    It is looked for by test and role, then (of ``turnwire chat``, which has no tests) by
    connection. Of several runs in one folder the latest counts. Several conversations of one test
    get their recordings in the order in which they were recorded, each once; one that is of no test
    is played as often as it is wanted.
    """

    replays = True

    def __init__(
        self,
        recordings: Sequence[Recording],
        source: Path,
        *,
        manner: Manner = Manner(),
        trusts_times: bool = False,
    ) -> None:
        """``source`` is where they were loaded from, for messages."""
        self.trusts_times = trusts_times
        self.manner = manner
        self._source = source
        self._recordings = recordings
        self._played: dict[tuple[str | None, str, str], int] = {}

    def as_json(self) -> dict[str, Any]:
        """What a run log says of it."""
        return {**self.manner.as_json(self._source), "trustTimes": self.trusts_times}

    @asynccontextmanager
    async def conversation(
        self, connection: Connection, *, test: str | None = None, role: str = "target"
    ) -> AsyncIterator[Wired]:
        """A server that plays the recording, and the connection to it. See :class:`Wiring`.

        Raises:
            RecordingError: there is none, or none any more.
        """
        recording = self._choose(connection, test, role)
        async with replaying(connection, recording, self.manner) as wired:
            yield wired

    def _choose(self, connection: Connection, test: str | None, role: str) -> Recording:
        masked = connection.secrets.mask(test) if test is not None else None
        name = connection.name
        kind = [one for one in self._recordings if one.role == role]
        found = [one for one in kind if one.test == masked and one.connection == name]
        found = found or [one for one in kind if test is not None and one.test == masked]
        of_test = bool(found) and test is not None
        found = found or [one for one in kind if one.test is None and one.connection == name]
        latest = found[-1].run if found else ""
        found = [one for one in found if one.run == latest]
        key = (masked if of_test else None, role, name)
        number = self._played.get(key, 0)
        self._played[key] = number + 1
        what = f"test {test!r}" if test is not None else f"the connection {name!r}"
        help_ = "" if role == "target" else f" ({role} {name!r})"
        if not found:
            raise RecordingError(
                f"There is no recording of {what}{help_} in {self._source}. "
                "Record it: --record DIR."
            )
        if of_test and number >= len(found):
            raise RecordingError(
                f"Of {what}{help_} there are {len(found)} recordings in {self._source}, and one "
                "more conversation."
            )
        return found[number % len(found)]


@asynccontextmanager
async def replaying(
    connection: Connection, recording: Recording, manner: Manner
) -> AsyncIterator[Wired]:
    """A connection to a server that plays ``recording`` to it, and the observers that it needs."""
    acts = acts_of(recording)
    clock, intake = Clock(manner.speed), Intake()
    wired = attrs.evolve(connection, tap=_tapped(connection, intake))
    observers = (_TurnWatch(clock),)
    if not acts and any(not one.ok for one in recording.outcomes):
        # It could not be reached, and cannot be now.
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            yield pointed(wired, closed.getsockname()[1], manner.speed), observers
        return
    async with serve_acts(acts, clock=clock, cut=manner.cut, intake=intake) as port:
        yield pointed(wired, port, manner.speed), observers


def pointed(connection: Connection, port: int, speed: Speed = Speed()) -> Connection:  # noqa: B008
    """The connection, to a port of this machine instead of its target, and to nobody else.

    No proxy is asked and no token fetched; limits that bound what the target takes are scaled.
    """
    auth = connection.auth
    limits = connection.limits
    return attrs.evolve(
        connection,
        base_url=local_url(connection.base_url, port),
        proxy="",
        trust_env=False,
        auth=None if auth is not None and auth.type == "oauth2" else auth,
        timeout_ms=_scaled(connection.timeout_ms, speed),
        limits=attrs.evolve(
            limits,
            first_content_ms=_scaled(limits.first_content_ms, speed),
            idle_ms=_scaled(limits.idle_ms, speed),
        ),
    )


def local_url(url: str, port: int) -> str:
    """A URL, of a port of this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:  # somebody else wrote the recording
        return f"http://127.0.0.1:{port}"
    scheme = _PLAIN.get(parts.scheme, parts.scheme)
    return parts._replace(scheme=scheme, netloc=f"127.0.0.1:{port}").geturl()


def _scaled(limit_ms: Milliseconds, speed: Speed) -> Milliseconds:
    if speed.factor in (None, 1.0):
        return limit_ms
    least = min(limit_ms, _SHORTEST_LIMIT_MS)
    return Milliseconds(max(least, speed.scaled_ns(round(limit_ms * 1e6)) / 1e6))


def _tapped(connection: Connection, intake: Intake) -> WireTap:
    tap = _IntakeTap(intake)
    return tap if connection.tap is None else TwoTaps(connection.tap, tap)


class _IntakeTap(WireTap):
    """Tells what the client has read."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def sent(self, at_ns: int, label: str, data: bytes) -> None:
        """Nothing to tell."""

    def received(self, at_ns: int, label: str, data: bytes) -> None:  # noqa: ARG002 - WireTap's
        """So many bytes more."""
        self._intake.took(len(data))


class _TurnWatch:
    """Tells the clock when turns start."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @hookimpl
    def turnwire_turn_started(self, turn: Turn, at_ns: int) -> None:
        """Turn by turn as they were recorded."""
        self._clock.turn_started(turn.index, at_ns)
