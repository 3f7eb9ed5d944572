"""Tables for a person; what is to be read by a program is JSON."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Final

from turnwire.view.text import visible

_PIPE_WIDTH: Final = 1000
"""Where no terminal is, there is no reason to wrap a line."""

_GAP: Final = "   "


def table_text(headers: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0) -> str:
    """The table as text, as wide as the terminal. Cells are made safe; the last ``numbers``
    columns are aligned to the right."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _PIPE_WIDTH
    can_draw = (sys.stdout.encoding or "").lower().startswith("utf")
    cells = [[visible(cell) for cell in row] for row in rows]
    if can_draw and (plain := _plain(headers, cells, numbers, width)) is not None:
        return plain
    return _by_rich(headers, cells, numbers, width, can_draw=can_draw)


def _plain(
    headers: Sequence[str], rows: Sequence[Sequence[str]], numbers: int, width: int
) -> str | None:
    """The same as rich's where nothing has to be measured or wrapped; else None.

    That is most tables, and to import rich takes a tenth of a short run.
    """
    lines = [headers, *rows]
    if not all(cell.isascii() and cell == cell.strip() for line in lines for cell in line):
        return None
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    whole = sum(widths) + len(_GAP) * (len(widths) - 1)
    if not all(widths) or whole > width:
        return None
    first_number = len(headers) - numbers

    def written(line: Sequence[str]) -> str:
        aligned = (
            cell.rjust(widths[column]) if column >= first_number else cell.ljust(widths[column])
            for column, cell in enumerate(line)
        )
        return _GAP.join(aligned).rstrip()

    return "\n".join([written(headers), "─" * whole, *map(written, rows)])


def _by_rich(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: int,
    width: int,
    *,
    can_draw: bool,
) -> str:
    from io import StringIO

    from rich.box import ASCII2, SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD if can_draw else ASCII2, pad_edge=False, show_edge=False)
    for column, header in enumerate(headers):
        is_number = column >= len(headers) - numbers
        table.add_column(header, justify="right" if is_number else "left")
    for row in rows:
        # Text, not str: rich would read [brackets] in a cell as markup.
        table.add_row(*map(Text, row))
    buffer = StringIO()
    Console(file=buffer, width=width, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())
