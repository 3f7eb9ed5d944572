"""Undoing a Content-Encoding that we did not ask for, without letting it fill the memory.

Sans-I/O. Requests say ``Accept-Encoding: identity``; a server that compresses all the same gets
its body read, but in slices, and never more than the limit of a whole reply.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from turnwire_core.errors import FrameTooLarge, InvalidFrame, Phase, StreamBrokenError

SLICE_BYTES: Final = 256 * 1024


class BodyDecoder:
    """Raw body bytes in, decoded slices out; counts what came out against ``limit_bytes``.

    Raises:
        InvalidFrame: the coding is one that we cannot undo.
    """

    def __init__(self, content_encoding: str, *, limit_bytes: int) -> None:
        coding = content_encoding.strip().lower()
        if coding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise InvalidFrame(
                f"The body has the Content-Encoding {coding[:40]!r}, although identity was asked "
                "for. Switch compression off at the target or at the proxy before it.",
                phase=Phase.HEADERS,
            )
        self._coding = coding
        self._limit_bytes = limit_bytes
        self._total_bytes = 0
        self._plain = coding in ("", "identity")
        self._inflate: zlib._Decompress | None = None
        self._held = b""
        self._ended = True

    def passes(self, data: bytes) -> bool:
        """Whether ``data`` is as it should be, so that it need not be fed; then it is counted.

        As good as every read of every body: the generator of :meth:`feed` would be a fifth of what
        one costs.
        """
        if not self._plain or self._total_bytes + len(data) > self._limit_bytes:
            return False
        self._total_bytes += len(data)
        return True

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decoded slices of at most ``SLICE_BYTES``, or ``data`` as it is.

        Raises:
            FrameTooLarge: more came out than the limit allows.
            InvalidFrame: the bytes are not in the coding that the head announced.
        """
        if self._plain:
            yield from self._bounded(data)
            return
        more = True
        while data or more:
            if self._inflate is None:
                # Two bytes tell a zlib wrapper from bare deflate.
                self._held += data
                if len(self._held) < 2:
                    self._ended = self._ended and not self._held
                    return
                data, self._held = self._held, b""
                self._inflate = self._inflater(data)
            self._ended = False
            try:
                piece = self._inflate.decompress(data, SLICE_BYTES)
            except zlib.error as exc:
                raise self._lie() from exc
            data = self._inflate.unconsumed_tail
            # A full slice may leave output inside zlib although all input is used up.
            more = len(piece) == SLICE_BYTES
            if self._inflate.eof:
                self._ended, more = True, False
                data = self._inflate.unused_data
                if data and self._coding == "deflate":
                    raise self._lie()
                self._inflate = None  # a gzip body may have several members (RFC 1952 §2.2)
            if piece:
                yield from self._bounded(piece)

    def finish(self) -> None:
        """Say that the body has ended.

        Raises:
            StreamBrokenError: in the middle of the compressed data.
        """
        if not self._ended:
            raise StreamBrokenError(
                f"The {self._coding} body was cut off: its compressed data does not end."
            )

    def _inflater(self, head: bytes) -> zlib._Decompress:
        if self._coding != "deflate":
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        # "deflate" means zlib (RFC 9110 §8.4.1.2), but some servers send it without its wrapper.
        # RFC 1950 §2.2: method 8, and a checksum over both bytes.
        wrapped = head[0] & 0x0F == 8 and (head[0] * 256 + head[1]) % 31 == 0
        return zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)

    def _lie(self) -> InvalidFrame:
        return InvalidFrame(
            f"The head announces a {self._coding} body, but the bytes are not {self._coding}."
        )

    def _bounded(self, data: bytes) -> Iterator[bytes]:
        """``data``, up to the bound; what came before it is not lost."""
        room = self._limit_bytes - self._total_bytes
        self._total_bytes += len(data)
        if len(data) <= room:
            yield data
            return
        if room > 0:
            yield data[:room]
        raise FrameTooLarge(
            f"The reply is longer than {self._limit_bytes} bytes (limits.maxReplyBytes).",
            limit_bytes=self._limit_bytes,
        )
