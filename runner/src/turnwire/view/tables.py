"""Tables for a person; what is to be read by a program is JSON."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from io import StringIO

from rich.box import ASCII2, SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnwire.view.text import visible

_PIPE_WIDTH = 1000
"""Where no terminal is, there is no reason to wrap a line."""


def table_text(headers: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0) -> str:
    """The table as text, as wide as the terminal. Cells are made safe; the last ``numbers``
    columns are aligned to the right."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _PIPE_WIDTH
    can_draw = (sys.stdout.encoding or "").lower().startswith("utf")
    table = Table(box=SIMPLE_HEAD if can_draw else ASCII2, pad_edge=False, show_edge=False)
    for column, header in enumerate(headers):
        is_number = column >= len(headers) - numbers
        table.add_column(header, justify="right" if is_number else "left")
    for row in rows:
        # Text, not str: rich would read [brackets] in a cell as markup.
        table.add_row(*(Text(visible(cell)) for cell in row))
    buffer = StringIO()
    Console(file=buffer, width=width, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())
