"""Reply rules, compiled: one object per connection, closures for each rule.

What a connection writes in the short form and in the long form becomes the same thing here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

import attrs

from turnwire_core.contracts.connection import (
    UNSET,
    Connection,
    ContentRule,
    ErrorRule,
    FinishRule,
    ReplyRules,
)
from turnwire_core.paths import MISSING, Path
from turnwire_core.reader.conditions import Matcher, compile_condition, compile_wanted
from turnwire_core.reader.parsing import is_rounded, parse_json, parse_quickly

DONE_SENTINEL = "[DONE]"
"""OpenAI's end mark, sent by many others too; it finishes a reply whatever the rules say."""

_ERROR_TEXT = Path("error.message | error.detail | error | message | detail | errorText | code")
_LONGEST_ERROR = 500

Mode = Literal["delta", "cumulative", "replace"]


@attrs.frozen
class ContentReader:
    """One content rule: ``read(data, event)`` is the text there, or None."""

    path: Path
    mode: Mode
    read: Callable[[Any, str | None], str | None]
    rule: ContentRule


@attrs.frozen
class CompiledRules:
    """Everything that reading a reply needs, ready to be called.

    ``parse`` reads an event, exactly where a rule compares with a number that needs it.
    ``takes_text`` is true where the content path is ``$``: an event may be mere text. ``plain`` is
    true where, besides, no rule looks inside the events: then nothing is parsed. ``notes`` is true
    where something besides the text is kept.
    """

    parse: Callable[[str], Any]
    content: tuple[ContentReader, ...]
    whole: Callable[[Any, str | None], str | None] | None
    whole_path: Path | None
    errors: tuple[Callable[[Any, str | None], str | None], ...]
    finish: tuple[Matcher, ...]
    finish_path: Path | None
    finish_rules: tuple[FinishRule, ...]
    sentinels: frozenset[str]
    own_sentinels: frozenset[str]
    usage: Path | None
    capture: tuple[tuple[str, Path], ...]
    notes: bool
    takes_text: bool
    plain: bool
    has_finish: bool
    end_finishes: bool
    quiet_ms: float | None
    allow_unfinished: bool
    max_values: int


def compile_rules(connection: Connection) -> CompiledRules:
    """Compile a connection's rules; done once for a conversation."""
    rules = connection.rules
    content_rules = rules.content
    if rules.content_path is not None:
        content_rules = (ContentRule(path=rules.content_path),)
    finish_rules = rules.finish
    if rules.finish_path is not None:
        finish_rules = (FinishRule(path=rules.finish_path, value=rules.finish_value),)
    own_sentinels = frozenset(r.sentinel for r in finish_rules if r.sentinel is not None)
    takes_text = len(content_rules) == 1 and is_root(content_rules[0].path)
    by_value = [rule for rule in finish_rules if rule.path is not None]
    whole_path = connection.response_field_path
    return CompiledRules(
        parse=parse_json if _compares_large(rules, content_rules, finish_rules) else parse_quickly,
        content=tuple(map(_compile_content, content_rules)),
        whole=None
        if whole_path is None
        else _compile_content(ContentRule(path=whole_path, join="\n")).read,
        whole_path=whole_path,
        errors=_compile_errors(rules.errors),
        finish=tuple(_compile_finish(r) for r in finish_rules if r.path or r.when),
        finish_path=by_value[0].path if len(by_value) == 1 else None,
        finish_rules=tuple(finish_rules),
        sentinels=own_sentinels | {DONE_SENTINEL},
        own_sentinels=own_sentinels,
        usage=rules.usage_path,
        capture=tuple(rules.capture.items()),
        notes=rules.usage_path is not None or bool(rules.capture),
        takes_text=takes_text,
        plain=takes_text and not _looks_inside(rules, content_rules, finish_rules),
        has_finish=bool(finish_rules),
        end_finishes=not finish_rules or any(rule.end for rule in finish_rules),
        quiet_ms=min((r.quiet_ms for r in finish_rules if r.quiet_ms is not None), default=None),
        allow_unfinished=rules.allow_unfinished,
        max_values=connection.limits.max_event_values,
    )


def is_root(path: Path) -> bool:
    """Whether the path is ``$``: the whole event."""
    return path.alternatives == ((),)


def _looks_inside(
    rules: ReplyRules, content: tuple[ContentRule, ...], finish: tuple[FinishRule, ...]
) -> bool:
    return bool(
        any(rule.when or rule.unless for rule in content)
        or any(rule.path or rule.when for rule in finish)
        or rules.errors
        or rules.usage_path
        or rules.capture
    )


def _compares_large(
    rules: ReplyRules, content: tuple[ContentRule, ...], finish: tuple[FinishRule, ...]
) -> bool:
    """Whether some rule compares with a number that a quick parser may round."""
    conditional: list[ContentRule | ErrorRule | FinishRule] = [*content, *finish]
    conditional += rules.errors or ()
    conditions = [
        condition
        for rule in conditional
        for condition in (rule.when, rule.unless)
        if condition is not None
    ]
    wanted = [wanted for condition in conditions for _, wanted in condition.tests]
    return is_rounded([*wanted, *(rule.value for rule in finish)])


