"""A suite, loaded and checked: what a tester writes, as frozen values.

Field names are snake_case here and camelCase in files, as in connection files; ``option`` carries
each key's documentation, from which the JSON Schema and the reference are made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path as FilePath
from typing import Any, Literal

import attrs

from turnwire_core.config import Document, as_path
from turnwire_core.contracts.connection import UNSET, Auth, JsonValue, Milliseconds, option
from turnwire_core.errors import Problem
from turnwire_core.paths import Path
from turnwire_core.secrets import Secrets
from turnwire_core.templates import Template


class Severity(StrEnum):
    """What a check that does not hold does to its test."""

    ERROR = "error"
    """The test fails."""
    WARNING = "warning"
    """It is reported, and the test passes."""
    INFO = "info"
    """It is only recorded."""


class Scope(StrEnum):
    """What of a conversation a check looks at."""

    LAST = "last"
    """The last reply."""
    ASSISTANT = "assistant"
    """All replies so far: the check must hold of each."""
    TRANSCRIPT = "transcript"
    """Everything said so far, by both sides, as one text."""


@attrs.frozen
class Origin:
    """Where something is written, for messages: a file, a place in it, a line."""

    file: str
    path: str = "$"
    line: int | None = None
    _document: Document | None = attrs.field(default=None, repr=False, eq=False, kw_only=True)
    _location: tuple[str | int, ...] = attrs.field(default=(), repr=False, eq=False, kw_only=True)

    @classmethod
    def of(cls, document: Document, *location: str | int) -> Origin:
        """A place in a file that was read."""
        return cls(
            document.file,
            as_path(location),
            document.line_of(location),
            document=document,
            location=location,
        )

    def __str__(self) -> str:
        line = f":{self.line}" if self.line is not None else ""
        return f"{self.file}{line}: {self.path}"

    def under(self, *steps: str | int) -> Origin:
        """A place inside this one."""
        if self._document is not None:
            return Origin.of(self._document, *self._location, *steps)
        return attrs.evolve(self, path=self.path + as_path(steps)[1:])

    def problem(self, message: str, hint: str | None = None) -> Problem:
        """Something that is wrong here."""
        return Problem(message, path=self.path, hint=hint, file=self.file, line=self.line)


@attrs.frozen
class CheckSpec:
    """One check as written: its kind, the options of that kind, and what all kinds share.

    In files an object with the kind as a key: ``{"contains": "refund", "severity": "warning"}``.
    """

    kind: str
    options: Any
    origin: Origin
    name: str | None = None
    severity: Severity = Severity.ERROR
    scope: Scope = Scope.LAST
    negate: bool = False
    """True (key ``not``): the check must not hold."""
    message: str | None = None
    """What the tester wants to read when it does not hold."""


@attrs.frozen
class StepSpec:
    """One step as written: its kind, the options of that kind, and what all kinds share.

    In files an object with the kind as a key: ``{"message": "Hi", "checks": [...]}``.
    """

    kind: str
    options: Any
    origin: Origin
    name: str | None = None
    checks: tuple[CheckSpec, ...] = ()
    """Evaluated right after the step."""


@attrs.frozen
class TestLimits:
    """Bounds on one test."""

    __test__ = False  # pytest would take the name for a test

    timeout_ms: Milliseconds = option("Bounds the whole test.", Milliseconds(300_000))
    max_turns: int = option("The most turns that a test may take.", 50)

    def __attrs_post_init__(self) -> None:
        if self.max_turns < 1:
            raise ValueError("A test needs at least one turn: 'maxTurns' is 1 or more.")


@attrs.frozen
class Expectation:
    """What a request's answer must have: ``{"path": "status", "equals": "open"}``."""

    path: Path | None = option("Where in the JSON answer; without it the whole answer.", None)
    equals: JsonValue = option("The value that must be there. Default: any, even null.", UNSET)
    status: int | None = option("The HTTP status that must come.", None)

    def __attrs_post_init__(self) -> None:
        if self.path is None and self.equals is UNSET and self.status is None:
            raise ValueError("It expects nothing: write 'path', 'equals' or 'status'.")


@attrs.frozen
class RequestSpec:
    """An HTTP call before or between turns."""

    url: Template = option("The whole URL; may hold placeholders.")
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = option("The method.", "GET")
    headers: Mapping[str, Template] = option("Headers; may hold placeholders.", factory=dict)
    query: Mapping[str, Template] = option("Query parameters; may hold placeholders.", factory=dict)
    body: Template | None = option("A JSON body, a template.", None)
    auth: Auth | None = option("Credentials, as in a connection.", None)
    timeout_ms: Milliseconds = option("Bounds the call.", Milliseconds(30_000))


