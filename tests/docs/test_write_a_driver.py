"""«Write a driver in an hour» shows the code of the example, and says what the kit is asked."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from turnwire_core.testing import DriverContract, Peer

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "turnwire-ndjson-tcp"
TEXT = (ROOT / "docs" / "write-a-driver.md").read_text()

_BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_INCLUDED = re.compile(r'--8<-- "([^":]+)"\n\Z')


def test_all_code_is_included_from_the_example() -> None:
    blocks = [block for block in _BLOCK.findall(TEXT) if block[0] != "sh"]
    assert len(blocks) >= 6
    for _, title, body in blocks:
        included = _INCLUDED.fullmatch(body)
        assert included, f"{title or body}: written into the page, where nothing keeps it current"
        assert ROOT / included[1] == EXAMPLE / title
        assert (ROOT / included[1]).is_file()


def test_every_module_of_the_example_is_shown() -> None:
    package = EXAMPLE / "src" / "turnwire_ndjson_tcp"
    modules = {file.relative_to(EXAMPLE).as_posix() for file in package.glob("*.py")}
    shown = {title for _, title, _ in _BLOCK.findall(TEXT)}
    assert modules - shown == {"src/turnwire_ndjson_tcp/__init__.py"}


def test_every_attribute_of_the_kit_is_explained() -> None:
    declared = {
        name
        for kind in DriverContract.__mro__
        for name in vars(kind).get("__annotations__", {})
        if not name.startswith("_") and name != "pytestmark"
    }
    assert {"streams", "can_reject", "patience"} <= declared
    rows = [line.split("|")[1] for line in TEXT.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == declared


def test_every_method_that_a_peer_may_write_is_explained() -> None:
    wire = {
        name
        for name, value in vars(Peer).items()
        if callable(value) and not name.startswith("_") and not inspect.iscoroutinefunction(value)
    }
    rows = re.findall(r"^\| `(\w+)\(\w*\)` \|", TEXT, re.MULTILINE)
    assert set(rows) == wire
