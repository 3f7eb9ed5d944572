"""What ``${…}`` means in the files of lamdis-runs, in the placeholders of ours.

    ${var.account.id}          a variable that a request step assigned: {{variables.account.id}}
    ${steps.open.output.id}    the same, by the id of the step; also as $steps.open.output.id
    ${last.request.id}         what the last request brought
    ${last.assistant}          the last reply: {{reply}}
    ${input.id}                what a step gives to a request
    ${TOKEN}, ${env.TOKEN}     the environment

``bag.`` may stand before each. There, what has no value becomes empty text. Here it is an error,
but for the inputs of a request to which a step gives none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from turnwire.suites.model import Origin
from turnwire.suites.sources import Ledger
from turnwire_core.paths import MISSING, Path, PathSyntaxError

_EXPRESSION: Final = re.compile(r"\$\{([^}]*)\}|\$(steps\.[\w-]+\.output(?:\.[\w-]+|\[\d+\])*)")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_]\w*")
_NAMED: Final = re.compile(r"(var|input|last|steps|env)\.([\w-]+)(.*)")
_PLACE: Final = re.compile(r"(?:\.[\w-]+|\[\d+\])*")


@attrs.define
class Scope:
    """What names mean at one place of a test. Steps change it as they are read."""

    steps: dict[str, str] = attrs.field(factory=dict)
    """Ids of steps, and the variables that hold what they brought."""
    last_request: str | None = None
    """The variable that holds what the last request brought."""
    inputs: Mapping[str, Any] | None = None
    """What a step gives to its request, translated already; None outside of requests."""
    giver: Origin | None = None
    """Where the step gives it."""
    aliases: Mapping[str, str] = attrs.field(factory=dict)
    """What an auth file calls parts of the environment."""


class Translator:
    """Turns texts of lamdis-runs into templates of ours."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def value(self, raw: Any, scope: Scope, origin: Origin) -> Any:
        """A JSON value with every text in it translated."""
        match raw:
            case str():
                return self.text(raw, scope, origin)
            case Mapping():
                return {
                    str(key): self.value(item, scope, origin.under(str(key)))
                    for key, item in raw.items()
                }
            case list() | tuple():
                return [self.value(item, scope, origin.under(n)) for n, item in enumerate(raw)]
            case _:
                return raw

    def text(self, raw: str, scope: Scope, origin: Origin) -> Any:
        """One text. An object or a list that an input stands for comes back as it is."""
        whole = _EXPRESSION.fullmatch(raw)
        if whole:
            value = self._meaning(whole, scope, origin)
            return value if isinstance(value, str | Mapping | list) else _as_text(value)
        return _replaced(raw, lambda match: self._part(match, scope, origin))

    def reference(self, raw: str, aliases: Mapping[str, str], origin: Origin) -> str:
        """A text for a connection, in which ``${NAME}`` stays: it is filled with the connection.

        Aliases are followed, and a literal ``{{`` stays literal.
        """

        def part(match: re.Match[str]) -> str:
            name = (match[1] or "").strip().removeprefix("env.")
            if match[1] is None or not _IDENTIFIER.fullmatch(name):
                message = f"{match[0]} has no meaning here."
                hint = "Only names of the environment have, such as ${TOKEN}."
                self._ledger.add(origin, message, hint)
            if name in aliases:
                others = {key: text for key, text in aliases.items() if key != name}
                return self.reference(aliases[name], others, origin)
            return f"${{{name}}}"

        return _replaced(raw, part)

    def miss_input(self, name: str, inputs: Mapping[str, Any], origin: Origin) -> None:
        """Note that a step does not give what its request needs."""
        given = f"It gives: {', '.join(inputs)}." if inputs else "It gives nothing."
        message = f"The request needs the input {name!r}, and the step does not give it."
        self._ledger.add(origin, message, given)

    def _part(self, match: re.Match[str], scope: Scope, origin: Origin) -> str:
        value = self._meaning(match, scope, origin)
        if isinstance(value, Mapping | list):
            message = f"{match[0]} stands for an object or a list, and cannot be a part of a text."
            self._ledger.add(origin, message, "Let it stand alone.")
        return _as_text(value)

    def _meaning(self, match: re.Match[str], scope: Scope, origin: Origin) -> Any:
        expression = (match[1] if match[1] is not None else match[2]).strip()
        expression = expression.removeprefix("bag.")
        if expression in ("lastAssistant", "last.assistant"):
            return "{{reply}}"
        if _IDENTIFIER.fullmatch(expression) and expression not in ("lastUser", "transcript"):
            return self._environment(expression, scope, origin)
        found = _NAMED.fullmatch(expression)
        if found and _PLACE.fullmatch(found[3]):
            space, name, place = found.groups()
            match space:
                case "var":
                    return _variable(name, place)
                case "env" if not place:
                    return self._environment(name, scope, origin)
                case "input" if scope.inputs is not None:
                    return self._input(name, place, scope.inputs, scope.giver or origin)
                case "last" if name == "request" and scope.last_request is not None:
                    return _variable(scope.last_request, place)
                case "steps" if place.startswith(".output") and name in scope.steps:
                    return _variable(scope.steps[name], place.removeprefix(".output"))
        message = f"${{{expression}}} has no meaning here."
        hint = "Known: var.X, last.assistant, last.request, steps.ID.output, and the environment."
        if scope.inputs is not None:
            hint = "Known: input.X, var.X, and the environment."
        self._ledger.add(origin, message, hint)
        return ""

    def _environment(self, name: str, scope: Scope, origin: Origin) -> Any:
        if name in scope.aliases:
            others = {key: text for key, text in scope.aliases.items() if key != name}
            return self.text(scope.aliases[name], attrs.evolve(scope, aliases=others), origin)
        value = self._ledger.environ.get(name)
        if value is None:
            message = f"The environment variable {name} is not set."
            self._ledger.add(origin, message, "Set it before you run.")
            return ""
        self._ledger.secrets.add(value)
        return _escaped(value)

    def _input(self, name: str, place: str, inputs: Mapping[str, Any], origin: Origin) -> Any:
        value = inputs.get(name, MISSING)
        if value is not MISSING and place:
            try:
                value = Path(place.removeprefix(".")).get(value)
            except PathSyntaxError:
                value = MISSING
        if value is MISSING and inputs:
            self.miss_input(name + place, inputs, origin)
        # To a step that gives nothing at all every input is empty, as it is there.
        return "" if value is MISSING else value


def _variable(name: str, place: str) -> str:
    return f"{{{{variables.{name}{place}}}}}"


def _replaced(raw: str, part: Callable[[re.Match[str]], str]) -> str:
    """The text with each expression replaced, and the rest as a literal of our templates."""
    pieces: list[str] = []
    position = 0
    for match in _EXPRESSION.finditer(raw):
        pieces += _escaped(raw[position : match.start()]), part(match)
        position = match.end()
    return "".join([*pieces, _escaped(raw[position:])])


def _escaped(text: str) -> str:
    return text.replace("{{", "\\{{")


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
