"""What else is worth keeping of a reply: what it used up, and the conversation's id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from turnwire.inferring import words
from turnwire.inferring.evidence import Event
from turnwire.inferring.findings import Finding, counted
from turnwire.inferring.labels import LabelledEvent
from turnwire.inferring.leaves import Shape, at_first, last_name, shape_of
from turnwire_core.paths import spell

_DEEPEST: Final = 6


def find_usage(events: Sequence[LabelledEvent]) -> tuple[str, Finding] | None:
    """The path to what the reply used up: an object (or a list of them) with counts in it.

    A reply may tell it several times, first in part; what is told last counts, and its place is
    named first.
    """
    found: dict[tuple[str, ...], int] = {}
    for event in events:
        for steps in _usages(event.event):
            found.pop(steps, None)
            found[steps] = event.index
    if not found:
        return None
    ordered = list(reversed(found))
    path = " | ".join(map(spell, ordered))
    count = counted(len(ordered), "place")
    because = f"counts at {count}, last in event {found[ordered[0]] + 1} of {len(events)}"
    return path, Finding("usagePath", path, 0.9, because)


def find_counts(events: Sequence[LabelledEvent]) -> dict[str, str]:
    """Counts of tokens that stand at the top of an event, beside everything else, by name."""
    counts: dict[str, str] = {}
    for event in events:
        for leaf in event.leaves:
            is_number = isinstance(leaf.value, int) and not isinstance(leaf.value, bool)
            if len(leaf.steps) != 1 or not is_number:
                continue
            name = leaf.name.lower()
            if "count" not in name and "tokens" not in name:
                continue
            if any(word in name for word in ("prompt", "input")):
                counts["inputTokens"] = spell((leaf.name,))
            elif any(word in name for word in ("eval", "output", "completion", "generated")):
                counts["outputTokens"] = spell((leaf.name,))
    return counts if len(counts) == 2 else {}


def conversation_ids(events: Sequence[LabelledEvent]) -> dict[Shape, Any]:
    """Ids in the reply that may name the conversation, with their value, the likeliest first.

    One that changes within a reply names something else.
    """
    found: dict[Shape, Any] = {}
    changed: set[Shape] = set()
    for event in events:
        for leaf in event.leaves:
            shape = shape_of(leaf.steps)
            if None in shape or not _is_id_value(leaf.value) or not _names_conversation(shape):
                continue
            if found.setdefault(shape, leaf.value) != leaf.value:
                changed.add(shape)
    usable = {shape: value for shape, value in found.items() if shape not in changed}
    return dict(sorted(usable.items(), key=lambda item: len(item[0])))


def spell_all(shapes: Sequence[Shape]) -> str:
    """One path for several places of the same thing."""
    return " | ".join(map(at_first, shapes))


def _names_conversation(shape: Shape) -> bool:
    name = last_name(shape)
    if name.lower() == "id" and len(shape) > 1:
        return words.is_conversation_id(f"{shape[-2]}_id")
    is_bare = name.lower() in (
        "session",
        "conversation",
        "thread",
        "chat",
        "context",
        "interaction",
    )
    return words.is_conversation_id(name) and not is_bare


def _is_id_value(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value not in ("", 0)


def _usages(event: Event) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []

    def walk(value: Any, steps: tuple[str, ...]) -> None:
        if not isinstance(value, dict) or len(steps) > _DEEPEST:
            return
        for key, item in value.items():
            if words.is_usage(key) and (_has_counts(item) or (item == {} and key == "usage")):
                found.append((*steps, key))
            else:
                walk(item, (*steps, key))

    walk(event.value, ())
    return found


def _has_counts(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, dict) and _has_counts(item) for item in value)
    if not isinstance(value, dict):
        return False
    numbers = [key for key, item in value.items() if type(item) in (int, float)]
    return any(map(words.is_count, numbers)) or any(
        _has_counts(item) for item in value.values() if isinstance(item, dict)
    )
