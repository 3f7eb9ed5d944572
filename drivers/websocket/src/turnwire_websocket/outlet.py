"""What leaves one socket: one write at a time, and none behind half a frame or our Close."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns

import anyio

from turnwire_core.contracts.tap import FRAMES
from turnwire_core.errors import Phase, StreamBrokenError
from turnwire_core.http import UpgradedStream
from turnwire_websocket.framing import unmasked

_CLOSE = "close"


class Outlet:
    """The writing side of a socket. ``about`` makes a sentence name the target."""

    def __init__(self, stream: UpgradedStream, about: Callable[[str], str]) -> None:
        self._stream = stream
        self._about = about
        self._writing = False
        self._sealed = False
        self._owed: dict[str, tuple[bytes, bytes]] = {}
        # For who waits, and made by them: as a rule nobody does.
        self._free: anyio.Event | None = None

    @property
    def sealed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._sealed and not self._writing

    def owes(self, label: str) -> bool:
        """Whether such a control frame is still to be written."""
        return label in self._owed

    async def send(self, data: bytes, label: str, payload: str | bytes) -> None:
        """Write frames. ``label`` and ``payload`` are what the tap is told. Senders wait in turn.

        Raises:
            StreamBrokenError: the connection was reset or closed, or a write before was broken
                off, or our Close has been sent.
            TlsError: TLS broke down.
        """
        while self._writing:
            if self._free is None:
                self._free = anyio.Event()
            await self._free.wait()
        if self._sealed:
            message = "nothing can be sent on this WebSocket any more."
            raise StreamBrokenError(self._about(message), phase=Phase.SEND)
        self._writing = True
        try:
            await self._write(data, label, payload)
            while self._owed and not self._sealed:
                label, frame = next(iter(self._owed.items()))
                await self._write(frame[0], label, frame[1])
                if self._owed[label] is frame:
                    del self._owed[label]
        finally:
            self._writing = False
            if self._free is not None:
                self._free.set()
                self._free = None

    async def send_control(self, data: bytes, label: str, payload: bytes) -> None:
        """Write pings or pongs. While a message is being written they are left to follow it.

        So whoever reads the socket can read on: a target may take the rest of a message only when
        it has got rid of its own. Only the last of each kind is kept (RFC 6455 §5.5.3).

        Raises: as :meth:`send`.
        """
        if self._writing:
            self._owed[label] = data, payload
        else:
            await self.send(data, label, payload)

    async def _write(self, data: bytes, label: str, payload: str | bytes) -> None:
        # It stays so where the write is broken off, because nothing can follow half a frame,
        # and after our Close, because nothing may follow that (RFC 6455 §5.5.1).
        self._sealed = True
        if (tap := self._stream.tap) is not None:
            # Before it is written: while it is, another task may already read the answer. The key
            # is shown as zeros: masked bytes say nothing.
            now = perf_counter_ns()
            shown = payload.encode() if isinstance(payload, str) else payload
            tap.sent(now, FRAMES, unmasked(data))
            tap.carried(now, label, shown, sent=True)
        await self._stream.send(data)
        self._sealed = label == _CLOSE
