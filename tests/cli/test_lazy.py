"""The command line says what it can do without importing what does it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from turnwire.cli import cli

# Everything that `import click` brings is free; so is a look at the clock of nothing else.
PROBE = """
import sys, click
before = set(sys.modules)
from turnwire.cli import main
try:
    main({args!r}, prog_name="turnwire")
except SystemExit as exit:
    assert exit.code == 0, exit.code
import json
print("\\n" + json.dumps(sorted(set(sys.modules) - before)), file=sys.stderr)
"""


def imported_by(*args: str) -> set[str]:
    """The modules that a command line imports beyond `import click`."""
    process = subprocess.run(
        [sys.executable, "-c", PROBE.format(args=list(args))],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(json.loads(process.stderr.splitlines()[-1]))


def test_help_imports_the_list_of_commands_and_nothing_else() -> None:
    modules = imported_by("--help") - {"json", "json.decoder", "json.encoder", "json.scanner"}
    ours = {name for name in modules if name.partition(".")[0].startswith("turnwire")}
    assert ours == {"turnwire", "turnwire.cli", "turnwire.cli._options"}
    foreign = {name.partition(".")[0] for name in modules - ours}
    assert foreign - set(sys.stdlib_module_names) <= {"click", "_json", "_sysconfigdata"}
    assert not foreign & {"asyncio", "importlib_metadata", "ssl", "socket", "email"}


@pytest.mark.parametrize("command", ["drivers", "report", "run", "schema", "validate"])
def test_what_talks_to_nobody_imports_no_http_library_for_its_help(command: str) -> None:
    roots = {name.partition(".")[0] for name in imported_by(command, "--help")}
    assert not roots & {"httpx", "httpcore", "wsproto", "rich", "turnwire_sse", "trio"}


def test_every_command_can_be_loaded_and_explains_itself() -> None:
    listed = CliRunner().invoke(cli, ["--help"]).stdout
    for name in cli.list_commands(None):  # type: ignore[arg-type] # the context is not looked at
        assert f"  {name} " in listed
        result = CliRunner().invoke(cli, [name, "--help"])
        assert result.exit_code == 0, result.output
        assert f"turnwire {name}" in result.stdout or f"cli {name}" in result.stdout


def test_a_mistyped_command_names_the_nearest() -> None:
    result = CliRunner().invoke(cli, ["caht"])
    assert result.exit_code == 2
    assert "No such command 'caht'. Did you mean 'chat'?" in result.stderr


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    result = CliRunner().invoke(cli, ["--version"])
    assert result.exit_code == 0
    assert result.stdout.startswith(f"turnwire {version('turnwire')} ")


def test_it_runs_as_a_module() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "turnwire", "--version"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert process.returncode == 0
    assert process.stdout.startswith("turnwire ")


def test_a_run_imports_nothing_for_what_it_does_not_use(config: Callable[..., None]) -> None:
    config()
    suite = {
        "name": "one",
        "connections": ["bot"],
        "tests": [{"name": "t", "steps": [{"message": "Hi"}], "checks": [{"verdict": "finished"}]}],
    }
    Path("one.turnwire.json").write_text(json.dumps(suite))
    unused = ("turnwire.assistant", "turnwire.suites.lamdis.reading", "turnwire.view.dashboard")
    http = ("httpx", "httpcore", "h11", "trio", "urllib.request")
    kinds = ("turnwire.checks.texts", "turnwire.checks.timing", "turnwire.steps.user_objective")
    on_demand = ("turnwire.engine.requests", "turnwire.judging", "turnwire_core.secrets._spellings")
    stdlib = ("difflib", "hashlib", "html")
    modules = imported_by("run")
    assert modules & {*unused, *http, *kinds, *on_demand, *stdlib, "glom"} == set()
    assert "turnwire.checks.replies" in modules


def test_the_end_of_a_command_looks_for_no_garbage() -> None:
    source = """
import atexit, gc
from turnwire.cli import main
atexit.register(lambda: print("frozen:", gc.get_freeze_count() > 1000))
main(["--version"], prog_name="turnwire")
"""
    process = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60
    )
    assert process.stdout.splitlines()[-1] == "frozen: True"
