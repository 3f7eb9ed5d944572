"""A response whose head has arrived, and the socket that an upgrade leaves behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NoReturn

import anyio

from turnwire_core.contracts.driver import EndOfStream
from turnwire_core.contracts.tap import WireTap
from turnwire_core.errors import DriverError, StreamBrokenError
from turnwire_core.events import WireTimes
from turnwire_core.http._encoding import BodyDecoder
from turnwire_core.http._errors import FOREIGN, root, translate
from turnwire_core.http._message import Answer, Network
from turnwire_core.http._text import charset_of, excerpt_of
from turnwire_core.http._turnstile import Turnstile
from turnwire_core.http._wire import Wire

_EXCERPT_S: Final = 1.0
_EXCERPT_SPARE_BYTES: Final = 8 * 1024
_READ_BYTES: Final = 64 * 1024


class HttpResponse:
    """The head of a response, and its body as it arrives."""

    def __init__(self, answer: Answer, wire: Wire) -> None:
        self.status = answer.status
        self.headers: Mapping[str, str] = answer.headers
        """Names are found in any case."""
        self.content_type = self.headers.get("content-type", "")
        self.media_type = self.content_type.partition(";")[0].strip().lower()
        """The media type without parameters, in lower case; empty if the response has none."""
        self._answer = answer
        self._wire = wire
        self._decoder: BodyDecoder | None = None
        self._slices: Iterator[bytes] | None = None
        self._reading = False
        self._ended = False
        self._failure: DriverError | None = None

    @property
    def times(self) -> WireTimes:
        """The stamps of this exchange so far."""
        return self._wire.times

    def check_encoding(self) -> None:
        """Look whether the body can be read.

        Raises:
            InvalidFrame: it is compressed in a way that we cannot undo.
        """
        self._decoder = BodyDecoder(
            self.headers.get("content-encoding", ""),
            limit_bytes=self._wire.connection.limits.max_reply_bytes,
        )

    async def receive(self) -> tuple[bytes, int]:
        """Some bytes of the body, and when they arrived (:func:`time.perf_counter_ns`).

        What one network read brought may come in several calls, all with the same stamp. Once
        cancelled, the rest of the body cannot be read any more.

        Raises:
            EndOfStream: the body is complete. Raised again on every later call.
            StreamBrokenError: it was cut short, or the connection was reset.
            FrameTooLarge: the body passed ``limits.max_reply_bytes``, decoded.
            InvalidFrame: it is not in the Content-Encoding that the head announced.
            ProtocolError: it breaks the rules of HTTP.
        """
        while True:
            if self._slices is not None:
                try:
                    piece = next(self._slices, None)
                except DriverError as exc:
                    self._failure = exc
                    raise
                if piece is not None:
                    return piece, self._wire.read_ns
                self._slices = None
            if self._failure is not None or self._ended or self._reading:
                self._refuse()
            self._reading = True  # left so by a cancellation
            try:
                data = await self._answer.read()
            except FOREIGN as exc:
                self._failure = translate(exc, self._wire)
                raise self._failure from root(exc)
            self._reading = False
            if not data:
                self._end()
            if self._decoder is None:
                self.check_encoding()
            assert self._decoder is not None  # noqa: S101 - just made
            if self._decoder.passes(data):
                return data, self._wire.read_ns
            self._slices = self._decoder.feed(data)

    async def excerpt(self, limit: int = 2000) -> str:
        """The beginning of what is left of the body, masked and safe to show on one line.

        Never raises for what the target does, and never waits long for it.
        """
        data = b""
        with anyio.move_on_after(_EXCERPT_S):
            try:
                # More than is shown, so that a secret is whole when it is masked.
                while len(data) < 4 * limit + _EXCERPT_SPARE_BYTES:
                    data += (await self.receive())[0]
            except (EndOfStream, DriverError):
                pass
        return excerpt_of(
            data,
            self._wire.connection.secrets,
            limit=limit,
            charset=charset_of(self.content_type),
        )

    async def finish(self) -> None:
        """Give the connection back if the body was read to its end, else drop it."""
        if self._ended:
            await self._answer.keep()
        else:
            await self.drop()

    async def drop(self) -> None:
        """Close the connection; nothing of this response can reach a later exchange."""
        await self._answer.drop()

    def _refuse(self) -> NoReturn:
        """Say why nothing can be read any more."""
        if self._failure is None:
            if self._ended:
                raise EndOfStream
            # What was lost must not look like the end.
            self._failure = StreamBrokenError("Reading the reply was broken off.")
        raise self._failure

    def _end(self) -> NoReturn:
        self._ended = True
        try:
            if self._decoder is not None:
                self._decoder.finish()
        except StreamBrokenError as exc:
            self._failure = exc
            raise
        raise EndOfStream


class UpgradedStream:
    """The raw connection after ``101 Switching Protocols``.

    One task may receive while others send, and any may close.
    """

    def __init__(self, answer: Answer, wire: Wire) -> None:
        self.headers: Mapping[str, str] = answer.headers
        """Those of the 101 response; names are found in any case."""
        self._answer = answer
        self._stream: Network = answer.network
        self._wire = wire
        self._sending = Turnstile()

    @property
    def times(self) -> WireTimes:
        """The stamps of the handshake."""
        return self._wire.times

    @property
    def tap(self) -> WireTap | None:
        """Who wants to see the bytes. What is received is shown already, labelled ``frames``; what
        is sent, and what both carry, is for the caller to show."""
        return self._wire.stream.tap if self._wire.stream is not None else None

    async def receive(self) -> tuple[bytes, int]:
        """One network read, and when it arrived (:func:`time.perf_counter_ns`).

        Cancelled, nothing is lost.

        Raises:
            EndOfStream: the target closed TCP. Raised again on every later call.
            StreamBrokenError: the connection was reset, or is closed.
            TlsError: TLS broke down.
        """
        try:
            data = await self._stream.read(_READ_BYTES)
        except FOREIGN as exc:
            raise translate(exc, self._wire) from root(exc)
        if not data:
            raise EndOfStream
        return data, self._wire.read_ns

    async def send(self, data: bytes) -> None:
        """Write all of ``data``; senders wait for each other.

        Raises:
            StreamBrokenError: the connection was reset, or is closed.
            TlsError: TLS broke down.
        """
        async with self._sending:
            try:
                await self._stream.write(data)
            except FOREIGN as exc:
                raise translate(exc, self._wire) from root(exc)

    async def aclose(self) -> None:
        """Close TCP, without waiting for the peer. Whoever receives or sends is told so."""
        await self._answer.drop()
