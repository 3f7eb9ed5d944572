"""With this folder in PYTHONPATH, a process has none of what ``turnwire[speed]`` brings."""

from __future__ import annotations

import sys

for name in ("orjson", "uvloop"):
    sys.modules[name] = None  # type: ignore[assignment] # the import system's word for: cannot be