@attrs.frozen
class Persona:
    """Who the user is. In files an object, or just the description."""

    description: str = option("In words, for targets and judges that want to know.")
    profile: Mapping[str, JsonValue] = option("Any further facts.", factory=dict)

    @property
    def text(self) -> str:
        """Description and facts as one text: what a target or a judge is told."""
        facts = "; ".join(f"{name}: {_spoken(value)}" for name, value in self.profile.items())
        return f"{self.description} ({facts})" if facts else self.description


def _spoken(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@attrs.frozen
class Fixture:
    """Steps that several tests share."""

    steps: tuple[StepSpec, ...]
    scope: Literal["test", "suite"] = "test"
    """``test``: run before each test that uses it, in its conversation. ``suite``: run once, before
    the first; only ``request`` and ``extract`` steps, whose variables all its tests then have."""


@attrs.frozen
class Test:
    """One test as written, before matrices, connections and repeats multiply it."""

    __test__ = False

    name: str
    id: str
    origin: Origin
    steps: tuple[StepSpec, ...]
    description: str | None = None
    tags: frozenset[str] = frozenset()
    skip: str | None = None
    """Why it is skipped; None where it is not."""
    only: bool = False
    persona: str | None = None
    """The name of a persona of the suite, or a description."""
    connections: tuple[str, ...] = ()
    """Instead of the suite's."""
    matrix: Mapping[str, tuple[Any, ...]] = attrs.field(factory=dict)
    """Values by variable; the test runs for every combination."""
    variables: Mapping[str, Any] = attrs.field(factory=dict)
    uses: tuple[str, ...] = ()
    repeat: int = 1
    limits: TestLimits = attrs.field(factory=TestLimits)
    checks: tuple[CheckSpec, ...] = ()
    """Evaluated at the end."""


@attrs.frozen
class Suite:
    """A file of tests, with everything that it imports."""

    name: str
    file: FilePath
    tests: tuple[Test, ...]
    description: str | None = None
    config: FilePath | None = None
    """The file of its connections; None: whatever the command finds."""
    inline_connections: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict, repr=False)
    """Connections that the suite brings itself, as in a config file: with ``${NAME}`` unfilled."""
    inline_origins: Mapping[str, Origin] = attrs.field(factory=dict, repr=False)
    """Where each of them stands."""
    connections: tuple[str, ...] = ()
    personas: Mapping[str, Persona] = attrs.field(factory=dict)
    requests: Mapping[str, RequestSpec] = attrs.field(factory=dict)
    variables: Mapping[str, Any] = attrs.field(factory=dict)
    """Values, or generators such as ``{"$uuid": true}``; see ``suites.variables``."""
    fixtures: Mapping[str, Fixture] = attrs.field(factory=dict)
    judge: str | None = None
    """The connection that judges; None: the offline judge."""
    checks: tuple[CheckSpec, ...] = ()
    """Evaluated over all replies of the run: percentiles and their like."""
    origin: Origin = attrs.field(
        default=attrs.Factory(lambda self: Origin(str(self.file)), takes_self=True), repr=False
    )
    environment: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    """The values of every ``{{env.X}}`` in it."""
    secrets: Secrets = attrs.field(factory=Secrets, repr=False, eq=False)
    """What came from the environment, to be masked wherever something of the suite is shown."""

    @property
    def directory(self) -> FilePath:
        """The folder of its file: what it names is relative to that."""
        return self.file.parent

    def persona_text(self, name: str | None) -> str | None:
        """What a target is told of a persona: by name, or a description in its own words."""
        if name is None:
            return None
        return self.personas[name].text if name in self.personas else name


@attrs.frozen
class Case:
    """A test made concrete: one connection, one combination, one repetition. What is run.

    ``id`` is stable from run to run and unique in it:
    ``suite::test[connection-value-value]#repetition``.
    """

    id: str
    suite: Suite = attrs.field(repr=False)
    test: Test = attrs.field(repr=False)
    connection: str
    variables: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    """The suite's, the test's and the matrix's, generators drawn."""
    repetition: int = 1

    @property
    def tags(self) -> frozenset[str]:
        """The tags of the test."""
        return self.test.tags
