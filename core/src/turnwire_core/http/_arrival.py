"""When the bytes of a read arrived: told by the system where it can, else by our own clock.

A clock that is read once bytes are in our hands is late by as long as the process was busy. Linux
notes when every TCP segment arrives, and tells it beside the bytes of a read (``SO_TIMESTAMPNS``).
So a stamp is right also where a hundred other streams were read first, and what lies between it and
the moment when we looked is known to be our own delay.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from contextlib import suppress
from time import perf_counter_ns, time_ns
from typing import Final

_SO_TIMESTAMPNS: Final = 35
_TIMESPEC: Final = struct.Struct("=qq")
"""Seconds and nanoseconds since the epoch."""
_NS_PER_S: Final = 1_000_000_000

_TCP_INFO_BYTES: Final = 232
_OUT_OF_ORDER: Final = struct.Struct("=I")
_OUT_OF_ORDER_AT: Final = 224
"""``tcpi_rcv_ooopack`` in ``struct tcp_info``: segments that came before one that precedes them."""

_PLAUSIBLE_NS: Final = 2_000_000
"""A delay that needs no second look."""

ANCILLARY_BYTES: Final = (
    socket.CMSG_SPACE(_TIMESPEC.size)
    if sys.platform == "linux" and os.uname().machine in ("x86_64", "aarch64")
    else 0
)
"""Room that a read must leave for what comes beside its bytes. 0 where nothing does: elsewhere the
option has another number, or does not concern TCP."""

Ancillary = list[tuple[int, int, bytes]]
"""As :meth:`socket.socket.recvmsg` returns it."""


class ArrivalClock:
    """Stamps the reads of one connected TCP socket (:func:`time.perf_counter_ns`)."""

    __slots__ = ("_disorder", "_last_ns", "_sock")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._last_ns = perf_counter_ns()
        self._disorder = 0
        if ANCILLARY_BYTES:
            # What only calls itself Linux may refuse; then nothing comes beside the bytes.
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)

    def stamp(self, ancillary: Ancillary) -> int:
        """When the last of the bytes arrived that came with ``ancillary``. Never before the stamp
        of the last call, and never in the future."""
        delay_ns = 0
        if ancillary and ancillary[0][1] == _SO_TIMESTAMPNS:  # nothing else was asked for
            seconds, ns = _TIMESPEC.unpack(ancillary[0][2])
            # The wall clock first: if we are stopped between the two, the stamp is too late, but
            # never before the bytes.
            delay_ns = time_ns() - seconds * _NS_PER_S - ns
        now_ns = perf_counter_ns()
        stamp_ns = now_ns - delay_ns
        if not 0 <= delay_ns <= _PLAUSIBLE_NS and not self._may_be(stamp_ns, now_ns):
            stamp_ns = now_ns
        self._last_ns = max(self._last_ns, stamp_ns)
        return self._last_ns

    def _may_be(self, stamp_ns: int, now_ns: int) -> bool:
        """Whether a stamp that is far from now can be true.

        It is not, where somebody has set the wall clock; nor where the segment came early, and what
        held its bytes back was one before it, which was lost and sent again.
        """
        return self._last_ns <= stamp_ns <= now_ns and not self._came_out_of_order()

    def _came_out_of_order(self) -> bool:
        """Whether any segment did, since the last time that this was asked."""
        before = self._disorder
        try:
            info = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
            (self._disorder,) = _OUT_OF_ORDER.unpack_from(info, _OUT_OF_ORDER_AT)
        except (OSError, struct.error):
            return True  # a system so old that it does not tell
        return bool(self._disorder != before)
