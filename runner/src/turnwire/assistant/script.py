"""How a reply goes: what is said after which wait, and what goes wrong on the way.

A script is a list of steps, made without I/O and played by :mod:`turnwire.assistant.stage`. A
fault is a function that rewrites the steps; :data:`FAULTS` is the table of all of them.

Whoever talks to the assistant may ask for a fault or another pace, in the query
(``?fault=stall&gap_ms=50``), in the header ``X-Turnwire-Fault`` (``stall`` or ``reasoning,close``),
or in brackets inside the message (``[fault=stall] Hello``). The message wins over the header, the
header over the query.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from turnwire.assistant.errors import BadRequest

MAX_WAIT_MS: Final = 600_000.0
MAX_CHUNKS: Final = 100_000
THOUGHTS: Final = ("The user wants ", "to know something. ", "I look it up.")
FAILURE: Final = "The model is overloaded. This error was asked for."


@attrs.frozen
class Pace:
    """When the pieces of a reply come, and how long they are.

    ``first_ms`` passes before the first piece, ``gap_ms`` between two; a piece has
    ``chunk_words`` words.
    """

    first_ms: float = attrs.field(default=20.0, validator=attrs.validators.ge(0))
    gap_ms: float = attrs.field(default=5.0, validator=attrs.validators.ge(0))
    chunk_words: int = attrs.field(default=1, validator=attrs.validators.ge(1))


DEMO_PACE: Final = Pace(first_ms=250.0, gap_ms=35.0)
"""Slow enough to be watched."""


# The steps of a script.


@attrs.frozen
class Open:
    """The head of the response, and the events that stand before the text."""


@attrs.frozen
class Wait:
    ms: float


@attrs.frozen
class Say:
    text: str


@attrs.frozen
class Think:
    """A piece of reasoning, which is no part of the answer."""

    text: str


@attrs.frozen
class Heartbeat:
    """A comment, a ping or a blank line: a sign of life without content."""


@attrs.frozen
class Garble:
    """An event that is not JSON."""


@attrs.frozen
class Fail:
    """An error inside a reply that had begun well."""

    message: str


@attrs.frozen
class Finish:
    """The events that say that the reply is complete."""


@attrs.frozen
class Hang:
    """Silence, until the client gives up."""


@attrs.frozen
class Cut:
    """The connection is dropped, in the middle of the body."""


@attrs.frozen
class Whole:
    """One JSON document, though a stream was asked for."""


@attrs.frozen
class Reject:
    """A status instead of a reply. ``retry_after`` is in seconds."""

    status: int
    retry_after: int | None = None


Step = Open | Wait | Say | Think | Heartbeat | Garble | Fail | Finish | Hang | Cut | Whole | Reject
Steps = Sequence[Step]


# The faults: each takes the steps of a good reply and returns those of a bad one.


def _half(steps: Steps) -> list[Step]:
    """The steps up to the middle of the text: at least one piece, and never the last of several."""
    spoken = [position for position, step in enumerate(steps) if isinstance(step, Say)]
    if not spoken:
        return [step for step in steps if not isinstance(step, Finish)]
    return list(steps[: spoken[(len(spoken) - 1) // 2] + 1])


def _unfinished(steps: Steps) -> list[Step]:
    return [step for step in steps if not isinstance(step, Finish)]


def _burst(steps: Steps) -> list[Step]:
    waits: list[Step] = [step for step in steps if isinstance(step, Wait)]
    rest = [step for step in steps if not isinstance(step, Wait)]
    return [*rest[:1], *waits, *rest[1:]]


def _before_each_text(steps: Steps, *extra: Step) -> list[Step]:
    result: list[Step] = []
    for step in steps:
        if isinstance(step, Say):
            result.extend(extra)
        result.append(step)
    return result


def _before_text(steps: Steps, *extra: Step) -> list[Step]:
    first = next((i for i, step in enumerate(steps) if isinstance(step, Say)), len(steps))
    return [*steps[:first], *extra, *steps[first:]]


@attrs.frozen
class Fault:
    """Something that can go wrong, on request."""

    summary: str
    apply: Callable[[Steps], Steps]


FAULTS: Final[Mapping[str, Fault]] = {
    "silent": Fault("takes the request and never answers", lambda _: [Hang()]),
    "never-finishes": Fault(
        "says everything, then neither finishes nor ends",
        lambda steps: [*_unfinished(steps), Hang()],
    ),
    "no-finish": Fault("says everything and ends without a finish", _unfinished),
    "stall": Fault("falls silent in the middle", lambda steps: [*_half(steps), Hang()]),
    "close": Fault(
        "drops the connection in the middle of the body", lambda steps: [*_half(steps), Cut()]
    ),
    "error": Fault(
        "sends an error event in the middle", lambda steps: [*_half(steps), Fail(FAILURE)]
    ),
    "malformed": Fault(
        "sends an event that is not JSON in the middle",
        lambda steps: [*(half := _half(steps)), Garble(), *steps[len(half) :]],
    ),
    "burst": Fault("holds everything back until the end, then sends it at once", _burst),
    "empty": Fault(
        "finishes without a word", lambda steps: [s for s in steps if not isinstance(s, Say)]
    ),
    "reasoning": Fault(
        "streams its reasoning first, apart from the answer",
        lambda steps: _before_text(steps, *map(Think, THOUGHTS)),
    ),
    "heartbeat": Fault(
        "sends a sign of life before each piece",
        lambda steps: _before_each_text(steps, Heartbeat()),
    ),
    "whole": Fault(
        "answers with one JSON document though a stream was asked for",
        lambda steps: [Whole(), *steps],
    ),
}
"""The faults by name. Besides them a number from 400 to 599 is a status, and ``flaky`` is one of
503 whenever a message comes for the first, third, fifth … time."""

FLAKY: Final = "flaky"


@attrs.frozen
class Wishes:
    """What a request asks of the reply beyond an answer. None: nothing was said about it.

    Times are in milliseconds, ``retry_after`` in seconds. ``chunks`` is the exact number of pieces.
    """

    faults: tuple[str, ...] | None = None
    first_ms: float | None = None
    gap_ms: float | None = None
    chunks: int | None = None
    retry_after: int | None = None

    def over(self, other: Wishes) -> Wishes:
        """These wishes, and those of ``other`` where these say nothing."""
        said = attrs.asdict(self, filter=lambda _, value: value is not None, recurse=False)
        return attrs.evolve(other, **said)

    @property
    def rejection(self) -> Reject | None:
        """The status that was asked for, if one was."""
        for name in self.faults or ():
            if name.isdigit():
                retry_after = self.retry_after
                if retry_after is None and name in ("429", "503"):
                    retry_after = 1
                return Reject(int(name), retry_after)
        return None


def _faults(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        is_status = re.fullmatch("[45][0-9][0-9]", name, re.ASCII) is not None
        if name not in FAULTS and name != FLAKY and not is_status:
            known = ", ".join([*FAULTS, FLAKY])
            raise BadRequest(
                f"There is no fault {name!r}. Known are: {known}, and any status from 400 to 599."
            )
    return names


def _milliseconds(name: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        if not 0 <= number <= MAX_WAIT_MS:  # NaN fails this test too
            raise BadRequest(f"{name!r} must be from 0 to {MAX_WAIT_MS:.0f} ms, not {text!r}.")
        return number

    return read


def whole_number(name: str, minimum: int, maximum: int) -> Callable[[str], int]:
    """A reader of a whole number within bounds, which raises BadRequest for anything else."""

    def read(text: str) -> int:
        number = int(text) if re.fullmatch("[0-9]{1,9}", text, re.ASCII) else -1
        if not minimum <= number <= maximum:
            raise BadRequest(
                f"{name!r} must be a whole number from {minimum} to {maximum}, not {text!r}."
            )
        return number

    return read


_WISHES: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "fault": ("faults", _faults),
    "first_ms": ("first_ms", _milliseconds("first_ms")),
    "gap_ms": ("gap_ms", _milliseconds("gap_ms")),
    "chunks": ("chunks", whole_number("chunks", 1, MAX_CHUNKS)),
    "retry_after": ("retry_after", whole_number("retry_after", 0, 3600)),
}

_TAG = re.compile(rf"\[({'|'.join(_WISHES)})=([^\[\]]*)\]\s*")


def read_wishes(values: Mapping[str, str]) -> Wishes:
    """The wishes among ``values`` (a query); other keys are left alone.

    Raises:
        BadRequest: an unknown fault, or no number where one belongs.
    """
    found = {name: value for name, value in values.items() if name in _WISHES}
    return Wishes(**{_WISHES[name][0]: _WISHES[name][1](text) for name, text in found.items()})


def take_wishes(message: str) -> tuple[str, Wishes]:
    """The message without its ``[name=value]`` tags, and what these ask for.

    Raises:
        BadRequest: an unknown fault, or no number where one belongs.
    """
    return without_tags(message), read_wishes(dict(_TAG.findall(message)))


def without_tags(message: str) -> str:
    """The message as the assistant understands it."""
    return _TAG.sub("", message)


def write_script(text: str, pace: Pace, wishes: Wishes) -> Steps:
    """The steps of a reply that says ``text``, with the faults that were asked for."""
    if rejection := wishes.rejection:
        return [rejection]
    first_ms = pace.first_ms if wishes.first_ms is None else wishes.first_ms
    gap_ms = pace.gap_ms if wishes.gap_ms is None else wishes.gap_ms
    if wishes.chunks is None:
        pieces = split_words(text, pace.chunk_words)
    else:
        pieces = split_evenly(text, wishes.chunks)
    steps: Steps = [Open(), *_paced(pieces, first_ms, gap_ms), Finish()]
    for name in wishes.faults or ():
        if name in FAULTS:
            steps = FAULTS[name].apply(steps)
    return steps


def _paced(pieces: Sequence[str], first_ms: float, gap_ms: float) -> list[Step]:
    steps: list[Step] = []
    for index, piece in enumerate(pieces):
        steps += [Wait(gap_ms if index else first_ms), Say(piece)]
    return steps


def split_words(text: str, words: int = 1) -> list[str]:
    """``text`` in pieces of so many words, each with the space after it. Joined, it is ``text``."""
    pieces = re.findall(r"\S+\s*|\s+", text) or [text]
    return ["".join(pieces[start : start + words]) for start in range(0, len(pieces), words)]


def split_evenly(text: str, count: int) -> list[str]:
    """Exactly ``count`` pieces of whole words; a text with too few words is said again."""
    words = split_words(text)
    while len(words) < count:
        words[-1] = words[-1] if words[-1][-1:].isspace() else words[-1] + " "
        words += words[: count - len(words)]
    bounds = [index * len(words) // count for index in range(count + 1)]
    return ["".join(words[bounds[i] : bounds[i + 1]]) for i in range(count)]
