"""Getting the clients that Turnwire is measured against, where they are not there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PEERS = ("aiohttp", "httpx", "httpx-sse", "openai", "websockets", "trio")
PACKAGES = ("core", "drivers/http_chat", "drivers/sse", "drivers/websocket", "runner[speed]")
NPM_SECONDS = 300


def environment(folder: Path) -> str:
    """The python of an environment that has the peers; made where there is none."""
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"Installing the peers into {folder}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        editable = [word for one in PACKAGES for word in ("--editable", f"{ROOT}/{one}")]
        subprocess.run([*pip, *editable, *PEERS], check=True)
    return str(python)


def promptfoo(folder: Path) -> str | None:
    """The command, or None where it cannot be had: it is near two gigabytes."""
    if (known := shutil.which("promptfoo")) is not None:
        return known
    command = folder / "node_modules" / ".bin" / "promptfoo"
    npm = shutil.which("npm")
    if not command.exists() and npm is not None:
        print(f"  Installing promptfoo into {folder}", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        install = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund"]
        try:
            subprocess.run(
                [*install, "--ignore-scripts", "promptfoo"],
                capture_output=True,
                timeout=NPM_SECONDS,
                check=True,
            )
        except (subprocess.SubprocessError, OSError) as exc:
            print(f"  {exc}", flush=True)
    return str(command) if command.exists() else None
