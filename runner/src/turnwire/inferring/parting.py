"""Conditions that take some texts at a place and leave out the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from turnwire.inferring.labels import EVENT_NAME, LabelKey, LabelledEvent, spell_label, value_of
from turnwire.inferring.texts import Text
from turnwire_core.paths import spell

Values = list[str | bool | None]


@attrs.frozen
class Parting:
    """What a rule says besides its path. ``inseparable`` texts are taken in spite of it."""

    when: dict[str, Any] = attrs.field(factory=dict)
    unless: dict[str, Any] = attrs.field(factory=dict)
    inseparable: int = 0

    def conditions(self) -> dict[str, Any]:
        """The keys of a rule, without those that say nothing."""
        return {
            key: value for key, value in (("when", self.when), ("unless", self.unless)) if value
        }


def part(
    steps: tuple[str | int | None, ...],
    taken: Sequence[Text],
    left_out: Sequence[Text],
    types: LabelKey | None,
    events: Sequence[LabelledEvent],
) -> Parting:
    """What tells ``taken`` from ``left_out``, at ``steps``, the place of both.

    Where events have types, those of the answer are always named: a type that this reply did not
    have (a thought, a refusal) must not be taken for text either.
    """
    when: dict[str, Any] = {}
    if types is not None:
        wanted = values_of(taken, types)
        if None not in wanted and {value_of(event, types) for event in events} - {*wanted}:
            when[spell_label(types)] = written(wanted)
            left_out = [text for text in left_out if text.label(types) in wanted]
    if not left_out:
        return Parting(when)
    wildcard = max((n for n, step in enumerate(steps) if step is None), default=-1)
    for key in _keys(taken, left_out, wildcard):
        inside = key != EVENT_NAME and wildcard >= 0 and len(key) > wildcard + 1
        ours, theirs = values_of(taken, key), values_of(left_out, key)
        if None not in ours and not inside:
            return Parting({**when, spell_label(key): written(ours)})
        if None not in theirs:
            spelled = spell(tuple(key[wildcard + 1 :])) if inside else spell_label(key)
            return Parting(when, {spelled: written(theirs)})
    return Parting(when, inseparable=len(left_out))


def values_of(texts: Sequence[Text], key: LabelKey) -> Values:
    """What a label says beside these texts, each value once; None where it is missing."""
    return list(dict.fromkeys(text.label(key) for text in texts))


def written(values: Values) -> Any:
    """Values as a condition has them: one alone, or a list. True alone would mean "is there"."""
    return values[0] if len(values) == 1 and not isinstance(values[0], bool) else values


def _keys(taken: Sequence[Text], left_out: Sequence[Text], wildcard: int) -> list[LabelKey]:
    """The labels that say one thing beside the ones and another beside the others.

    The nearest to the text first. What stands between two lists on the way is no use: a condition
    looks at the event, or into the items of the last list.
    """
    found = dict.fromkeys(label.key for text in (*left_out, *taken) for label in text.labels)
    usable = [
        key
        for key in found
        if (key == EVENT_NAME or None not in key[:-1] or len(key) > wildcard + 1)
        and not {*values_of(taken, key)} & {*values_of(left_out, key)}
    ]
    return sorted(usable, key=lambda key: -1 if key == EVENT_NAME else len(key), reverse=True)
