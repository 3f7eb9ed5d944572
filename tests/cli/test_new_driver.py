"""`turnwire new-driver` writes a package that works."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.installing import install
from turnwire.cli import cli

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "turnwire-ndjson-tcp"


def new_driver(*args: str) -> Result:
    return CliRunner().invoke(cli, ["new-driver", *args])


def tree(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_text() for file in files}


def test_what_it_writes_is_the_example_of_the_docs(folder: Path) -> None:
    """So there is one text to keep right, and it is tested as the example is."""
    result = new_driver("ndjson-tcp")
    assert result.exit_code == 0, result.output
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=EXAMPLE,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [name for name in listed.stdout.split() if (EXAMPLE / name).exists()]
    assert tree(folder / "turnwire-ndjson-tcp") == {
        name: (EXAMPLE / name).read_text() for name in names
    }


def test_a_package_of_another_name_passes_its_tests_and_is_found(folder: Path) -> None:
    result = new_driver("acme_chat2", "--to", "here/there")
    assert result.exit_code == 0, result.output
    assert "wrote here/there/src/turnwire_acme_chat2/driver.py" in result.stdout
    assert "cd here/there" in result.stdout
    installed = install(folder / "here" / "there", folder / "site")
    tested = installed.run_its_tests()
    assert tested.returncode == 0, tested.stdout + tested.stderr
    listed = installed.run("-m", "turnwire", "drivers")
    assert "acme_chat2" in listed.stdout
    assert "turnwire-acme-chat2" in listed.stdout


def test_nothing_is_overwritten(folder: Path) -> None:
    (folder / "turnwire-acme").mkdir()
    (folder / "turnwire-acme" / "mine.txt").write_text("mine")
    result = new_driver("acme")
    assert result.exit_code == 2
    assert "not empty" in result.stderr
    assert tree(folder) == {"turnwire-acme/mine.txt": "mine"}


def test_a_folder_that_is_empty_is_filled(folder: Path) -> None:
    (folder / "empty").mkdir()
    assert new_driver("acme", "--to", "empty").exit_code == 0
    assert (folder / "empty" / "pyproject.toml").exists()


def test_a_folder_that_cannot_be_written_is_a_mistake_of_usage(folder: Path) -> None:
    (folder / "file").write_text("")
    result = new_driver("acme", "--to", "file/in/it")
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Acme", "no name for a protocol"),
        ("2fast", "no name for a protocol"),
        ("../up", "no name for a protocol"),
        ("acme\n", "no name for a protocol"),
        ("turnwire-acme", "Leave out 'turnwire'"),
        ("sse", "There is a driver"),
        ("http-chat", "There is a driver"),
    ],
)
def test_a_name_that_cannot_be_is_refused(name: str, said: str, folder: Path) -> None:
    result = new_driver(name)
    assert result.exit_code == 2
    assert said in result.stderr
    assert list(folder.iterdir()) == []
