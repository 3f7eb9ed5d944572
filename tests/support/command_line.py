"""Running the ``turnwire`` command inside the test's own process."""

from __future__ import annotations

from typing import Any

from click.testing import CliRunner, Result

from turnwire.cli import cli


def invoke(*args: str, **options: Any) -> Result:
    """What the command line printed, and its exit code."""
    return CliRunner().invoke(cli, args, prog_name="turnwire", **options)
