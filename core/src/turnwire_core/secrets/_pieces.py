"""Masking a text that arrives in pieces, where a secret may begin in one and end in another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

from turnwire_core.secrets._machines import FOUND, State
from turnwire_core.secrets._masking import MASK, Secrets

T = TypeVar("T")

_CROWDED: Final = 64


class MaskedPieces(Generic[T]):
    """Masks the pieces of one text, each as soon as it is known what of it is secret.

    A piece is held back while its end may be the beginning of a secret; it comes out when the next
    pieces, or the end of the text, have said. Each comes out with its own text, in order: of a
    secret that spans several, the piece in which it begins has the mask, and the others nothing.
    What is held back is never longer than the longest way to write a secret, and the piece in which
    it begins.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._read = 0
        """Characters read since the beginning; positions count from there."""
        self._held: deque[tuple[T, int, str]] = deque()
        """Pieces that did not come out: what they belong to, where they begin, their text."""
        self._begun: list[tuple[int, State]] = []
        """What may become a secret: where it began, and what may follow. Earliest first."""
        self._found: list[tuple[int, int]] = []
        """The secrets, in order; those that touch are one."""

    def feed(self, item: T, text: str) -> list[tuple[T, str]]:
        """Take the next piece. Returns what comes out now: each item with its masked text."""
        if not self._held and self._secrets.machine.keys().isdisjoint(text):
            self._read += len(text)
            return [(item, text)]
        self._held.append((item, self._read, text))
        self._look(text)
        return list(self._out(self._begun[0][0] if self._begun else self._read))

    def end(self) -> list[tuple[T, str]]:
        """The text is at its end: what was held back comes out. Another text may follow."""
        self._begun = []
        out = list(self._out(self._read))
        self._found = []
        return out

    def _look(self, text: str) -> None:
        beginning = self._secrets.machine
        begun, position = self._begun, self._read
        for character in text:
            begun = [(start, after) for start, state in begun for after in state.get(character, ())]
            begun += [(position, after) for after in beginning.get(character, ())]
            position += 1
            if not begun:
                continue
            for start, state in begun:
                if FOUND in state:
                    self._add(start, position)
            if len(begun) > _CROWDED:
                # Ways to write the same may lead to the same place.
                begun = list(
                    {(start, id(state)): (start, state) for start, state in begun}.values()
                )
        # What only could end here has ended, and holds nothing back.
        self._begun = [one for one in begun if len(one[1]) > (FOUND in one[1])]
        self._read = position

    def _add(self, start: int, end: int) -> None:
        found = self._found
        while found and found[-1][1] >= start:
            earlier = found.pop()
            start, end = min(start, earlier[0]), max(end, earlier[1])
        found.append((start, end))

    def _out(self, until: int) -> Iterator[tuple[T, str]]:
        """The pieces that end at ``until`` or before."""
        while self._held and (last := self._held[0][1] + len(self._held[0][2])) <= until:
            item, first, text = self._held.popleft()
            yield item, self._masked(first, text)
            # A secret that ends here still joins one that touches it.
            self._found = [span for span in self._found if span[1] >= last]

    def _masked(self, first: int, text: str) -> str:
        parts: list[str] = []
        shown = 0
        for start, end in self._found:
            if start >= first + len(text) or end <= first:
                continue
            parts.append(text[shown : max(start - first, 0)])
            if start >= first:
                parts.append(MASK)
            shown = end - first
        parts.append(text[shown:])
        return "".join(parts)
