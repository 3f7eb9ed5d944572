"""The keys of a suite file, as classes: what is read, and what the reference documents.

Steps and checks are kept as they are written: their keys depend on their kinds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from turnwire.suites.model import Persona, RequestSpec
from turnwire_core.contracts.connection import DocumentPath, JsonValue, option


@attrs.frozen
class FixtureKeys:
    """Steps that several tests share."""

    steps: tuple[JsonValue, ...] = option("The steps.")
    scope: Literal["test", "suite"] = option(
        "`test`: before each test that uses it, in its conversation. `suite`: once, before the "
        "first of them; only `request` and `extract` steps.",
        "test",
    )


@attrs.frozen
class LibraryKeys:
    """A file to import: what several suites share."""

    imports: tuple[DocumentPath, ...] = option("Further files of this kind.", ())
    personas: Mapping[str, Persona] = option(
        "Who the user may be, by name: a description, or an object.", factory=dict
    )
    requests: Mapping[str, RequestSpec] = option("HTTP calls, by name.", factory=dict)
    fixtures: Mapping[str, FixtureKeys] = option("Shared steps, by name.", factory=dict)
    variables: Mapping[str, JsonValue] = option(
        "Values for `{{variables.NAME}}`, or generators such as `{$uuid: true}`.", factory=dict
    )


@attrs.frozen
class TestKeys:
    """One test."""

    __test__ = False  # pytest would take the name for a test

    name: str = option("What it shows, as a sentence.")
    steps: tuple[JsonValue, ...] = option("What happens, in order.")
    id: str | None = option("Short and unique in the suite. Default: made of the name.", None)
    description: str | None = option("For people.", None)
    tags: tuple[str, ...] = option("Added to those of the suite.", ())
    skip: JsonValue = option("true, or the reason: the test is not run.", None)
    only: bool = option("Of all tests, run only those that say so. For a while, not for CI.", False)
    persona: str | None = option(
        "The name of a persona of the suite, or a description of several words.", None
    )
    connections: tuple[str, ...] = option("Instead of the suite's.", ())
    matrix: Mapping[str, tuple[JsonValue, ...]] = option(
        "Values by variable; the test runs for every combination. The key `connection` stands for "
        "the connections.",
        factory=dict,
    )
    variables: Mapping[str, JsonValue] = option("Over those of the suite.", factory=dict)
    uses: tuple[str, ...] = option("Fixtures, in this order.", ())
    repeat: int = option("How often it is run.", 1)
    limits: JsonValue = option("Bounds; see below.", factory=dict)
    checks: tuple[JsonValue, ...] = option("What must hold at the end.", ())


@attrs.frozen
class SuiteKeys:
    """A suite."""

    tests: tuple[JsonValue, ...] = option("The tests.")
    name: str | None = option("Begins the ids of its tests. Default: the name of the file.", None)
    description: str | None = option("For people.", None)
    config: DocumentPath | None = option("The file of its connections.", None)
    connections: JsonValue = option(
        "The names of those to test; or an object that defines connections here.", factory=tuple
    )
    imports: tuple[DocumentPath, ...] = option("Files whose contents can be used here.", ())
    personas: Mapping[str, Persona] = option(
        "Who the user may be, by name: a description, or an object.", factory=dict
    )
    requests: Mapping[str, RequestSpec] = option("HTTP calls, by name.", factory=dict)
    fixtures: Mapping[str, FixtureKeys] = option("Shared steps, by name.", factory=dict)
    variables: Mapping[str, JsonValue] = option(
        "Values for `{{variables.NAME}}`, or generators such as `{$uuid: true}`.", factory=dict
    )
    judge: str | None = option(
        "The connection that judges. Default: a judge that needs no network.", None
    )
    limits: JsonValue = option("Bounds for each of its tests.", factory=dict)
    tags: tuple[str, ...] = option("Of all its tests.", ())
    checks: tuple[JsonValue, ...] = option(
        "Checks over all replies of the run: percentiles and their like.", ()
    )
