"""Ask pip-audit about every pinned version, and say loudly what it could not find out.

    python .ci/audit.py [--strict]

Fails where a version has a known hole. Where the vulnerability service cannot be reached, which
pip-audit takes for "no holes known", this says so; with --strict it fails then too, as CI does.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
SECONDS = 120
COMMAND = ["-m", "pip_audit", "--no-deps", "--disable-pip", "--format", "json",
           "--progress-spinner", "off", "--requirement"]  # fmt: skip


def main() -> int:
    try:
        done = subprocess.run(
            [sys.executable, *COMMAND, CONSTRAINTS],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        found, said = json.loads(done.stdout)["dependencies"], done.stderr.strip()
    except ValueError:
        found, said = [], done.stderr.strip()
    except subprocess.TimeoutExpired:
        found, said = [], f"no answer within {SECONDS} s"
    return report(found, said, strict="--strict" in sys.argv)


def report(found: list[dict], said: str, *, strict: bool) -> int:
    """Print what was found; the exit code."""
    asked = [one for one in found if "skip_reason" not in one]
    holes = [(one, hole) for one in asked for hole in one["vulns"]]
    for one, hole in holes:
        fixed = ", ".join(hole["fix_versions"]) or "no version yet"
        print(f"{one['name']} {one['version']}: {hole['id']}, fixed in {fixed}")
    print(f"pip-audit: {len(asked)} versions looked up, {len(holes)} known holes")
    unknown = [one["name"] for one in found if "skip_reason" in one]
    if unknown or not asked:
        what = f"{len(unknown)} versions" if unknown else "anything"
        print(f"\nskipped: NOT AUDITED: {what}. The vulnerability service did not know or did not "
              f"answer: {', '.join(unknown[:5]) or said[-500:]}"
              f"{' …' if len(unknown) > 5 else ''}\n", file=sys.stderr)  # fmt: skip
    return 1 if holes or (strict and (unknown or not asked)) else 0


if __name__ == "__main__":
    sys.exit(main())
