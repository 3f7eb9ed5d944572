"""Explaining, after a turn, why a rule did not match, and naming the nearest that would have.

Runs only when something is amiss, over the few events that the reader kept.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

import attrs

from turnwire_core.contracts.connection import UNSET, Condition, FinishRule
from turnwire_core.paths import MISSING, Path
from turnwire_core.reader.candidates import (
    is_thought,
    kinds_of,
    looks_like_error,
    near_name,
    nearest_finish,
    nearest_text,
    nearest_usage,
)
from turnwire_core.reader.conditions import compile_condition, compile_wanted
from turnwire_core.reader.rules import CompiledRules, ContentReader, as_json_text

_LONGEST_VALUE: Final = 40
_MOST_VALUES: Final = 4
_MOST_RULES: Final = 3


@attrs.frozen
class Evidence:
    """What the reader saw: parsed events that it kept, with their SSE event names, and counts.

    ``opening`` is how the first event begins, as text. ``missing`` are the names of what was to be
    captured and never came, ``usage`` says whether a usage was wanted and never came.
    """

    values: tuple[tuple[Any, str | None], ...]
    events: int
    unreadable: int
    whole: bool
    has_content: bool
    finished: bool
    opening: str = ""
    missing: tuple[str, ...] = ()
    no_usage: bool = False

    @property
    def data(self) -> list[Any]:
        """The events without their names."""
        return [data for data, _ in self.values]


def explain(rules: CompiledRules, evidence: Evidence) -> tuple[str, ...]:
    """Sentences for a person: what never matched, what was there, and what to write instead."""
    if evidence.events == 0:
        return ("Nothing arrived that could be read: not one event.",)
    hints = []
    if evidence.unreadable == evidence.events:
        hints.append(_explain_unreadable(evidence))
    elif not evidence.has_content:
        hints.append(_explain_content(rules, evidence))
    if not evidence.finished and rules.has_finish and not evidence.whole:
        hints.append(_explain_finish(rules, evidence))
    if not (evidence.finished and evidence.has_content):
        hints.append(_explain_error(rules, evidence))
    hints += explain_side_values(rules, evidence)
    return tuple(hint for hint in hints if hint)


def explain_side_values(rules: CompiledRules, evidence: Evidence) -> list[str]:
    """Usage and captures that never came, where something else looks like what was meant.

    Where nothing does, nothing is said: a target may well send no usage.
    """
    hints = []
    if evidence.no_usage and rules.usage is not None:
        nearest = near_name(str(rules.usage), evidence.data) or nearest_usage(evidence.data)
        if nearest is not None:
            hints.append(f"usagePath `{rules.usage}` matched nothing; nearest: `{nearest}`.")
    for name, path in rules.capture:
        if name in evidence.missing:
            nearest = near_name(str(path), evidence.data)
            if nearest is not None:
                hints.append(f"capture {name!r} (`{path}`) matched nothing; nearest: `{nearest}`.")
    return hints


def _explain_unreadable(evidence: Evidence) -> str:
    begin = evidence.opening.lstrip("\ufeff \t\r\n")
    if evidence.whole and begin.startswith(("data:", "event:", ":")):
        return (
            'The body is an event stream, not one document. Write "protocol": "sse", and '
            '"sse": {"format": "sse"} as long as its Content-Type does not say so.'
        )
    if evidence.whole and _is_lines(begin):
        return (
            'The body is NDJSON: a JSON value on each line, not one document. Write "protocol": '
            '"sse", and "sse": {"format": "ndjson"} as long as its Content-Type does not say so.'
        )
    return (
        f"None of the {_events(evidence.events)} was JSON. If the text itself is the answer, "
        'write "contentPath": "$".'
    )


def _is_lines(text: str) -> bool:
    lines = text.split("\n", 2)[:2]
    try:
        return len(lines) == 2 and all(isinstance(json.loads(line), dict) for line in lines)
    except (ValueError, RecursionError):
        return False


def _explain_content(rules: CompiledRules, evidence: Evidence) -> str:
    key, paths = _content_paths(rules, evidence)
    nearest = _nearest(paths[0] if paths else "", evidence)
    if not paths:
        return f"No {key} is configured, so no text could be found{nearest}"
    total = len(evidence.values)
    for path in paths:
        values = (_get(path, data) for data in evidence.data)
        found = [value for value in values if value is not None]
        if not found:
            continue
        kinds = ", ".join(sorted({_kind(value) for value in found}))
        if kinds == "text":
            # The path is right; conditions or modes decided otherwise.
            return "" if key == "responseFieldPath" else _explain_filters(rules.content, evidence)
        matched = f"{key} `{path}` matched in {len(found)} of {_events(total)}"
        return f"{matched}, but found {kinds}{nearest}"
    if any(_has(path, data) for path in paths for data in evidence.data):
        return ""  # there, and empty: the target had nothing to say
    written = " or ".join(f"`{path}`" for path in paths)
    return f"{key} {written} matched 0 of {_events(evidence.events)}{nearest}"


def _content_paths(rules: CompiledRules, evidence: Evidence) -> tuple[str, list[str]]:
    if evidence.whole and rules.whole_path is not None:
        return "responseFieldPath", [rules.whole_path.text]
    return "contentPath", [reader.path.text for reader in rules.content]


def _nearest(wanted: str, evidence: Evidence) -> str:
    """What would have matched, as the end of a sentence."""
    found = nearest_text(wanted, evidence.data)
    if found is None:
        return ". No text was found anywhere in it."
    manner = f", {found.manner}" if found.manner else ""
    said = f"; nearest: `{found.path}` (string in {found.count} of {_kept(evidence)}{manner})."
    if found.is_thought:
        said += (
            " That is reasoning, not the answer, which never came: did a limit on tokens cut it "
            "off?"
        )
    elif found.manner == "each holds the one before":
        said += ' Its "mode" is "cumulative".'
    return said + _by_kind(found.path, evidence)


def _by_kind(path: str, evidence: Evidence) -> str:
    """Which of several kinds of events hold the text, where only one of them is the answer."""
    holding = [(data, event) for data, event in evidence.values if _is_text(path, data)]
    found = kinds_of(holding)
    if found is None or len(found[1]) < 2 or not any(map(is_thought, found[1])):
        return ""
    key, counts = found
    answer = next((value for value, _ in counts.most_common() if not is_thought(value)), None)
    when = f' Write "when": {{"{key}": {_shown(answer)}}} beside it.' if answer else ""
    return f" It is in events of several kinds (`{key}`: {_counted(counts)}).{when}"


def _explain_filters(content: Sequence[ContentReader], evidence: Evidence) -> str:
    """Rules whose path has text, in events for which their condition does not hold."""
    said = []
    for number, reader in enumerate(content):
        rule = reader.rule
        there = [one for one in evidence.values if _is_text(str(rule.path), one[0])]
        if rule.when is None or not there:
            continue
        held = compile_condition(rule.when)
        if any(held(data, event) for data, event in there):
            continue
        said.append(
            f"content[{number}]: `{rule.path}` is there in {len(there)} of "
            f"{_events(len(evidence.values))}, but its `when` held in none: "
            f"{_explain_condition(rule.when, there)}."
        )
    return " ".join(said[:_MOST_RULES])


def _explain_condition(condition: Condition, events: Sequence[tuple[Any, str | None]]) -> str:
    """Which of its tests fail, and what stands there instead."""
    said = []
    for path, wanted in condition.tests:
        name = "$event" if path is None else str(path)
        found = [
            event if path is None else path.get(data)
            for data, event in events
            if (event is not None if path is None else path.get(data) is not MISSING)
        ]
        if not found:
            said.append(f"`{name}` is nowhere")
        elif wanted is not True and not any(map(compile_wanted(wanted), found)):
            said.append(f"`{name}` never was {_shown(wanted)}; values seen: {_seen(found)}")
    return ", and ".join(said) or "its lines never held together"


def _explain_finish(rules: CompiledRules, evidence: Evidence) -> str:
    if rules.finish_path is not None and len(rules.finish_rules) == 1:
        rule = rules.finish_rules[0]
        return _explain_finish_path(rule, rules.finish_path, evidence)
    said = [
        f"finish[{number}]: {text}"
        for number, rule in enumerate(rules.finish_rules)
        if (text := _explain_finish_rule(rule, evidence))
    ]
    head = f"None of the finish rules was fulfilled in {_events(evidence.events)}"
    return f"{head}: {'. '.join(said[:_MOST_RULES])}." if said else f"{head}."


def _explain_finish_path(rule: FinishRule, path: Path, evidence: Evidence) -> str:
    found = [value for data in evidence.data if (value := path.get(data)) is not MISSING]
    mark = nearest_finish(str(path), evidence.data)
    if not found:
        said = f"finishPath `{path}` matched 0 of {_events(evidence.events)}"
        if mark is not None and mark.path != str(path):
            return f"{said}; nearest: `{mark.path}`, which was {_shown(mark.value)} at the end."
        return f"{said}."
    wanted = "a value" if rule.value is UNSET else _shown(rule.value)
    said = (
        f"finishPath `{path}` matched in {len(found)} of {_kept(evidence)} events but never "
        f"equalled {wanted}; values seen: {_seen(found)}."
    )
    held_back = rule.when or rule.unless
    if held_back is None and mark is not None and mark.path == str(path):
        said += f' If the last one ends the reply: "finishValue": {_shown(mark.value)}.'
    return said


def _explain_finish_rule(rule: FinishRule, evidence: Evidence) -> str:
    if rule.sentinel is not None:
        return f"no event was {_shown(rule.sentinel)}"
    if rule.when is not None and rule.path is None:
        return _explain_condition(rule.when, evidence.values)
    if rule.path is None:
        return ""
    found = [value for data in evidence.data if (value := rule.path.get(data)) is not MISSING]
    if not found:
        return f"`{rule.path}` matched 0 of {_events(evidence.events)}"
    wanted = "a value" if rule.value is UNSET else _shown(rule.value)
    return f"`{rule.path}` never equalled {wanted}; values seen: {_seen(found)}"


def _explain_error(rules: CompiledRules, evidence: Evidence) -> str:
    """An event that looks like an error, of which the rules know nothing."""
    mark = looks_like_error(evidence.values)
    if mark is None or any(
        error(data, event) is not None for data, event in evidence.values for error in rules.errors
    ):
        return ""
    when = json.dumps({"$event" if mark.path is None else mark.path: mark.value})
    path = f', "path": {json.dumps(mark.message)}' if mark.message else ""
    said = ""
    if mark.message:
        get = _getter(mark.message)
        found = next((v for d in evidence.data if isinstance(v := get(d), str)), None)
        said = f" It says {_shown(found)}." if found else ""
    return (
        f"An event looks like the report of an error ({when}).{said} If it is one: "
        f'"errors": [{{"when": {when}{path}}}].'
    )


def closer_look(rules: CompiledRules, evidence: Evidence) -> tuple[str, ...]:
    """What is odd about the events of a reply that was read well: for who has the time to ask."""
    if not evidence.has_content or evidence.whole:
        return ()
    hints = []
    if rules.takes_text and all(isinstance(data, dict) for data in evidence.data) and evidence.data:
        hints.append(
            "contentPath `$` takes every event as it is, and each is a JSON object"
            f"{_nearest('text', evidence)}"
        )
    for reader in rules.content:
        path = str(reader.path)
        if is_thought(path):
            hints.append(f"contentPath `{path}` is named like reasoning, not like the answer.")
        elif reader.rule.when is None:
            hints.append(_by_kind(path, evidence).strip().replace("It is", f"`{path}` is", 1))
    return tuple(hint for hint in hints if hint)


def _get(path: str, data: Any) -> Any:
    """The value there; None where there is none, or an empty one of which nothing is to say."""
    value = _getter(path)(data)
    return None if value is MISSING or value in ("", []) else value


def _has(path: str, data: Any) -> bool:
    return _getter(path)(data) is not MISSING


@lru_cache(maxsize=64)
def _getter(path: str) -> Callable[[Any], Any]:
    """Compiled once, not for each event."""
    return Path(path).get


def _is_text(path: str, data: Any) -> bool:
    value = _get(path, data)
    return value is not None and _kind(value) == "text"


def _kind(value: Any) -> str:
    match value:
        case str():
            return "text"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case dict():
            return "an object"
        case list():
            return "text" if any(isinstance(item, str) for item in value) else "a list"
    return "null"


def _seen(values: Iterable[Any]) -> str:
    return _counted(Counter(map(_shown, values)), show=str)


def _counted(counts: Counter[str], show: Callable[[str], str] | None = None) -> str:
    """``null ×46, "end_turn" ×1``."""
    show = show or _shown
    most = counts.most_common()
    text = ", ".join(f"{show(value)} ×{count}" for value, count in most[:_MOST_VALUES])
    more = len(most) - _MOST_VALUES
    return f"{text} and {more} others" if more > 0 else text


def _shown(value: Any) -> str:
    text = as_json_text(value)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"


def _kept(evidence: Evidence) -> str:
    """How many events there are to judge by; of a long reply not all."""
    count = len(evidence.values)
    return str(count) if count + evidence.unreadable >= evidence.events else f"the {count} kept"


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"
