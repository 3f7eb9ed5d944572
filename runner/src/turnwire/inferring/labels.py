"""Fields that tell what the text beside them is: the type of an event, a role, a flag."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal

import attrs

from turnwire.inferring import words
from turnwire.inferring.evidence import Event
from turnwire.inferring.leaves import Leaf, Shape, Steps, at_first, last_name, leaves, shape_of

EVENT_NAME: Final = "$event"

LabelKey = Shape | Literal["$event"]
"""Where a label stands; ``$event`` is the name of an SSE event."""

_IDENTIFIER = re.compile(r"[A-Za-z][\w.:/-]{0,63}")
_LEAST_REPEATED: Final = 3
_LONGEST_PIECE: Final = 2
"""A field of many values as short as that may hold pieces of a text, whatever it is called."""


@attrs.frozen
class Label:
    """One label: what it says, and which texts it belongs to, namely those below ``around``."""

    key: LabelKey
    value: str | bool
    around: Steps

    def covers(self, steps: Steps) -> bool:
        """Whether it stands beside the value at ``steps``, or beside something around it."""
        return steps[: len(self.around)] == self.around


@attrs.frozen
class LabelledEvent:
    """An event with its scalars and its labels. ``index`` counts the events of the reply."""

    index: int
    event: Event
    leaves: tuple[Leaf, ...]
    labels: tuple[Label, ...]


def label_events(events: Sequence[Event]) -> tuple[LabelledEvent, ...]:
    """Find the labels of all events."""
    walked = [tuple(leaves(event.value)) if event.is_json else () for event in events]
    keys = _label_keys(walked)
    return tuple(
        LabelledEvent(index, event, found, tuple(_labels(event, found, keys)))
        for index, (event, found) in enumerate(zip(events, walked, strict=True))
    )


def spell_label(key: LabelKey) -> str:
    """The label's place as it is written in a condition."""
    return key if isinstance(key, str) else at_first(key)


def type_of_events(events: Sequence[LabelledEvent]) -> LabelKey | None:
    """The label that tells the kinds of events apart, if there is one.

    Of several the one with the most kinds, if nearly every event has it; of equals the one in the
    data, because that is the same on every transport, and nearest to the root.
    """
    counted: dict[LabelKey, Counter[str]] = {}
    total = 0
    for event in events:
        total += bool(event.event.is_json or event.event.name)
        for label in event.labels:
            at_top = label.key == EVENT_NAME or len(label.key) == 1
            if at_top and isinstance(label.value, str):
                counted.setdefault(label.key, Counter())[label.value] += 1
    typing = {
        key: values
        for key, values in counted.items()
        if len(values) > 1 and values.total() >= 0.6 * total and not _is_of_a_role(key)
    }
    return max(
        typing,
        key=lambda key: (len(typing[key]), typing[key].total(), key != EVENT_NAME),
        default=None,
    )


def value_of(event: LabelledEvent, key: LabelKey) -> str | bool | None:
    """What a label says in an event, the first if it says several things."""
    return next((label.value for label in event.labels if label.key == key), None)


def _is_of_a_role(key: LabelKey) -> bool:
    return key != EVENT_NAME and words.is_role(last_name(key))


def _label_keys(walked: Sequence[Sequence[Leaf]]) -> set[Shape]:
    """Where the labels are: by what a field is called, or by how it behaves."""
    values: dict[Shape, list[Any]] = {}
    for found in walked:
        for leaf in found:
            values.setdefault(shape_of(leaf.steps), []).append(leaf.value)
    events = sum(1 for found in walked if found)
    return {shape for shape, found in values.items() if shape and _is_label(shape, found, events)}


def _is_label(shape: Shape, found: list[Any], events: int) -> bool:
    name = last_name(shape)
    if shape[-1] is None:
        return False
    if all(isinstance(value, bool) for value in found):
        return True
    texts = [value for value in found if isinstance(value, str)]
    if not texts or not all(_IDENTIFIER.fullmatch(text) for text in texts):
        return False
    counts = Counter(texts)
    if words.is_type(name) or words.is_role(name) or words.is_state(name):
        return len(counts) <= max(3, len(texts) * 2 // 3) or min(map(len, counts)) > _LONGEST_PIECE
    # A field of any name at the top that nearly every event has and that says few things often.
    return (
        len(shape) == 1
        and len(texts) >= 0.8 * events
        and 1 < len(counts) <= len(texts) // 2
        and counts.most_common(1)[0][1] >= _LEAST_REPEATED
        and not words.is_content(name)
    )


def _labels(event: Event, found: Iterable[Leaf], keys: set[Shape]) -> Iterable[Label]:
    if event.name is not None:
        yield Label(EVENT_NAME, event.name, ())
    for leaf in found:
        shape = shape_of(leaf.steps)
        if shape in keys and isinstance(leaf.value, str | bool):
            yield Label(shape, leaf.value, leaf.steps[:-1])
