"""Running `@copilotkit/aimock`, a real peer for the presets, on a port of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VERSION = "1.43.0"
"""The version that the recordings were made with."""

_SCRIPT = Path(__file__).parent.parent / "presets" / "aimock_server.mjs"


def install_aimock(folder: Path) -> None:
    """Install aimock from npm below ``folder``.

    Raises:
        subprocess.CalledProcessError: npm failed; its words are in ``stderr``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["npm", "install", "--no-save", "--prefix", str(folder), f"@copilotkit/aimock@{VERSION}"],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )


@contextmanager
def run_aimock(folder: Path) -> Iterator[str]:
    """Start the scripted assistant of ``aimock_server.mjs``; the value is its URL."""
    # It ends when its standard input does, so also when this process is killed.
    with subprocess.Popen(
        ["node", str(_SCRIPT), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield str(json.loads(process.stdout.readline())["url"])
        finally:
            process.stdin.close()
            process.wait(timeout=10)
