"""Which run log a command means."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

LOG_FOLDER: Final = "runs/"
"""Where logs go, and are looked for, when no other place is named."""


def last_log(folder: str = LOG_FOLDER) -> Path:
    """The newest log that ``turnwire run`` wrote into a folder.

    Raises:
        click.UsageError: there is none.
    """
    logs = [(path.stat().st_mtime_ns, path) for path in Path(folder).glob("*-run-*.jsonl")]
    if not logs:
        raise click.UsageError(
            f"There is no log of a run in {folder} by the name of *-run-*.jsonl, which "
            "`turnwire run` gives to its own. Name a file."
        )
    return max(logs)[1]
