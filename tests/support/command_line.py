"""Running the ``turnwire`` command inside the test's own process."""

from __future__ import annotations

import re
from typing import Any

from click.testing import CliRunner, Result

from turnwire.cli import cli


def without_blame(text: str) -> str:
    """Without what is said where this machine was too busy to measure well."""
    return re.sub(r"^.*because of this machine.*\n", "", text, flags=re.MULTILINE)


def invoke(*args: str, **options: Any) -> Result:
    """What the command line printed, and its exit code."""
    return CliRunner().invoke(cli, args, prog_name="turnwire", **options)