def _compile_content(rule: ContentRule) -> ContentReader:
    when = compile_condition(rule.when) if rule.when else None
    unless = compile_condition(rule.unless) if rule.unless else None
    text = _compile_text(rule, unless)
    if when is None and unless is None:
        return ContentReader(rule.path, rule.mode, text, rule)

    def read(data: Any, event: str | None) -> str | None:
        if when is not None and not when(data, event):
            return None
        if unless is not None and unless(data, event):
            return None
        return text(data, event)

    return ContentReader(rule.path, rule.mode, read, rule)


def _compile_text(
    rule: ContentRule, unless: Matcher | None
) -> Callable[[Any, str | None], str | None]:
    """The text at a path. What is not text (an object, a number) is no content."""
    if unless is not None and rule.path.has_wildcard:
        return _compile_filtered(rule, unless)
    get, join = rule.path.get, rule.join

    def text(data: Any, _event: str | None) -> str | None:
        found = get(data)
        return found if type(found) is str else _as_content(found, join)

    return text


def _compile_filtered(rule: ContentRule, drops: Matcher) -> Callable[[Any, str | None], str | None]:
    """Like it, but without the items of the last ``[*]`` for which the condition holds."""

    def kept_by(one: Path) -> Callable[[Any], Any]:
        split = one.split_at_last_wildcard()
        if split is None:
            return one.get
        items_of, rest_of = split

        def kept(data: Any) -> Any:
            items = items_of(data)
            if items is MISSING:
                return MISSING
            return [rest_of(item) for item in items if not drops(item, None)]

        return kept

    alternatives = tuple(map(kept_by, rule.path.each_alternative()))

    def filtered(data: Any, _event: str | None) -> str | None:
        for kept in alternatives:
            found = kept(data)
            if found is not MISSING:
                return _as_content(found, rule.join)
        return None

    return filtered


def _as_content(found: Any, join: str) -> str | None:
    if type(found) is str:
        return found
    if type(found) is list:
        return join.join(item for item in found if type(item) is str)
    return None


def _compile_finish(rule: FinishRule) -> Matcher:
    when = compile_condition(rule.when) if rule.when else None
    unless = compile_condition(rule.unless) if rule.unless else None
    get = rule.path.get if rule.path else None
    wanted: Callable[[Any], bool] = _is_set if rule.value is UNSET else compile_wanted(rule.value)
    if when is None and unless is None and get is not None:
        return lambda data, _event: wanted(get(data))

    def finished(data: Any, event: str | None) -> bool:
        if when is not None and not when(data, event):
            return False
        if unless is not None and unless(data, event):
            return False
        return get is None or wanted(get(data))

    return finished


def _is_set(value: Any) -> bool:
    return value is not MISSING and value is not None and value is not False


def _compile_errors(
    rules: tuple[ErrorRule, ...] | None,
) -> tuple[Callable[[Any, str | None], str | None], ...]:
    if rules is None:
        return (_default_error,)
    return tuple(map(_compile_error, rules))


def _default_error(data: Any, event: str | None) -> str | None:
    """What nearly every API does: an event named ``error``, or a field of that name."""
    if event == "error":
        return _error_text(data if type(data) is str else _ERROR_TEXT.get(data))
    # type() is exact and quick, and json.loads makes nothing but plain dicts.
    if type(data) is dict and data.get("error"):
        return _error_text(_ERROR_TEXT.get(data))
    return None


def _compile_error(rule: ErrorRule) -> Callable[[Any, str | None], str | None]:
    when = compile_condition(rule.when) if rule.when else None
    unless = compile_condition(rule.unless) if rule.unless else None
    path = rule.path

    def error(data: Any, event: str | None) -> str | None:
        if when is not None and not when(data, event):
            return None
        if unless is not None and unless(data, event):
            return None
        found = path.get(data) if path is not None else _ERROR_TEXT.get(data)
        if when is None and not found:
            return None
        return _error_text(found)

    return error


def _error_text(found: Any) -> str:
    if found is MISSING or found is None:
        return "no message"
    text = found if isinstance(found, str) else as_json_text(found)
    return text if len(text) <= _LONGEST_ERROR else text[:_LONGEST_ERROR] + "…"


def as_json_text(value: Any) -> str:
    """A value of the target as text, however deep it is."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "a value that is nested too deeply to be shown"


def noted(rules: CompiledRules, data: Any) -> tuple[Any, dict[str, Any]]:
    """The usage in ``data`` or None, and what the capture rules find there."""
    usage = None if rules.usage is None else rules.usage.get(data)
    captured = {}
    for name, path in rules.capture:
        value = path.get(data)
        if value is not MISSING and value is not None:
            captured[name] = value
    return None if usage is MISSING else usage, captured
