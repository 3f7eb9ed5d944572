"""Explaining, after a turn, why a path did not match, and naming the nearest that would have.

Runs only when something is amiss, over the few events that the reader kept.
"""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import attrs

from turnwire_core.contracts.connection import UNSET
from turnwire_core.paths import MISSING, Path
from turnwire_core.reader.rules import CompiledRules, as_json_text

_DEEPEST = 8
_MOST_PATHS = 400
_LONGEST_VALUE = 40
_MOST_VALUES = 4

_CONTENT_WORDS = ("content", "text", "delta", "reply", "answer", "message", "response", "output")
_META_WORDS = ("id", "type", "event", "model", "object", "role", "created", "name", "status", "url")


@attrs.frozen
class Evidence:
    """What the reader saw: parsed events that it kept, with their SSE event names, and counts."""

    values: tuple[tuple[Any, str | None], ...]
    events: int
    unreadable: int
    whole: bool
    has_content: bool
    finished: bool


@attrs.frozen
class Candidate:
    """A path that leads to text in the events: how often, and whether the text changes."""

    path: str
    count: int
    distinct: int
    longest: int


def explain(rules: CompiledRules, evidence: Evidence) -> tuple[str, ...]:
    """Sentences for a person: what never matched, what was there, and what to write instead."""
    hints = []
    if evidence.events == 0:
        return ("Nothing arrived that could be read: not one event.",)
    if evidence.unreadable == evidence.events:
        hints.append(
            f"None of the {_events(evidence.events)} was JSON. If the text itself is the answer, "
            'write "contentPath": "$".'
        )
    elif not evidence.has_content:
        hints.append(_explain_content(rules, evidence))
    if not evidence.finished and rules.has_finish and not evidence.whole:
        hints.append(_explain_finish(rules, evidence))
    return tuple(hint for hint in hints if hint)


def _explain_content(rules: CompiledRules, evidence: Evidence) -> str:
    key, paths = _content_paths(rules, evidence)
    nearest = _nearest(paths[0] if paths else "", evidence)
    advice = f" Nearest: {nearest}." if nearest else " No text was found anywhere in it."
    if not paths:
        return f"No {key} is configured, so no text could be found.{advice}"
    total = len(evidence.values)
    for path in paths:
        values = (_get(path, data) for data, _ in evidence.values)
        found = [value for value in values if value is not None]
        if not found:
            continue
        kinds = ", ".join(sorted({_kind(value) for value in found}))
        if kinds == "text":
            return ""  # the path is right; conditions or modes decided otherwise
        matched = f"{key} `{path}` matched in {len(found)} of {_events(total)}"
        return f"{matched}, but found {kinds}.{advice}"
    if any(_has(path, data) for path in paths for data, _ in evidence.values):
        return ""  # there, and empty: the target had nothing to say
    written = " or ".join(f"`{path}`" for path in paths)
    return f"{key} {written} matched 0 of {_events(evidence.events)}.{advice}"


def _content_paths(rules: CompiledRules, evidence: Evidence) -> tuple[str, list[str]]:
    if evidence.whole and rules.whole_path is not None:
        return "responseFieldPath", [rules.whole_path.text]
    return "contentPath", [reader.path.text for reader in rules.content]


def _explain_finish(rules: CompiledRules, evidence: Evidence) -> str:
    path = rules.finish_path
    if path is None:
        return f"None of the finish rules was fulfilled in {_events(evidence.events)}."
    total = len(evidence.values)
    found = [value for data, _ in evidence.values if (value := path.get(data)) is not MISSING]
    if not found:
        return f"finishPath `{path}` matched 0 of {_events(evidence.events)}."
    wanted = "a value" if rules.finish_value is UNSET else _shown(rules.finish_value)
    counts = Counter(_shown(value) for value in found).most_common()
    seen = ", ".join(f"{value} ×{count}" for value, count in counts[:_MOST_VALUES])
    more = f" and {len(counts) - _MOST_VALUES} others" if len(counts) > _MOST_VALUES else ""
    return (
        f"finishPath `{path}` matched in {len(found)} of {_events(total)} but never equalled "
        f"{wanted}; values seen: {seen}{more}."
    )


def _nearest(wanted: str, evidence: Evidence) -> str:
    found = candidates([data for data, _ in evidence.values])
    if not found:
        return ""
    total = len(evidence.values)
    best = max(found, key=lambda candidate: _score(candidate, wanted, total))
    changes = ", changes" if best.distinct > 1 else ""
    return f"`{best.path}` (text in {best.count} of {_events(total)}{changes})"


def candidates(values: list[Any]) -> list[Candidate]:
    """Every path that leads to text in some of the events, in the order of its first sight."""
    found: dict[str, list[str]] = {}
    for value in values:
        for path, text in _texts(value):
            if path in found or len(found) < _MOST_PATHS:
                found.setdefault(path, []).append(text)
    return [
        Candidate(path, len(texts), len(set(texts)), max(map(len, texts)))
        for path, texts in found.items()
    ]


def _texts(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if value:
            yield path or "$", value
    elif depth < _DEEPEST and isinstance(value, dict):
        for key, item in value.items():
            step = key if _is_plain_name(key) else f"[{json.dumps(key, ensure_ascii=False)}]"
            joined = path + step if step.startswith("[") or not path else f"{path}.{step}"
            yield from _texts(item, joined, depth + 1)
    elif depth < _DEEPEST and isinstance(value, list):
        for index, item in enumerate(value[:8]):
            yield from _texts(item, f"{path}[{index}]", depth + 1)


def _is_plain_name(key: str) -> bool:
    return key.replace("_", "").replace("-", "").isalnum()


def _score(candidate: Candidate, wanted: str, total: int) -> float:
    """Likeness to what was written, presence, and whether the text changes as an answer does."""
    likeness = difflib.SequenceMatcher(None, candidate.path, wanted).ratio()
    last = candidate.path.rpartition(".")[2].lower()
    score = 1.5 * likeness + candidate.count / total
    score += 0.8 * (candidate.distinct / max(candidate.count, 1) if candidate.distinct > 1 else 0)
    if any(word in last for word in _CONTENT_WORDS):
        score += 0.6
    if last in _META_WORDS or last.endswith(("_id", "Id")):
        score -= 1.0
    return score


def _get(path: str, data: Any) -> Any:
    """The value there; None where there is none, or an empty one of which nothing is to say."""
    value = Path(path).get(data)
    return None if value is MISSING or value in ("", []) else value


def _has(path: str, data: Any) -> bool:
    return Path(path).get(data) is not MISSING


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


def _shown(value: Any) -> str:
    text = as_json_text(value)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"
