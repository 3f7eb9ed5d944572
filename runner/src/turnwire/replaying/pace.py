"""When a recorded byte is due again, and in which pieces."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import anyio
import attrs
from anyio.lowlevel import checkpoint

from turnwire.replaying.script import Moment, Saying

_SPIN_NS: Final = 1_500_000
"""How much of a wait is not slept: event loops wake up a millisecond late."""


@attrs.frozen
class Speed:
    """How fast a recording is played: 1 as it was, 10 ten times as fast, None without waiting."""

    factor: float | None = 1.0

    @classmethod
    def parse(cls, text: str) -> Speed:
        """``1``, ``0.5``, ``10``; ``max`` or ``0`` for no waiting at all.

        Raises:
            ValueError: it is nothing of the kind.
        """
        if text.strip().lower() in ("max", "0"):
            return cls(None)
        try:
            factor = float(text.strip())
        except ValueError:
            factor = 0.0
        if not 0.001 <= factor <= 1_000_000:
            raise ValueError("a speed is a number from 0.001 to 1000000, or 'max'")
        return cls(factor)

    def __str__(self) -> str:
        return "max" if self.factor is None else f"{self.factor:g}"

    def scaled_ns(self, nanoseconds: int) -> int:
        """How long something takes that took so long."""
        return 0 if self.factor is None else round(nanoseconds / self.factor)


@attrs.frozen
class Cut:
    """In which pieces bytes are said: as they were read, of a fixed size, or of random sizes."""

    size: int | None = None
    seed: int | None = None

    @classmethod
    def parse(cls, text: str) -> Cut:
        """``reads``, ``every``, a number of bytes, ``random`` or ``random:SEED``.

        Raises:
            ValueError: it is nothing of the kind.
        """
        word, colon, rest = text.strip().lower().partition(":")
        if word == "random" and (rest.isdecimal() or not colon):
            return cls(seed=int(rest) if rest else random.randrange(2**32))  # noqa: S311 - no secret
        if not colon and word in ("reads", "every"):
            return cls(1 if word == "every" else None)
        if not colon and word.isdecimal() and int(word) > 0:
            return cls(int(word))
        raise ValueError("it is reads, every, a number of bytes, random or random:SEED")

    def __str__(self) -> str:
        if self.seed is not None:
            return f"random:{self.seed}"
        return "reads" if self.size is None else str(self.size)

    def apply(self, sayings: Sequence[Saying]) -> Iterator[Saying]:
        """The same bytes in other pieces; one is said when its last byte was."""
        if self.size is None and self.seed is None:
            yield from sayings
            return
        sizes = self._sizes()
        left = next(sizes)
        piece = bytearray()
        at: Moment | None = None
        for saying in sayings:
            at = saying.at
            rest = saying.data
            while len(rest) >= left:
                piece += rest[:left]
                rest = rest[left:]
                yield Saying(at, bytes(piece))
                piece.clear()
                left = next(sizes)
            piece += rest
            left -= len(rest)
        if piece and at is not None:
            yield Saying(at, bytes(piece))

    def _sizes(self) -> Iterator[int]:
        numbers = random.Random(self.seed)  # noqa: S311 - no secret
        while True:
            # Mostly small: what is wrong with a reader shows at the edges of what it reads.
            yield self.size or (numbers.randint(1, 8) if numbers.random() < 0.5 else 64)


class Clock:
    """Says when a moment of the recording is due.

    Where it is told when turns start, counted from there, as the recording's times are; else from
    what the step waited for.
    """

    def __init__(self, speed: Speed, now: Callable[[], int] = time.perf_counter_ns) -> None:
        self.speed = speed
        self.now = now
        self._turns: dict[int, int] = {}

    def turn_started(self, turn: int, at_ns: int) -> None:
        """The turn of the replay that stands for the recorded one has begun."""
        self._turns[turn] = at_ns

    def due_ns(self, moment: Moment, asked_ns: int) -> int:
        """When; ``asked_ns`` is when the step got what it waited for."""
        begun_ns = self._turns.get(moment.turn) if moment.turn is not None else None
        if begun_ns is None:
            return asked_ns + self.speed.scaled_ns(moment.in_step_ns)
        return begun_ns + self.speed.scaled_ns(moment.in_turn_ns)

    async def wait(self, moment: Moment, asked_ns: int) -> None:
        """Wait until it is due; not at all if it was already."""
        if self.speed.factor is None:
            return
        due_ns = self.due_ns(moment, asked_ns)
        left_ns = due_ns - self.now()
        if left_ns > _SPIN_NS:
            await anyio.sleep((left_ns - _SPIN_NS) / 1e9)
        while self.now() < due_ns:
            await checkpoint()
