"""Tests of lamdis-runs, as tests of ours.

Where it differs: a request that fails ends the test, and every message of a script is sent. There,
a failed request is only logged, and messages that a judge thinks up may take a script's place or
follow it. So a test can fail here that passes there; the reverse it cannot.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import attrs

from turnwire.checks.structuring import structure_check
from turnwire.kinds import Kinds
from turnwire.suites.lamdis.expressions import Scope, Translator
from turnwire.suites.lamdis.keys import (
    ExpectKeys,
    IncludesKeys,
    JudgeKeys,
    ObjectiveKeys,
    ScriptKeys,
    StepMessageKeys,
    StepRequestKeys,
    TestKeys,
)
from turnwire.suites.lamdis.requests import Requests
from turnwire.suites.model import CheckSpec, Origin, StepSpec, Test, TestLimits
from turnwire.suites.native import id_of
from turnwire.suites.sources import Ledger
from turnwire.suites.steps import structure_step
from turnwire.suites.structuring import structure_leniently
from turnwire_core.config import Findings, describe, nearest

T = TypeVar("T")

_ID: Final = re.compile(r"[^\s\[\]#:]+")
_VARIABLE: Final = re.compile(r"[A-Za-z_][\w-]*")
_EVERY_STEP: Final = ("type", "id", "name")
_SEVERITY: Final = "severity"


class TestReader:
    """Reads the tests of one suite."""

    __test__ = False

    def __init__(
        self, ledger: Ledger, kinds: Kinds, translator: Translator, requests: Requests
    ) -> None:
        self._ledger = ledger
        self._kinds = kinds
        self._translator = translator
        self._requests = requests

    def test(self, raw: Any, origin: Origin, number: int) -> Test | None:
        """One test; None where nothing can be made of it. What is wrong is noted."""
        keys = structure_leniently(self._ledger, origin, raw, TestKeys)
        if keys is None:
            return None
        reading = _Reading(
            self._ledger, self._kinds, self._translator, self._requests, keys, origin
        )
        if keys.steps:
            reading.read_steps()
        else:
            reading.read_conversation()
        for index, assertion in enumerate(keys.assertions):
            reading.read_assertion(assertion, origin.under("assertions", index))
        name = keys.name or keys.id or f"test {number}"
        fit = keys.id is not None and _ID.fullmatch(keys.id)
        max_turns = keys.max_turns
        if "maxTurns" not in raw:
            max_turns = max(max_turns, reading.turns)
        if max_turns < 1:
            self._ledger.add(origin.under("maxTurns"), "A test needs at least one turn.")
        return Test(
            name=name,
            id=keys.id if fit and keys.id else id_of(keys.id or name) or f"test-{number}",
            origin=origin,
            steps=tuple(reading.steps),
            description=keys.description or keys.objective,
            tags=frozenset(keys.tags),
            persona=keys.persona_id,
            limits=TestLimits(max_turns=max(1, max_turns)),
            checks=tuple(reading.checks),
        )


class _Reading:
    """One test while it is read: steps see what those before them have brought."""

    def __init__(
        self,
        ledger: Ledger,
        kinds: Kinds,
        translator: Translator,
        requests: Requests,
        keys: TestKeys,
        origin: Origin,
    ) -> None:
        self._ledger = ledger
        self._kinds = kinds
        self._translator = translator
        self._requests = requests
        self._keys = keys
        self._origin = origin
        self._scope = Scope()
        self._step_id: str | None = None
        self.steps: list[StepSpec] = []
        self.checks: list[CheckSpec] = []
        self.turns = 0
        """How many turns the steps may take."""

    def read_steps(self) -> None:
        """The steps as they are written; a script beside them is not used, there as here."""
        for index, raw in enumerate(self._keys.steps):
            self._step(raw, self._origin.under("steps", index))

    def read_conversation(self) -> None:
        """The messages of a script; or an objective that a simulated user pursues."""
        keys, origin = self._keys, self._origin
        place = origin.under("script")
        if isinstance(keys.script, str):
            message = "A script that is YAML in a text cannot be read."
            self._ledger.add(place, message, 'Write it as an object: {"messages": […]}.')
            return
        script = ScriptKeys()
        if keys.script is not None:
            script = structure_leniently(self._ledger, place, keys.script, ScriptKeys) or script
        for index, said in enumerate(script.messages):
            here = place.under("messages", index)
            self._message(said.content, said.role, said.persona_id, None, here)
        if not self.turns:
            self._objective_alone()
        elif keys.min_turns > self.turns:
            message = f"The script has {self.turns} messages, fewer than 'minTurns'."
            self._ledger.add(origin.under("minTurns"), message, "Write the others too.")
        if keys.judge_config.rubric:
            check = self._judged(keys.judge_config.rubric, keys.judge_config.threshold, "last")
            self._check(check, origin.under("judgeConfig"))

    def read_assertion(self, raw: Any, origin: Origin) -> None:
        """A check at the end; the keys stand in ``config``, or beside it."""
        parted = self._parted(raw, origin, ("includes", "semantic", "assistant_check", "request"))
        if parted is None:
            return
        kind, common, rest = parted
        config = rest.pop("config", {})
        if not isinstance(config, Mapping):
            message = f"Expected an object, found {describe(config)}."
            self._ledger.add(origin.under("config"), message)
            return
        place = origin.under("config") if config else origin
        rest = {**config, **rest}
        if kind == "request":
            if common.pop(_SEVERITY, "error") != "error":
                message = "A request that is not answered as expected always fails the test."
                self._ledger.add(origin.under(_SEVERITY), message, "Leave out 'severity'.")
            self._request(rest, common, place)
            return
        check = self._check_of(kind, rest, place)
        if check is not None:
            self._check({**check, **common}, origin)

    def _objective_alone(self) -> None:
        keys, origin = self._keys, self._origin
        if not (keys.objective or "").strip():
            message = "There is nothing to say: no steps, no script and no objective."
            self._ledger.add(origin, message, "Write one of them.")
            return
        for key, differs in (
            ("minTurns", keys.min_turns > 1),
            ("continueAfterPass", keys.continue_after_pass),
        ):
            if differs:
                message = f"{key!r} cannot be kept: a simulated user ends with its objective."
                hint = "Leave it out, or write the messages as steps."
                self._ledger.add(origin.under(key), message, hint)
        limit = keys.max_turns if keys.iterate else 1
        objective: dict[str, Any] = {"objective": _literal(keys.objective or "")}
        if keys.judge_config.rubric:
            judge = keys.judge_config
            objective["stopWhen"] = [self._judged(judge.rubric or "", judge.threshold, "last")]
        self._objective(objective, limit, keys.persona_id, None, origin.under("objective"))

    def _step(self, raw: Any, origin: Origin) -> None:
        readers: dict[str, Callable[[dict[str, Any], dict[str, Any], Origin], None]] = {
            "message": self._message_step,
            "request": self._request,
            "user_objective": self._objective_step,
        }
        checks = ("assistant_check", "includes")
        parted = self._parted(raw, origin, (*readers, *checks, "extract"))
        if parted is None:
            return
        kind, common, rest = parted
        if kind == "extract":
            message = "An extraction described in words needs a model, and is not done here."
            hint = 'Use a step of our own: {"extract": {"regex": …, "assign": …}}.'
            self._ledger.add(origin, message, hint)
        elif kind in checks:
            check = self._check_of(kind, rest, origin)
            if check is not None:
                self._add({"check": {**check, **common}}, origin)
        else:
            if _SEVERITY in common:
                message = f"A step of the type {kind!r} has no 'severity'."
                self._ledger.add(origin.under(_SEVERITY), message)
            readers[kind](rest, {k: v for k, v in common.items() if k != _SEVERITY}, origin)

    def _parted(
        self, raw: Any, origin: Origin, known: tuple[str, ...]
    ) -> tuple[str, dict[str, Any], dict[str, Any]] | None:
        """(type, what every step has, the rest) of a step or an assertion."""
        if not isinstance(raw, Mapping):
            self._ledger.add(origin, f"Expected an object, found {describe(raw)}.")
            return None
        kind = str(raw.get("type", "")).lower()
        if kind not in known:
            message = f"There is no type {kind!r}." if kind else "The key 'type' is missing."
            self._ledger.add(origin, message, nearest(kind, list(known)))
            return None
        common = {key: raw[key] for key in ("name", _SEVERITY) if key in raw}
        rest = {key: item for key, item in raw.items() if key not in (*_EVERY_STEP, _SEVERITY)}
        self._step_id = str(raw["id"]) if "id" in raw else None
        return kind, common, rest

    def _message_step(self, rest: dict[str, Any], common: dict[str, Any], origin: Origin) -> None:
        keys = self._keys_of(rest, StepMessageKeys, origin)
        if keys is not None:
            self._message(keys.content, keys.role, keys.persona_id, common.get("name"), origin)

    def _message(
        self, content: str, role: str, persona: str | None, name: str | None, origin: Origin
    ) -> None:
        text = self._translator.text(content, self._scope, origin.under("content"))
        message: dict[str, Any] = {"content": text}
        if role == "system":
            message["role"] = role
        else:
            self.turns += 1
            if persona is not None:
                message["persona"] = persona
        self._add(_named({"message": message}, name), origin)

    def _request(self, rest: dict[str, Any], common: dict[str, Any], origin: Origin) -> None:
        step_id = self._step_id
        keys = self._keys_of(rest, StepRequestKeys, origin)
        if keys is None:
            return
        given = {**keys.input, **keys.input_mappings}
        place = origin.under("inputMappings" if keys.input_mappings else "input")
        inputs = self._translator.value(given, self._scope, place)
        name = self._requests.name_for(keys.request_id, inputs, origin.under("requestId"))
        variable = keys.save_as or keys.assign or re.sub(r"\W+", "_", keys.request_id)
        if not _VARIABLE.fullmatch(variable):
            message = f"{variable!r} is no name for a variable."
            self._ledger.add(origin, message, "Use letters, digits, '_' and '-'.")
            return
        self._scope.last_request = variable
        if step_id is not None:
            self._scope.steps[step_id] = variable
        if name is None:
            return
        request: dict[str, Any] = {"name": name, "assign": variable}
        if keys.expect is not None:
            request["expect"] = [_expectation(keys.expect)]
        self._add(_named({"request": request}, common.get("name")), origin)

    def _objective_step(self, rest: dict[str, Any], common: dict[str, Any], origin: Origin) -> None:
        keys = self._keys_of(rest, ObjectiveKeys, origin)
        if keys is None:
            return
        text = self._translator.text(keys.description, self._scope, origin)
        persona = keys.persona_id or self._keys.persona_id
        name = common.get("name")
        self._objective({"objective": text}, keys.max_turns, persona, name, origin)

    def _objective(
        self,
        objective: dict[str, Any],
        limit: int,
        persona: str | None,
        name: str | None,
        origin: Origin,
    ) -> None:
        self.turns += limit
        objective["maxTurns"] = limit
        if persona is not None:
            objective["persona"] = persona
        self._add(_named({"user_objective": objective}, name), origin)

    def _check_of(self, kind: str, rest: dict[str, Any], origin: Origin) -> dict[str, Any] | None:
        """A check of ours, as in a file."""
        if kind == "includes":
            phrases = self._keys_of(rest, IncludesKeys, origin)
            if phrases is None:
                return None
            wanted = [_literal(phrase) for phrase in phrases.includes]
            return {"icontains": {"all": wanted}, "scope": phrases.scope}
        judged = self._keys_of(rest, JudgeKeys, origin)
        if judged is None:
            return None
        return self._judged(judged.rubric, judged.threshold, judged.scope)

    def _judged(self, rubric: str, threshold: float, scope: str) -> dict[str, Any]:
        return {"judge": {"rubric": _literal(rubric), "threshold": threshold}, "scope": scope}

    def _keys_of(self, rest: dict[str, Any], cls: type[T], origin: Origin) -> T | None:
        return structure_leniently(self._ledger, origin, rest, cls)

    def _add(self, raw: dict[str, Any], origin: Origin) -> None:
        with self._ledger.at(origin), _here():
            step = structure_step(raw, self._kinds, origin)
            checks = tuple(attrs.evolve(check, origin=origin) for check in step.checks)
            self.steps.append(attrs.evolve(step, checks=checks))

    def _check(self, raw: dict[str, Any], origin: Origin) -> None:
        with self._ledger.at(origin), _here():
            self.checks.append(structure_check(raw, self._kinds, origin))


@contextmanager
def _here() -> Iterator[None]:
    """What is wrong in something that we have written, as wrong where it was made from."""
    try:
        yield
    except Findings as exc:
        raise Findings([attrs.evolve(one, location=()) for one in exc.findings]) from exc


def _named(raw: dict[str, Any], name: str | None) -> dict[str, Any]:
    return raw if name is None else {**raw, "name": name}


def _expectation(keys: ExpectKeys) -> dict[str, Any]:
    expected: dict[str, Any] = {"equals": keys.equals}
    if keys.path:
        expected["path"] = keys.path
    return expected


def _literal(text: str) -> str:
    """A text in which braces mean nothing, as a template."""
    return text.replace("{{", "\\{{")
