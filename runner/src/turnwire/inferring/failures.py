"""How an event of this reply says that something went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from turnwire.inferring import words
from turnwire.inferring.findings import Finding, counted
from turnwire.inferring.labels import EVENT_NAME, LabelKey, LabelledEvent, spell_label
from turnwire.inferring.leaves import Leaf, Shape, at_first, last_name, names, shape_of
from turnwire.inferring.texts import is_id

_USUAL: Final = ({"path": "error.message | error"}, {"when": {EVENT_NAME: "error"}})
"""What counts as an error where no rule is written; a rule of ours must not take it away."""

_MESSAGE_NAMES: Final = ("message", "error_text", "error", "detail", "reason", "text", "data")


def find_errors(
    events: Sequence[LabelledEvent], types: LabelKey | None
) -> tuple[list[dict[str, Any]] | None, Finding | None]:
    """The error rules, None where the usual ones do; and what was seen, None if nothing was."""
    rules: list[dict[str, Any]] = []
    seen: list[str] = []
    usual = 0
    for event in events:
        if _is_usual(event):
            usual += 1
            continue
        for rule, why in _rules(event, types):
            # The same said in two events: the one with more to say about it counts.
            same = [n for n, known in enumerate(rules) if known.get("when") == rule.get("when")]
            if "when" in rule and same:
                rules[same[0]] = max(rules[same[0]], rule, key=lambda one: len(one.get("path", "")))
            elif rule not in rules:
                rules.append(rule)
                seen.append(why)
    if rules:
        because = f"{'; '.join(seen)}; besides, whatever stands at `error`"
        return [*rules, *_USUAL], Finding("errors", "; ".join(seen), 0.75, because)
    if usual:
        because = f"{counted(usual, 'event')} with a value at `error`: known without a rule"
        return None, Finding("errors", None, 0.95, because)
    return None, None


def _is_usual(event: LabelledEvent) -> bool:
    value = event.event.value
    return event.event.name == "error" or (isinstance(value, dict) and bool(value.get("error")))


def _rules(event: LabelledEvent, types: LabelKey | None) -> Iterator[tuple[dict[str, Any], str]]:
    for label in event.labels:
        if label.key == types and isinstance(label.value, str) and _is_failure(label.value):
            key = spell_label(label.key)
            rule: dict[str, Any] = {"when": {key: label.value}}
            message = _message(event)
            if message is not None:
                rule["path"] = at_first(shape_of(message.steps))
            yield rule, f"{key} = {label.value}"
            return
    for leaf in event.leaves:
        shape = shape_of(leaf.steps)
        if not isinstance(leaf.value, str) or not leaf.value:
            continue
        name = last_name(shape)
        if words.is_blocked(name):
            yield {"path": at_first(shape)}, f"{at_first(shape)} = {leaf.value}"
        elif _is_verdict(name) and _is_failure(leaf.value) and len(leaf.value) <= 40:
            key = at_first(shape)
            message = _message(event)
            path = at_first(shape_of(message.steps)) if message is not None else None
            rule = {"when": {key: leaf.value}, "path": f"{path} | {key}" if path else key}
            yield rule, f"{key} = {leaf.value}"
        elif words.is_error(name) and not words.is_error(" ".join(names(shape)[:-1])):
            yield {"path": at_first(shape)}, f"text at {at_first(shape)}"


def _is_verdict(name: str) -> bool:
    return words.is_state(name) or (words.is_finish(name) and "reason" in name.lower())


def _is_failure(value: str) -> bool:
    return words.is_error(value)


def _message(event: LabelledEvent) -> Leaf | None:
    """What the event has to say to a person, or at least the best name for it."""
    labels = {label.key for label in event.labels}
    found: list[tuple[int, Leaf]] = []
    for leaf in event.leaves:
        shape = shape_of(leaf.steps)
        if (
            not isinstance(leaf.value, str)
            or not leaf.value
            or shape in labels
            or is_id(leaf.value)
        ):
            continue
        rank = _rank(shape)
        if rank is not None:
            found.append((rank, leaf))
    return min(found, key=lambda one: one[0])[1] if found else None


def _rank(shape: Shape) -> int | None:
    name = last_name(shape)
    for rank, known in enumerate(_MESSAGE_NAMES):
        if name.lower().replace("_", "") == known.replace("_", ""):
            below_error = any(words.is_error(one) for one in names(shape)[:-1])
            return rank - 10 * below_error
    return None
