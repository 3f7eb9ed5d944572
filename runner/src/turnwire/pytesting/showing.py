"""What pytest's reports show of a turn: what was said, when it came, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from turnwire.view.text import shorten, visible
from turnwire_core import Connection, Reply

_LONGEST: Final = 2000
"""Characters of one message that are shown; the run log has all of them."""

Property = tuple[str, object]


def turn_lines(message: str, reply: Reply, mask: Callable[[str], str]) -> Iterator[str]:
    """One turn in lines: the user, the assistant, the times; and what went wrong, if anything."""
    yield from labelled("user", shorten(mask(message), _LONGEST))
    yield from labelled("assistant", shorten(mask(reply.content), _LONGEST) or "(nothing)")
    yield f"{'':11}{times(reply)}"
    if not reply.ok:
        where = f" (phase: {reply.phase.value})" if reply.phase else ""
        yield from labelled("error", f"{mask(reply.error or 'The turn failed.')}{where}")
    for hint in reply.hints:
        yield from labelled("hint", mask(hint))


def times(reply: Reply) -> str:
    """The verdict and the times of a turn, in milliseconds; ``-`` for what never happened."""
    metrics = reply.metrics
    return (
        f"{reply.verdict.value}  firstTokenMs {_milliseconds(metrics.first_token_ms)}  "
        f"latencyMs {_milliseconds(metrics.latency_ms)}  chunks {metrics.stream_chunks}"
    )


def properties(
    replies: Iterable[Reply], name: str, connection: Connection | None
) -> list[Property]:
    """What pytest's JUnit file says of a test, named as in the JUnit file of ``turnwire run``.

    What never happened is left out. ``connection`` is None where it could not be made ready.
    """
    found: list[Property] = [("connection", name)]
    if connection is not None:
        found.append(("protocol", connection.protocol))
    for number, reply in enumerate(replies, start=1):
        metrics = reply.metrics
        turn = {
            "verdict": reply.verdict.value,
            "firstTokenMs": metrics.first_token_ms,
            "latencyMs": metrics.latency_ms,
            "maxGapMs": metrics.gap_max_ms,
            "streamChunks": metrics.stream_chunks,
        }
        found += [
            (f"turn{number}.{key}", round(value, 3) if isinstance(value, float) else value)
            for key, value in turn.items()
            if value is not None
        ]
    return found


def labelled(label: str, text: str) -> Iterator[str]:
    """``text`` beside its label, safe to show, its further lines below one another."""
    first, *others = visible(text, lines=True).split("\n")
    yield f"{label:<11}{first}".rstrip()
    yield from (f"{'':11}{line}".rstrip() for line in others)


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
