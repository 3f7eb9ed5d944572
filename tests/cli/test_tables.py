"""Tables are written by rich where something has to be measured, else alike without it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire.view import tables

_CELLS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=8).map(str.strip)
_TABLES = st.integers(1, 4).flatmap(
    lambda columns: st.tuples(
        st.lists(_CELLS, min_size=columns, max_size=columns),
        st.lists(st.lists(_CELLS, min_size=columns, max_size=columns), max_size=4),
        st.integers(0, columns),
    )
)


@given(_TABLES)
@settings(max_examples=80, deadline=None)
def test_both_ways_write_the_same(table: tuple[list[str], list[list[str]], int]) -> None:
    headers, rows, numbers = table
    headers = [f"name {header}".strip() for header in headers]
    plain = tables._plain(headers, rows, numbers, 1000)
    assert plain == tables._by_rich(headers, rows, numbers, 1000, can_draw=True)


@pytest.mark.parametrize(
    ("cell", "width"), [("日本語", 1000), ("é", 1000), ("a table that does not fit", 20)]
)
def test_what_is_to_be_measured_or_wrapped_is_left_to_rich(cell: str, width: int) -> None:
    assert tables._plain(["name"], [[cell]], 0, width) is None


def test_a_cell_cannot_move_the_cursor_nor_be_markup() -> None:
    assert tables.table_text(["name"], [["\x1b[2J[red]"]]).splitlines()[-1] == "␛[2J[red]"
