"""The text of a reply as it may be shown while it comes."""

from __future__ import annotations

from collections.abc import Sequence

from turnwire_core.events import Chunk
from turnwire_core.secrets import MaskedPieces, Secrets

Shown = Sequence[tuple[Chunk, str]]
"""Chunks in their order, each with what may be shown of it."""


class MaskedChunks:
    """Masks the chunks of one reply after the other, also where a secret is cut by their edges.

    A chunk that may end with the beginning of a secret comes out later: with those that say what it
    was, or at the end of the turn. It keeps its own text and its own time.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._pieces: MaskedPieces[Chunk] = MaskedPieces(secrets)

    def take(self, chunk: Chunk) -> Shown:
        """A chunk arrived; returns those that may be shown now."""
        # What replaces the text so far does not continue it.
        before = self._pieces.end() if chunk.replaces else []
        return [*before, *self._pieces.feed(chunk, chunk.text)]

    def end(self) -> Shown:
        """The turn is over: the chunks that were held back."""
        return self._pieces.end()
