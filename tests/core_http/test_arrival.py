"""Stamps: the system's own where it has them, and ours where its cannot be true."""

from __future__ import annotations

import socket
import struct
import threading
import time
from time import perf_counter_ns

import anyio
import pytest

from turnwire_core.http import _arrival
from turnwire_core.http._arrival import ANCILLARY_BYTES, ArrivalClock
from turnwire_core.http._sockets import connect

MS = 1_000_000

told = pytest.mark.skipif(not ANCILLARY_BYTES, reason="this system does not tell")


@pytest.fixture(autouse=True)
def _both_ways() -> None:
    """These are below HTTP."""


@told
@pytest.mark.anyio
async def test_a_stamp_is_the_arrival_however_late_somebody_looks() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    sent: list[int] = []

    def serve() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(10)
            time.sleep(0.02)
            sent.append(perf_counter_ns())
            peer.send(b"here")
            peer.recv(10)

    server = threading.Thread(target=serve)
    server.start()
    with listener, anyio.fail_after(10):
        stream = await connect("127.0.0.1", listener.getsockname()[1])
        await stream.send(b"go")
        while not sent:
            time.sleep(0.001)  # noqa: ASYNC251 - the loop is held up
        time.sleep(0.3)  # noqa: ASYNC251
        assert await stream.receive() == b"here"
        looked_ns = perf_counter_ns()
        await stream.aclose()
    server.join()
    assert sent[0] <= stream.read_ns < sent[0] + 150 * MS < looked_ns


class Clocks:
    """The wall clock and ours, which move when they are told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ours = 1_000 * MS
        self.wall = 5_000_000 * MS
        monkeypatch.setattr(_arrival, "perf_counter_ns", lambda: self.ours)
        monkeypatch.setattr(_arrival, "time_ns", lambda: self.wall)

    def move(self, ms: int) -> None:
        self.ours += ms * MS
        self.wall += ms * MS

    def told(self, ms_ago: float) -> _arrival.Ancillary:
        """What comes beside bytes that arrived so long ago."""
        at = self.wall - int(ms_ago * MS)
        data = struct.pack("=qq", at // 1_000_000_000, at % 1_000_000_000)
        return [(socket.SOL_SOCKET, 35, data)]


class Sock:
    """Of a socket, what the clock asks: how many segments came out of order."""

    def __init__(self) -> None:
        self.disorder = 0

    def setsockopt(self, *_: object) -> None:
        pass

    def getsockopt(self, *_: object) -> bytes:
        return struct.pack("=I", self.disorder).rjust(228, b"\0")


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks(monkeypatch)


@pytest.fixture
def sock() -> Sock:
    return Sock()


@pytest.fixture
def clock(clocks: Clocks, sock: Sock) -> ArrivalClock:
    found = ArrivalClock(sock)  # type: ignore[arg-type]  # by shape
    clocks.move(500)
    return found


@pytest.mark.parametrize("ms_ago", [0, 0.5, 2, 300, 500])
def test_what_the_system_says_is_believed(
    clock: ArrivalClock, clocks: Clocks, ms_ago: float
) -> None:
    assert clock.stamp(clocks.told(ms_ago)) == clocks.ours - int(ms_ago * MS)


def test_where_it_says_nothing_bytes_arrived_when_they_were_read(
    clock: ArrivalClock, clocks: Clocks
) -> None:
    assert clock.stamp([]) == clocks.ours


@pytest.mark.parametrize("ms_ago", [-1, -3_600_000, 501, 3_600_000])
def test_a_wall_clock_that_was_set_is_not_believed(
    clock: ArrivalClock, clocks: Clocks, ms_ago: float
) -> None:
    assert clock.stamp(clocks.told(ms_ago)) == clocks.ours


def test_stamps_never_go_back(clock: ArrivalClock, clocks: Clocks) -> None:
    first = clock.stamp([])
    clocks.move(1)
    assert clock.stamp(clocks.told(1.5)) == first


def test_a_segment_that_waited_for_a_lost_one_arrived_when_it_could_be_read(
    clock: ArrivalClock, clocks: Clocks, sock: Sock
) -> None:
    sock.disorder = 3
    assert clock.stamp(clocks.told(200)) == clocks.ours
    clocks.move(400)
    assert clock.stamp(clocks.told(200)) == clocks.ours - 200 * MS, "which is over"


def test_a_system_that_does_not_tell_of_lost_segments_is_not_believed(
    clock: ArrivalClock, clocks: Clocks, sock: Sock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sock, "getsockopt", lambda *_: b"\0" * 104)
    assert clock.stamp(clocks.told(200)) == clocks.ours
    clocks.move(10)
    assert clock.stamp(clocks.told(1)) == clocks.ours - 1 * MS, "so little may be our own delay"
