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


def test_every_section_of_a_config_file_has_its_table() -> None:
    options = [driver.options for one in Plugins().inventory() if (driver := one.driver)]
    wanted = {
        f"{section.__module__}:{section.__name__}"
        for cls in (Connection, ReplyRules, *options)
        for section in _sections(cls)
    }
    text = "".join(page.read_text() for page in PAGES)
    shown = set(re.findall(r"^<!-- keys: (\S+) -->$", text, re.MULTILINE))
    assert {name.partition(":")[2] for name in wanted} == {name.partition(":")[2] for name in shown}


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
