"""What is to be sent for a turn: a recorded body, with placeholders for what changes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import attrs

from turnwire.inferring import words
from turnwire.inferring.findings import Finding
from turnwire.inferring.leaves import Leaf, Shape, Steps, last_name, leaves, names, shape_of
from turnwire.inferring.texts import prose
from turnwire_core.paths import MISSING, spell
from turnwire_core.reader import parse_json

_ASSISTANT: Final = re.compile(r"(?:role_)?(?:assistant|model|agent|ai|bot)$", re.IGNORECASE)
_USER: Final = re.compile(r"(?:role_)?(?:user|human|customer)$", re.IGNORECASE)
_PREVIOUS: Final = re.compile(r"(?:previous|last|parent)_?(.*?)_?id$", re.IGNORECASE)
_PLACEHOLDER_BEGIN: Final = "{{"


@attrs.frozen
class BodyTemplate:
    """One body as a template, and what else the request section needs for it.

    ``values`` are the ids that the body held, by the placeholder that took their place: what they
    were tells whether a reply had given them out.
    """

    body: Any
    finding: Finding
    message_template: Any = None
    roles: dict[str, str] = attrs.field(factory=dict)
    values: dict[str, Any] = attrs.field(factory=dict)
    has_message: bool = True
    spoken: str | None = attrs.field(default=None, repr=False)


def body_template(text: str, message: str | None, *, remembers: bool) -> BodyTemplate:
    """The template of a body. ``remembers`` says that the target keeps the conversation itself."""
    value = parse_json(text)
    if value is MISSING or not isinstance(value, dict | list):
        return _text_template(text, message)
    spoken = _spoken(value, message)
    filled = _Body(value)
    finding = _message_finding(spoken, message)
    template: Any = None
    roles: dict[str, str] = {}
    if spoken is not None:
        entry = _entry(value, spoken.steps)
        if entry is not None and not (remembers and len(_at(value, entry[0])) == 1):
            items = _at(value, entry[0])
            template, roles = _as_messages(filled, items, entry[0], entry[1], spoken.steps)
            because = f"{finding.because}; the list around it is the conversation"
            finding = attrs.evolve(finding, value="{{messages}}", because=because)
        else:
            filled.put(spoken.steps, _with_placeholder(str(spoken.value), message))
        if again := _put_again(filled, str(spoken.value)):
            because = f"{finding.because}; it stands again at {', '.join(again)}"
            finding = attrs.evolve(finding, because=because)
    _put_ids(filled)
    return BodyTemplate(
        body=filled.escaped(),
        finding=attrs.evolve(
            finding, field="request.body", value=_where(finding, spoken, template)
        ),
        message_template=template,
        roles=roles,
        values=filled.values,
        has_message=spoken is not None,
        spoken=None if spoken is None else str(spoken.value),
    )


class _Body:
    """A copy of a body in which values are replaced by placeholders."""

    def __init__(self, value: Any) -> None:
        self.value = json.loads(json.dumps(value))
        self.values: dict[str, Any] = {}
        self._put: set[Steps] = set()

    def put(self, steps: Steps, placeholder: Any) -> None:
        around = _at(self.value, steps[:-1])
        around[steps[-1]] = placeholder
        self._put.add(steps)

    def is_free(self, steps: Steps) -> bool:
        """Whether no placeholder stands there or around it."""
        return not any(steps[: len(one)] == one for one in self._put)

    def escaped(self) -> Any:
        """The template: what looks like a placeholder and is none, escaped."""
        return self._escaped(self.value, ())

    def _escaped(self, value: Any, steps: Steps) -> Any:
        if steps in self._put:
            return value
        match value:
            case dict():
                return {
                    escape(key): self._escaped(item, (*steps, key)) for key, item in value.items()
                }
            case list():
                return [self._escaped(item, (*steps, n)) for n, item in enumerate(value)]
            case str():
                return escape(value)
        return value


def escape(text: str) -> str:
    """A text as a template that is nothing but itself."""
    return text.replace(_PLACEHOLDER_BEGIN, "\\{{")


def escape_all(value: Any) -> Any:
    """The same for every text in a value."""
    match value:
        case str():
            return escape(value)
        case dict():
            return {escape(key): escape_all(item) for key, item in value.items()}
        case list():
            return [escape_all(item) for item in value]
    return value


def without_references(value: Any) -> Any:
    """A value for a config file, where ``${`` begins a reference to the environment.

    A target must not make us write one: it would read what is none of its business.
    """
    match value:
        case str():
            return value.replace("${", "$${")
        case dict():
            return {key: without_references(item) for key, item in value.items()}
        case list():
            return [without_references(item) for item in value]
    return value


def fill_text(text: str, message: str) -> str:
    """A text with the message in it as a template."""
    return "{{message}}".join(map(escape, text.split(message)))


def _text_template(text: str, message: str | None) -> BodyTemplate:
    if message and message in text:
        because = "the message stands in the body, which is no JSON: it is put in as it is"
        finding = Finding("request.body", "{{message}}", 0.6, because)
        return BodyTemplate(fill_text(text, message), finding)
    because = "the body is no JSON, and nothing says which part of it is the message"
    return BodyTemplate(
        escape(text), Finding("request.body", None, 0.1, because), has_message=False
    )


def _spoken(value: Any, message: str | None) -> Leaf | None:
    """The string in the body that is what the user says."""
    found = [leaf for leaf in leaves(value) if isinstance(leaf.value, str) and leaf.steps]
    if message:
        exact = [leaf for leaf in found if leaf.value == message]
        holding = [leaf for leaf in found if message in str(leaf.value)]
        if exact or holding:
            # In a transcript the newest is the last.
            return (exact or holding)[-1]
    ranked = [(rank, leaf) for leaf in found if (rank := _rank(value, leaf)) > 0]
    return max(ranked, key=lambda one: one[0])[1] if ranked else None


def _rank(value: Any, leaf: Leaf) -> float:
    """How likely it is that this string is what the user says."""
    shape = shape_of(leaf.steps)
    said = " ".join(names(shape))
    role = _role_around(value, leaf.steps)
    if role is not None and not _USER.match(role):
        return 0.0
    rank = 2.0 * (role is not None) + 1.5 * words.is_message(last_name(shape))
    rank += prose(str(leaf.value))
    rank -= 2.0 * (words.is_instruction(said) and role is None)
    rank -= 2.0 * (words.is_role(last_name(shape)) or words.is_type(last_name(shape)))
    rank -= 0.1 * len(shape)
    # Of several turns the last is the one that was being taken.
    rank += 0.01 * sum(step for step in leaf.steps if isinstance(step, int))
    return rank - 0.9


def _role_around(value: Any, steps: Steps) -> str | None:
    for length in range(len(steps), -1, -1):
        around = _at(value, steps[:length])
        if isinstance(around, dict):
            for key, item in around.items():
                if words.is_role(key) and isinstance(item, str):
                    return item
    return None


def _at(value: Any, steps: Steps) -> Any:
    for step in steps:
        value = value[step]
    return value


def _entry(value: Any, steps: Steps) -> tuple[Steps, str] | None:
    """The list of messages that the message is in, and the name of the role in its entries."""
    for length in range(len(steps) - 1, -1, -1):
        items = _at(value, steps[:length])
        if not isinstance(items, list) or not items:
            continue
        for key in items[-1] if isinstance(items[-1], dict) else ():
            if words.is_role(key) and all(
                isinstance(item, dict) and isinstance(item.get(key), str) for item in items
            ):
                return steps[:length], key
    return None


def _as_messages(
    body: _Body, items: list[Any], steps: Steps, role: str, spoken: Steps
) -> tuple[Any, dict[str, str]]:
    """Put ``{{messages}}`` for the list; the template of one entry, and the names of the roles."""
    leading = []
    for item in items:
        if _USER.match(item[role]) or _ASSISTANT.match(item[role]):
            break
        leading.append(item)
    inside = spoken[len(steps) + 1 :]
    entry = json.loads(json.dumps(_at(items, spoken[len(steps) : len(steps) + 1])))
    is_usual = entry.keys() == {"role", "content"} and inside == ("content",)
    roles = _roles(items, role)
    if leading:
        kept = [_Body(item).escaped() for item in leading]
        body.put(steps, [*kept, "{{...messages}}"])
    elif steps:
        body.put(steps, "{{messages}}")
    else:
        body.value, body._put = "{{messages}}", {()}
    if is_usual:
        return None, roles
    one = _Body(entry)
    one.put(inside, "{{content}}")
    one.put((role,), "{{role}}")
    for leaf in leaves(entry):
        if one.is_free(leaf.steps) and leaf.name.lower() in ("id", "message_id", "messageid"):
            one.put(leaf.steps, "{{id}}")
    return one.escaped(), roles


def _roles(items: Sequence[Any], role: str) -> dict[str, str]:
    """How the API calls the roles, where that differs from what is usual."""
    roles = {}
    for item in items:
        if _USER.match(item[role]) and item[role] != "user":
            roles["user"] = item[role]
        elif _ASSISTANT.match(item[role]) and item[role] != "assistant":
            roles["assistant"] = item[role]
    return roles


def _put_again(body: _Body, spoken: str) -> list[str]:
    """Put the message also where it stands a second time, say beside a transcript; says where."""
    places = []
    for leaf in leaves(body.value):
        if leaf.value == spoken and leaf.steps and body.is_free(leaf.steps):
            body.put(leaf.steps, "{{message}}")
            places.append(spell(leaf.steps))
    return places


def _put_ids(body: _Body) -> None:
    """Ids of the conversation and of the turn: they are not to be the recorded ones."""
    for leaf in leaves(body.value):
        if not leaf.steps or not body.is_free(leaf.steps):
            continue
        placeholder = _placeholder_for(shape_of(leaf.steps), leaf.value, body.value)
        if placeholder is not None:
            body.values[placeholder] = leaf.value
            body.put(leaf.steps, f"{{{{{placeholder}}}}}")


def _placeholder_for(shape: Shape, value: Any, body: Any) -> str | None:
    name = last_name(shape)
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        return None
    if previous := _PREVIOUS.fullmatch(name):
        what = previous[1].strip("_-")
        return f"variables.{what[:1].lower()}{what[1:]}Id" if what else "variables.lastId"
    if words.is_turn_id(name):
        return "turnId"
    if words.is_conversation_id(name) and "id" in name.lower():
        return "sessionId"
    if name == "id" and len(shape) == 1:
        if isinstance(body, dict) and "jsonrpc" in body:
            return "turnId" if isinstance(value, str) else "turn"
        return "sessionId"
    return None


def _with_placeholder(text: str, message: str | None) -> str:
    return fill_text(text, message) if message and message in text else "{{message}}"


def _message_finding(spoken: Leaf | None, message: str | None) -> Finding:
    if spoken is None:
        because = "nothing in the body looks like what a user says"
        return Finding("request.body", None, 0.1, because)
    place = spell(spoken.steps)
    if message and spoken.value == message:
        return Finding("request.body", "{{message}}", 0.97, f"the message stands at {place}")
    if message and message in str(spoken.value):
        return Finding("request.body", "{{message}}", 0.9, f"the message is part of {place}")
    because = f"the text at {place} reads like what a user says"
    return Finding("request.body", "{{message}}", 0.7, because)


def _where(finding: Finding, spoken: Leaf | None, template: Any) -> str | None:
    if spoken is None:
        return None
    suffix = ", with a template for its entries" if template is not None else ""
    return f"{finding.value}{suffix}"


def placeholders(value: Any) -> Iterator[str]:
    """The names of all placeholders in a template."""
    for leaf in leaves(value):
        if isinstance(leaf.value, str):
            yield from re.findall(r"(?<!\\)\{\{\s*\.{0,3}([^{}]*?)\s*\}\}", leaf.value)
