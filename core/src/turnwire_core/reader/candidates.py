"""Looking through events for what a rule may have meant: texts, finishes, errors, usage.

Bounded in depth, width and number of paths, whatever a target sends.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import attrs

from turnwire_core.paths import spell
from turnwire_core.reader.suspicions import is_cumulative

_DEEPEST: Final = 8
_WIDEST: Final = 8
_MOST_PATHS: Final = 400
_LONGEST_MARK: Final = 60
_MOST_MARKS: Final = 12
_LATE: Final = 3

_CONTENT_WORDS: Final = (
    *("content", "text", "delta", "reply", "answer", "message", "response", "output"),
)
_META_WORDS: Final = (
    *("id", "type", "event", "model", "object", "role", "created", "name", "status", "url"),
)
_THOUGHT: Final = re.compile(r"reason(?!s?$)|thinking|thought", re.IGNORECASE)
_FINISH_PLACE: Final = re.compile(
    r"finish|done|stop|end|complete|final|status|state|type|event|reason|last", re.IGNORECASE
)
_FINISH_VALUE: Final = re.compile(
    r"(?:^|[^a-z])(?:stop|end|ended|done|completed?|finish|finished|final|eos|over)(?:$|[^a-z])",
    re.IGNORECASE,
)
_ERROR_MARK: Final = re.compile(r"error|fail|exception|denied|refus", re.IGNORECASE)
_MESSAGE: Final = re.compile(r"message|text|detail|^reason$|^error$", re.IGNORECASE)
_KINDS: Final = ("type", "event", "event_type", "kind", "status", "state")


@attrs.frozen
class Candidate:
    """A path that leads to text in the events: in how many, and how the text changes."""

    path: str
    texts: tuple[str, ...]

    @property
    def count(self) -> int:
        """In how many events."""
        return len(self.texts)

    @property
    def distinct(self) -> int:
        """How many different texts."""
        return len(set(self.texts))

    @property
    def manner(self) -> str:
        """How the text changes from event to event; empty where there is but one."""
        if self.count < 2:
            return ""
        if self.distinct == 1:
            return "always the same"
        return "each holds the one before" if is_cumulative(self.texts) else "grows"

    @property
    def is_thought(self) -> bool:
        """Whether its name says that it is reasoning, which is no answer."""
        return _THOUGHT.search(self.path) is not None


def text_candidates(values: Sequence[Any]) -> list[Candidate]:
    """Every path that leads to text in some of the events, in the order of its first sight."""
    found: dict[str, list[str]] = {}
    for value in values:
        for path, text in _scalars(value):
            if isinstance(text, str) and text and (path in found or len(found) < _MOST_PATHS):
                found.setdefault(path, []).append(text)
    return [Candidate(path, tuple(texts)) for path, texts in found.items()]


def nearest_text(wanted: str, values: Sequence[Any]) -> Candidate | None:
    """The path that most probably holds the answer."""
    found = text_candidates(values)
    total = max(len(values), 1)
    return max(found, key=lambda one: _score(one, wanted, total)) if found else None


def _score(candidate: Candidate, wanted: str, total: int) -> float:
    """Likeness to what was written, presence, and whether the text changes as an answer does."""
    last = candidate.path.rpartition(".")[2].lower()
    score = 1.5 * _likeness(candidate.path, wanted) + candidate.count / total
    score += 0.8 * (candidate.distinct / candidate.count if candidate.distinct > 1 else 0)
    if any(word in last for word in _CONTENT_WORDS):
        score += 0.6
    if last in _META_WORDS or last.endswith(("_id", "Id")):
        score -= 1.0
    if candidate.is_thought and not _THOUGHT.search(wanted):
        score -= 0.9
    return score


@attrs.frozen
class Mark:
    """A value that came at the end, and never before: perhaps the finish."""

    path: str
    value: Any


def nearest_finish(wanted: str, values: Sequence[Any]) -> Mark | None:
    """Where the last events say something that no event before them said."""
    seen: dict[str, list[tuple[int, Any]]] = {}
    for position, data in enumerate(values):
        for path, value in _scalars(data):
            if path in seen or len(seen) < _MOST_PATHS:
                seen.setdefault(path, []).append((position, value))
    best: tuple[float, Mark] | None = None
    for path, found in seen.items():
        position, value = found[-1]
        early = [one for _, one in found[:-1]]
        if position < len(values) - _LATE or not _can_be_mark(value, early):
            continue
        leaf = path.rpartition(".")[2]
        likeness = _likeness(path, wanted)
        named = _FINISH_PLACE.search(leaf) is not None
        spoken = value is True or _FINISH_VALUE.search(str(value)) is not None
        if not (named or spoken or likeness > 0.75) or (not named and value is True):
            continue
        score = 1.5 * likeness + named + 0.7 * spoken + (0.3 if len(found) > 1 else 0)
        if best is None or score > best[0]:
            best = score, Mark(path, value)
    return best[1] if best is not None else None


def _can_be_mark(value: Any, early: Sequence[Any]) -> bool:
    """Whether a last value is new, and short, at a place where few different ones stood before."""
    if value is not True and not (isinstance(value, str) and 0 < len(value) <= _LONGEST_MARK):
        return False
    return value not in early and len(set(map(repr, early))) <= _MOST_MARKS


@attrs.frozen
class ErrorMark:
    """An event that looks like the report of an error, and what tells it from others."""

    path: str | None
    """None: the name of the SSE event."""
    value: Any
    message: str | None
    """The path of what it says."""


def looks_like_error(events: Sequence[tuple[Any, str | None]]) -> ErrorMark | None:
    """The first event whose kind, or a member, is named like an error."""
    for data, event in events:
        if event is not None and _ERROR_MARK.search(event):
            return ErrorMark(None, event, _message_path(data))
        if not isinstance(data, dict):
            continue
        for key in _KINDS:
            value = data.get(key)
            if isinstance(value, str) and _ERROR_MARK.search(value):
                return ErrorMark(key, value, _message_path(data))
        for key, value in data.items():
            if value and _ERROR_MARK.search(key) and isinstance(value, str | dict):
                inner = _message_path(value) if isinstance(value, dict) else None
                return ErrorMark(_step(key), True, _below(_step(key), inner or ""))
    return None


def _message_path(data: Any) -> str | None:
    for path, value in _scalars(data):
        if isinstance(value, str) and value and _MESSAGE.search(path.rpartition(".")[2]):
            return path
    return None


def nearest_usage(values: Sequence[Any]) -> str | None:
    """Where an object counts tokens: the shortest path that says so."""
    found = [path for data in values for path in _objects(data) if _counts_tokens(data, path)]
    return min(found, key=len, default=None)


def _counts_tokens(data: Any, path: str) -> bool:
    inside = data
    for part in path.split("."):
        inside = inside.get(part) if isinstance(inside, dict) else None
    return isinstance(inside, dict) and any(
        "token" in key.lower() and isinstance(value, int) for key, value in inside.items()
    )


def _objects(data: Any, path: str = "", depth: int = 0) -> Iterator[str]:
    if isinstance(data, dict) and depth < 4:
        for key, item in data.items():
            if isinstance(item, dict) and _is_plain_name(key):
                joined = f"{path}.{key}" if path else key
                yield joined
                yield from _objects(item, joined, depth + 1)


def near_name(wanted: str, values: Sequence[Any], *, alike: float = 0.8) -> str | None:
    """A path that is written almost as ``wanted`` is: a slip of the pen, and no mere likeness."""
    paths = {path for data in values for path, _ in _scalars(data)}
    ranked = sorted(((_likeness(path, wanted), path) for path in paths), reverse=True)
    return ranked[0][1] if ranked and alike <= ranked[0][0] < 1 else None


def kinds_of(events: Sequence[tuple[Any, str | None]]) -> tuple[str, Counter[str]] | None:
    """By what events differ in kind, and how many there are of each: a member, or ``$event``."""
    for key in _KINDS[:4]:
        found = [data[key] for data, _ in events if isinstance(data, dict) and key in data]
        if len(found) == len(events) > 0 and all(isinstance(one, str) for one in found):
            return key, Counter(found)
    names = [event for _, event in events if event is not None]
    return ("$event", Counter(names)) if names and len(names) == len(events) else None


def is_thought(text: str) -> bool:
    """Whether a name says that it is reasoning."""
    return _THOUGHT.search(text) is not None


def _step(key: str) -> str:
    return spell((key,))


def _below(path: str, step: str) -> str:
    return f"{path}.{step}" if path and step and not step.startswith("[") else path + step


def _scalars(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Each value that is neither object nor list, with its path."""
    if isinstance(value, dict):
        if depth < _DEEPEST:
            for key, item in value.items():
                yield from _scalars(item, _below(path, _step(key)), depth + 1)
    elif isinstance(value, list):
        if depth < _DEEPEST:
            for index, item in enumerate(value[:_WIDEST]):
                yield from _scalars(item, f"{path}[{index}]", depth + 1)
    else:
        yield path or "$", value


def _is_plain_name(key: str) -> bool:
    return key.replace("_", "").replace("-", "").isalnum()


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()
