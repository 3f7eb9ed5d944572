"""Masking the bytes of a recording: the same length, and also where a secret came in two reads.

A secret becomes as many stars as it had bytes, so that the lengths of frames and bodies stay true.
Bytes are held back until nothing that follows can complete a secret which began in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from turnwire.recordings.payloads import Range
from turnwire_core.secrets import Secrets

_STAR: Final = b"*"


class MaskedBytes:
    """Some bytes, which are ready once all of them that are payload have been searched."""

    __slots__ = ("data", "ready")

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)
        self.ready = False


class StreamMask:
    """Searches one stream of bytes that comes piece by piece."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._said = bytearray()
        """Payload that has not been searched to its end, as it came: a secret may begin with
        another, of which the first find must leave something to be found."""
        self._shown = bytearray()
        """The same, with stars."""
        self._places: list[tuple[int, MaskedBytes, int, int]] = []
        """Where it stands: (end in the payload, piece, start in it, end in it)."""

    def add(self, piece: MaskedBytes, payload: Sequence[Range]) -> None:
        """Take the next piece, whose payload is at these ranges of it."""
        if not payload:
            piece.ready = True
        for start, end in payload:
            data = piece.data[start:end]
            self._said += data
            self._shown += data
            self._places.append((len(self._said), piece, start, end))

    def search(self, *, final: bool = False) -> None:
        """Mask what is found. ``final``: nothing follows that might belong to it."""
        if not self._places:
            return
        self._hide(bytes(self._said))
        # Again after each find, because stars may complete a secret that has some.
        while self._hide(bytes(self._shown)):
            pass
        self._release(len(self._said) - (0 if final else self._secrets.reach))

    def _hide(self, text: bytes) -> bool:
        """Put stars where ``text`` has secrets. False if they were there already."""
        new = False
        for start, end in self._secrets.find(text):
            if self._shown[start:end].strip(_STAR):
                self._shown[start:end] = _STAR * (end - start)
                new = True
        return new

    def _release(self, known: int) -> None:
        """Give out the payload up to ``known``, as far as its pieces end before it."""
        gone = 0
        last: MaskedBytes | None = None
        while self._places and self._places[0][0] <= known:
            end, last, start_in_piece, end_in_piece = self._places.pop(0)
            last.data[start_in_piece:end_in_piece] = self._shown[gone:end]
            last.ready = True
            gone = end
        if last is not None and self._places and self._places[0][1] is last:
            last.ready = False  # the rest of it has to wait
        del self._said[:gone], self._shown[:gone]
        self._places = [
            (end - gone, piece, first, behind) for end, piece, first, behind in self._places
        ]
