"""What everybody pays who has the plugin installed and uses it for nothing."""

from __future__ import annotations

import json
from pathlib import Path

from support.pytest_runs import run_pytest, write

PROBE = """
    import json, pathlib, sys

    def pytest_unconfigure():
        pathlib.Path("modules.json").write_text(json.dumps(sorted(sys.modules)))
"""


def imported(folder: Path, *args: str) -> set[str]:
    write(folder, conftest__py=PROBE, test_it__py="def test_it(): ...")
    run = run_pytest(folder, *args, plugins=(), PYTEST_DISABLE_PLUGIN_AUTOLOAD="")
    assert run.code == 0, run.output
    return set(json.loads((folder / "modules.json").read_text()))


def test_collecting_something_else_imports_the_plugin_and_nothing_more(tmp_path: Path) -> None:
    without = imported(tmp_path, "--collect-only", "-p", "no:turnwire")
    with_plugin = imported(tmp_path, "--collect-only")
    assert with_plugin - without == {"turnwire", "turnwire.pytest_plugin"}


def test_running_something_else_imports_nothing_more_either(tmp_path: Path) -> None:
    without = imported(tmp_path, "-p", "no:turnwire")
    assert imported(tmp_path) - without == {"turnwire", "turnwire.pytest_plugin"}
