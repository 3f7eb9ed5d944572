"""What the decoders of all body formats have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from turnwire_core.errors import FrameTooLarge, ProtocolError
from turnwire_core.events import Frame

_BOM = b"\xef\xbb\xbf"


class FrameDecoder(ABC):
    """Bytes and their time of arrival in, frames out.

    ``limit_bytes`` bounds one frame's data, and so what is held in memory.
    """

    failure: ProtocolError | None = None
    """Why decoding stopped, for good. What was complete before that has been handed out."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._received_ns = 0
        self._bom: bytes | None = b""
        """The start of the body, while it may still become a byte order mark. Then None."""

    @property
    @abstractmethod
    def pending(self) -> int:
        """How many bytes have been taken in and belong to no frame yet."""

    def feed(self, data: bytes, received_ns: int) -> list[Frame]:
        """Take the next bytes of the body; the result is what they completed, in order.

        Never raises. A frame that passes the bound sets ``failure``, and nothing comes after it:
        so the frames before it are not lost, and the next call is not needed to learn of it.
        """
        frames: list[Frame] = []
        if self.failure is not None:
            return frames
        self._received_ns = received_ns
        if self._bom is not None:
            data = self._without_bom(self._bom + data)
        self._guarded(data, frames)
        return frames

    def finish(self) -> list[Frame]:
        """What the clean end of the body completes, with the stamp of the last read.

        Call it once, after the last ``feed``. Never raises, as ``feed``.
        """
        frames: list[Frame] = []
        if self.failure is None:
            self._guarded(self._bom or b"", frames)
        if self.failure is None:
            self._end(frames)
        return frames

    def _guarded(self, data: bytes, frames: list[Frame]) -> None:
        try:
            if data:
                self._decode(data, frames)
        except ProtocolError as exc:
            self.failure = exc

    @abstractmethod
    def _decode(self, data: bytes, frames: list[Frame]) -> None:
        """Append to ``frames`` what ``data`` completes.

        Raises:
            FrameTooLarge: a frame passed the bound. What came before it is in ``frames``.
        """

    @abstractmethod
    def _end(self, frames: list[Frame]) -> None:
        """Append to ``frames`` what the end of the body completes."""

    def _without_bom(self, start: bytes) -> bytes:
        """``start`` without a byte order mark, or nothing while there is too little to tell."""
        if len(start) < len(_BOM) and _BOM.startswith(start):
            self._bom = start
            return b""
        self._bom = None
        return start.removeprefix(_BOM)

    def _too_large(self, what: str) -> FrameTooLarge:
        return FrameTooLarge(
            f"{what} is longer than {self._limit:,} bytes. "
            f"If that is expected, raise 'limits.maxEventBytes'.",
            limit_bytes=self._limit,
        )
