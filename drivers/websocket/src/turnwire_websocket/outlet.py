"""What leaves one socket: one write at a time, and none behind half a frame or our Close."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns

from turnwire_core.contracts.tap import FRAMES
from turnwire_core.errors import Phase, StreamBrokenError
from turnwire_core.http import Turnstile, UpgradedStream
from turnwire_websocket.framing import unmasked

_CLOSE = "close"

_MOST_OWED_BYTES = 4096
"""Of one kind."""


class Outlet:
    """The writing side of a socket. ``about`` makes a sentence name the target."""

    def __init__(self, stream: UpgradedStream, about: Callable[[str], str]) -> None:
        self._stream = stream
        self._about = about
        self._writing = Turnstile()
        self._sealed = False
        self._owed: dict[str, tuple[bytes, bytes]] = {}
        self._paying = ""
        """The label of what is owed and being written."""

    @property
    def sealed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._sealed and not self._writing.taken

    def owes(self, label: str) -> bool:
        """Whether such a control frame is still to be written."""
        return label in self._owed or label == self._paying

    def owe(self, data: bytes, label: str, payload: bytes) -> None:
        """Note pings or pongs, to be written before the next message, or with :meth:`flush`.

        From a target that does not take them only the last are kept, as RFC 6455 §5.5.3 allows.
        """
        before, shown = self._owed.get(label, (b"", b""))
        if before and len(before) + len(data) <= _MOST_OWED_BYTES:
            data, payload = before + data, shown + b" " + payload
        self._owed[label] = data, payload

    async def flush(self) -> None:
        """Write what is owed. While a message is being written it is left to follow that.

        Raises: as :meth:`send`.
        """
        if self._owed and not self._writing.taken:
            await self.send()

    async def send(self, data: bytes = b"", label: str = "", payload: str | bytes = b"") -> None:
        """Write what is owed, then frames, if there are any. Senders wait for each other.

        ``label`` and ``payload`` are what the tap is told.

        Raises:
            StreamBrokenError: the connection was reset or closed, or a write before was broken
                off, or our Close has been sent.
            TlsError: TLS broke down.
        """
        async with self._writing:
            if self._sealed:
                message = "nothing can be sent on this WebSocket any more."
                raise StreamBrokenError(self._about(message), phase=Phase.SEND)
            if label == _CLOSE:
                self._owed.clear()
            if self._owed:
                await self._pay()
            if data:
                await self._write(data, label, payload)
            if self._owed and not self._sealed:
                await self._pay()

    async def _pay(self) -> None:
        try:
            while self._owed:
                self._paying, (data, payload) = self._owed.popitem()
                await self._write(data, self._paying, payload)
        finally:
            self._paying = ""

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
