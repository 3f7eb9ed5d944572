"""The reference in the docs is made from the code, and nothing is left out of it."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any, get_args

import attrs
import pytest

from support.pages import PAGES, ROOT
from turnwire.kinds import CHECK_KEYS, STEP_KEYS, Kinds
from turnwire.runlog.entries import ENTRY_TYPES
from turnwire.suites.keys import LibraryKeys, SuiteKeys, TestKeys
from turnwire.suites.model import Expectation, TestLimits
from turnwire_core import Connection, Plugins
from turnwire_core.config import camel, fields_of
from turnwire_core.contracts.connection import Limits, ReplyRules


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs/hooks/reference.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _sections(annotation: Any) -> Iterator[type[Any]]:
    """The config classes in a type, and in the keys of each."""
    if isinstance(annotation, type) and attrs.has(annotation):
        fields = fields_of(annotation)
        if fields:
            yield annotation
        for field in fields:
            yield from _sections(field.type)
    for part in get_args(annotation):
        yield from _sections(part)


def test_every_section_of_a_file_has_its_table() -> None:
    options = [driver.options for one in Plugins().inventory() if (driver := one.driver)]
    suites = (SuiteKeys, TestKeys, LibraryKeys, TestLimits, Expectation)
    wanted = {
        f"{section.__module__}:{section.__name__}"
        for cls in (Connection, ReplyRules, *options, *suites)
        for section in _sections(cls)
    }
    text = "".join(page.read_text() for page in PAGES)
    shown = set(re.findall(r"^<!-- keys: (\S+) -->$", text, re.MULTILINE))
    assert {name.partition(":")[2] for name in wanted} == {name.partition(":")[2] for name in shown}


@pytest.mark.parametrize(
    ("marker", "page", "wanted"),
    [
        ("check", "checks.md", set(Kinds(discover=False).checks())),
        ("step", "steps.md", set(Kinds(discover=False).steps())),
        ("entry", "run-log.md", set(ENTRY_TYPES)),
    ],
)
def test_every_kind_and_every_entry_has_its_place(
    marker: str, page: str, wanted: set[str], reference: ModuleType
) -> None:
    text = (ROOT / "docs" / page).read_text()
    shown = re.findall(rf"^<!-- {marker}: (\S+) -->$", text, re.MULTILINE)
    assert sorted(shown) == sorted(wanted)
    filled = reference.on_page_markdown(text)
    assert "<!--" not in filled
    for name in wanted:
        assert f"### `{name}` {{#{name}}}" in filled


def test_a_kind_says_what_it_is_and_has_a_row_for_each_key(reference: ModuleType) -> None:
    section = reference.fill("check", "streams")
    assert "spread over time, not in one burst" in section
    assert "1. it has at least `minArrivals` arrivals" in section
    assert "| `maxBurstShare` | number | `0.8` |" in section
    assert "a value that is no object stands for `content`" in reference.fill("step", "message")


def test_an_entry_has_its_fields_an_example_and_a_schema(reference: ModuleType) -> None:
    section = reference.fill("entry", "test_finished")
    assert "| `error` | text or null | What kept it from being judged. |" in section
    assert '```json\n{"type": "test_finished", "t": 1.204' in section
    assert '"const": "test_finished"' in section


@pytest.mark.parametrize(
    ("page", "keys"), [("suites.md", CHECK_KEYS), ("steps.md", STEP_KEYS)], ids=["checks", "steps"]
)
def test_what_all_kinds_have_is_explained(page: str, keys: tuple[str, ...]) -> None:
    text = (ROOT / "docs" / page).read_text()
    assert [key for key in keys if f"| `{key}` |" not in text] == []


def test_every_command_has_its_help() -> None:
    from turnwire.cli import cli

    text = (ROOT / "docs/cli.md").read_text()
    shown = set(re.findall(r"^<!-- help: (\S+) -->$", text, re.MULTILINE))
    assert shown == {"turnwire", *cli.list_commands(None)}  # type: ignore[arg-type]  # it uses none


def test_a_table_names_key_type_default_and_meaning(reference: ModuleType) -> None:
    rows = reference.keys_table(Limits).splitlines()
    assert rows[2].startswith("| `connectMs` | milliseconds | `10000` | Name resolution")
    assert len(rows) == 2 + len(fields_of(Limits))


def test_a_table_has_a_row_for_every_key(reference: ModuleType) -> None:
    table = reference.keys_table(Connection)
    assert [
        name for f in fields_of(Connection) if f"`{(name := camel(f.name))}`" not in table
    ] == []


def test_a_type_without_words_is_an_error_of_the_build(reference: ModuleType) -> None:
    with pytest.raises(LookupError, match="no words"):
        reference.type_name(complex)


def test_a_marker_is_replaced_only_on_a_line_of_its_own(reference: ModuleType) -> None:
    page = "Text <!-- help: drivers --> text.\n\n<!-- help: drivers -->\n"
    filled = reference.on_page_markdown(page)
    assert filled.startswith("Text <!-- help: drivers --> text.")
    assert "Usage: turnwire drivers" in filled
