"""Bytes in, frames out. Nothing here waits, so it can be tested at every cut of its input."""

from __future__ import annotations

from turnwire_core import Frame, FrameTooLarge, InvalidFrame, ProtocolError
from turnwire_core.secrets import Secrets

_SHOWN_CHARACTERS = 100


class LineDecoder:
    """JSON objects, one a line (LF, or CR LF). Blank lines are skipped.

    ``limit_bytes`` bounds a line, and so what is held in memory.
    """

    def __init__(self, limit_bytes: int, secrets: Secrets) -> None:
        self._limit = limit_bytes
        self._secrets = secrets
        self._rest = bytearray()
        self.failure: ProtocolError | None = None
        """Why decoding stopped, for good. What was complete before that has been handed out."""

    @property
    def pending(self) -> int:
        """How many bytes wait for the end of their line."""
        return len(self._rest)

    def feed(self, data: bytes, received_ns: int) -> list[Frame]:
        """The frames that ``data`` completes. Never raises: see ``failure``."""
        frames: list[Frame] = []
        try:
            *ended, rest = data.split(b"\n")
            for line in ended:
                self._add(line)
                if frame := self._frame(received_ns):
                    frames.append(frame)
                self._rest.clear()
            self._add(rest)
        except ProtocolError as exc:
            self.failure = exc
        return frames

    def _add(self, data: bytes) -> None:
        self._rest += data
        if len(self._rest) > self._limit:
            self._rest.clear()
            raise FrameTooLarge(
                f"A line of the reply is longer than {self._limit:,} bytes. If that is expected, "
                "raise 'limits.maxEventBytes'.",
                limit_bytes=self._limit,
            )

    def _frame(self, received_ns: int) -> Frame | None:
        line = bytes(self._rest).strip(b" \t\r")
        if not line:
            return None
        # Whether it is JSON to its end is for the core to find out: it parses every frame anyway.
        if not line.startswith(b"{"):
            # Masked before it is cut, because half a secret would pass the mask; and shown as a
            # Python literal, in which a terminal finds nothing to obey.
            begins = self._secrets.mask(line.decode("utf-8", "replace"))[:_SHOWN_CHARACTERS]
            raise InvalidFrame(f"A line of the reply is no JSON object; it begins {begins!a}.")
        return Frame(received_ns, line.decode("utf-8", "replace"), raw=len(self._rest) + 1)
