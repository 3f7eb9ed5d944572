"""What everybody pays who has the plugin installed and uses it for nothing."""

from __future__ import annotations

import json

from support.pytest_runs import Project

PROBE = """
    import json, pathlib, sys

    def pytest_unconfigure():
        pathlib.Path("modules.json").write_text(json.dumps(sorted(sys.modules)))
"""

# Plugins that bring what ours must not bring.
ALONE = ("-p", "no:anyio", "-p", "no:hypothesispytest")


def imported(project: Project, *args: str) -> set[str]:
    project.write(conftest__py=PROBE, test_it__py="def test_it(): ...")
    run = project.run_process(*args)
    assert run.code == 0, run.output
    return set(json.loads((project.folder / "modules.json").read_text()))


def test_collecting_something_else_imports_the_plugin_and_nothing_more(project: Project) -> None:
    without = imported(project, *ALONE, "--collect-only", "-p", "no:turnwire")
    with_plugin = imported(project, *ALONE, "--collect-only")
    assert with_plugin - without == {"turnwire", "turnwire.pytest_plugin"}


def test_running_something_else_imports_nothing_more_either(project: Project) -> None:
    without = imported(project, *ALONE, "-p", "no:turnwire")
    assert imported(project, *ALONE) - without == {"turnwire", "turnwire.pytest_plugin"}
