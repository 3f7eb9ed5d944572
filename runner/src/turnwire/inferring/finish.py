"""What says that the reply is over: a value, a type of event, a mark, or the end itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import attrs

from turnwire.inferring import words
from turnwire.inferring.evidence import Reply
from turnwire.inferring.findings import Finding, counted
from turnwire.inferring.labels import EVENT_NAME, LabelKey, LabelledEvent, spell_label, value_of
from turnwire.inferring.leaves import Shape, at_first, last_name, names, shape_of
from turnwire.inferring.texts import is_id, is_sentinel
from turnwire_core.reader.rules import DONE_SENTINEL

_LONGEST_VALUE: Final = 48
_QUIET_MS: Final = 2000


@attrs.frozen
class Finish:
    """The keys of the section that say when a reply is over; none where its end does."""

    keys: dict[str, Any]
    finding: Finding


@attrs.frozen
class _Mark:
    """A place that had a value at the end and not before."""

    shape: Shape
    value: Any
    count: int
    before: Counter[str]
    unset_before: int
    score: float


def find_finish(
    events: Sequence[LabelledEvent],
    types: LabelKey | None,
    reply: Reply,
    *,
    answer: Shape | None,
    first: int,
    last: int,
) -> Finish:
    """The finish rule. The answer stands at ``answer``, from event ``first`` to event ``last``."""
    sentinel = _sentinel(events)
    data = [event for event in events if event.event.is_json or event.event.name is not None]
    by_type = _by_type(data, types, last) if types is not None else None
    mark = _mark(data, answer, last)
    if by_type is not None and (words.is_finish(by_type) or mark is None):
        return _with_sentinel(_finish_by_type(types, by_type, data), sentinel)
    if mark is not None:
        return _with_sentinel(_finish_by_value(mark, len(data)), sentinel)
    if sentinel is not None:
        return _finish_by_sentinel(sentinel)
    promised = _promised(data, first, last)
    if promised is not None:
        return promised
    return _finish_by_end(reply)


def _sentinel(events: Sequence[LabelledEvent]) -> str | None:
    """The data of the last event, or the one before it, if it is a mark and nothing else."""
    for event in events[-2:]:
        if not event.event.is_json and is_sentinel(event.event.data):
            return event.event.data
    return None


def _by_type(events: Sequence[LabelledEvent], types: LabelKey | None, last: int) -> str | None:
    """The type of event that came once, after the answer; the last that is called like an end."""
    assert types is not None  # noqa: S101 - asked only then
    values = [value_of(event, types) for event in events]
    counts = Counter(values)
    after = [
        value
        for event, value in zip(events, values, strict=True)
        if isinstance(value, str) and counts[value] == 1 and event.index > last
    ]
    ends = [value for value in after if words.is_finish(value)]
    usable = [value for value in (ends or after) if not words.is_error(value)]
    return usable[-1] if usable else None


def _finish_by_type(types: LabelKey | None, value: str, events: Sequence[LabelledEvent]) -> Finish:
    assert types is not None  # noqa: S101 - asked only then
    key = spell_label(types)
    position = [value_of(event, types) for event in events].index(value) + 1
    where = "the last" if position == len(events) else f"number {position}"
    because = f"it is {value!r} in one event only, {where} of {len(events)}, after all text"
    is_last = position == len(events)
    confidence = 0.95 if words.is_finish(value) else 0.7 if is_last else 0.5
    if types == EVENT_NAME:
        keys: dict[str, Any] = {"finish": [{"when": {key: value}}]}
        return Finish(keys, Finding("finish", {key: value}, confidence, because))
    keys = {"finishPath": key, "finishValue": value}
    return Finish(keys, Finding("finishPath", f"{key} = {value}", confidence, because))


def _mark(events: Sequence[LabelledEvent], answer: Shape | None, last: int) -> _Mark | None:
    """The best place whose value says, at the end of the answer or after it, that it is over."""
    values: dict[Shape, list[tuple[int, Any]]] = {}
    for event in events:
        for leaf in event.leaves:
            values.setdefault(shape_of(leaf.steps), []).append((event.index, leaf.value))
    marks = [
        mark
        for shape, found in values.items()
        if shape != answer and (mark := _as_mark(shape, found, last))
    ]
    return max(marks, key=lambda mark: mark.score, default=None)


def _as_mark(shape: Shape, found: list[tuple[int, Any]], last: int) -> _Mark | None:
    name = last_name(shape)
    late = [value for index, value in found if index >= last and _is_set(value)]
    if not late or not isinstance(late[-1], str | bool):
        return None
    value = late[-1]
    early = [one for index, one in found if index < last]
    if isinstance(value, str) and (len(value) > _LONGEST_VALUE or " " in value or is_id(value)):
        return None
    if any(one == value and isinstance(one, bool) == isinstance(value, bool) for one in early):
        return None
    set_before = [one for one in early if _is_set(one)]
    unset = len(early) - len(set_before)
    said = [*names(shape), value] if isinstance(value, str) else names(shape)
    score = 2.0 * any(map(words.is_finish, said))
    score += 1.0 if early else 0.0
    score += 0.5 if unset and not set_before else 0.0
    score -= 1.0 if any(map(words.is_usage, names(shape))) else 0.0
    score -= 2.0 if words.is_error(str(value)) else 0.0
    score -= 1.0 if words.is_role(name) or words.is_type(name) else 0.0
    score -= 0.1 * len(shape)
    score += 0.5 if value is True else 0.0
    # A state that went on from something else says more than any name.
    score += 0.5 if set_before and words.is_state(name) else 0.0
    counts = Counter(str(one) for one in early)
    return _Mark(shape, value, len(late), counts, unset, score) if score >= 1.5 else None


def _is_set(value: Any) -> bool:
    return value is not None and value is not False and value != ""


def _finish_by_value(mark: _Mark, events: int) -> Finish:
    path = at_first(mark.shape)
    shown = "true" if mark.value is True else repr(mark.value)
    before = ", ".join(
        f"{value or 'empty'} ×{count}" for value, count in mark.before.most_common(3)
    )
    before = before.replace("None", "null").replace("False", "false")
    because = f"{shown} in {mark.count} of {counted(events, 'event')}, at the end of the answer"
    because += f"; before: {before}" if before else "; not there before"
    keys: dict[str, Any]
    had_values = mark.before.total() > mark.unset_before
    if "" in mark.before and not had_values:
        # Servers that write an empty reason with every piece. Which reasons there are besides
        # this one cannot be seen, so any other counts.
        keys = {"finish": [{"path": path, "unless": {path: ""}}]}
        value = f"{path} (any value but an empty one)"
    elif mark.value is True or had_values or words.is_state(last_name(mark.shape)):
        keys = {"finishPath": path, "finishValue": mark.value}
        value = f"{path} = {shown.strip(chr(39))}"
    else:
        keys = {"finishPath": path}
        value = f"{path} (any value)"
    confidence = min(0.97, 0.35 + 0.17 * mark.score)
    return Finish(keys, Finding("finishPath", value, confidence, because))


def _with_sentinel(finish: Finish, sentinel: str | None) -> Finish:
    """A mark besides the value: it would do, too. ``[DONE]`` needs no rule."""
    if sentinel is None:
        return finish
    because = f"{finish.finding.because}; {sentinel} follows"
    finding = attrs.evolve(finish.finding, because=because)
    if sentinel == DONE_SENTINEL:
        return attrs.evolve(finish, finding=finding)
    keys = finish.keys
    rules = keys.get("finish")
    if rules is None:
        rules = [{"path": keys["finishPath"]}]
        if "finishValue" in keys:
            rules[0]["value"] = keys["finishValue"]
    return Finish({"finish": [*rules, {"sentinel": sentinel}]}, finding)


def _finish_by_sentinel(sentinel: str) -> Finish:
    because = f"the data of the last event is {sentinel}"
    finding = Finding("finish", f"sentinel {sentinel}", 0.95, because)
    return Finish({"finish": [{"sentinel": sentinel}]}, finding)


def _promised(events: Sequence[LabelledEvent], first: int, last: int) -> Finish | None:
    """A place that said "not yet" throughout: the reply was not seen to its end."""
    seen: dict[Shape, list[Any]] = {}
    for event in events:
        if first <= event.index <= last:
            for leaf in event.leaves:
                seen.setdefault(shape_of(leaf.steps), []).append(leaf.value)
    for shape, found in seen.items():
        unset = all(value is None or value is False for value in found)
        if unset and len(found) >= 2 and words.is_finish(last_name(shape)):
            path = at_first(shape)
            is_flag = found[0] is False
            keys: dict[str, Any] = {"finishPath": path}
            if is_flag:
                keys["finishValue"] = True
            shown = "false" if is_flag else "null"
            because = f"{shown} in all {len(found)} events; the end itself is not in what there is"
            value = f"{path} = true" if is_flag else f"{path} (any value)"
            return Finish(keys, Finding("finishPath", value, 0.5, because))
    return None


def _finish_by_end(reply: Reply) -> Finish:
    if reply.stays_open and not reply.ended:
        rules = [{"end": True}]
        because = "nothing marked an end before the connection was dropped"
        return Finish({"finish": rules}, Finding("finish", "end", 0.3, because))
    if reply.stays_open and len(reply.events) > 1:
        because = "nothing marks the end, and the socket stays open"
        finding = Finding("finish", f"quiet for {_QUIET_MS} ms", 0.4, because)
        return Finish({"finish": [{"quietMs": _QUIET_MS}, {"end": True}]}, finding)
    if not reply.ended:
        because = "the reply was cut off before anything marked its end"
        return Finish({}, Finding("finish", "the end of the stream", 0.3, because))
    because = "nothing in the events marks it"
    return Finish({}, Finding("finish", "the end of the stream", 0.6, because))
