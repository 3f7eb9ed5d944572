"""`examples/turnwire-ndjson-tcp`: a driver that Turnwire does not ship, once it is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.installing import Installed, install

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "examples" / "turnwire-ndjson-tcp"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return install(SOURCE, tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of the example's server."""
    with subprocess.Popen(
        [sys.executable, SOURCE / "echo_server.py", "0"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline().rpartition(":")[2])
        server.terminate()


@pytest.fixture
def config(tmp_path: Path, port: int) -> Path:
    """The example's connection, to that server."""
    file = tmp_path / "turnwire.yaml"
    text = (SOURCE / "turnwire.yaml").read_text()
    assert ":8766" in text
    file.write_text(text.replace(":8766", f":{port}"))
    return file


def test_it_keeps_the_contract(installed: Installed) -> None:
    done = installed.run_its_tests()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


def test_it_is_not_installed_for_the_other_tests() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "turnwire", "drivers"], capture_output=True, text=True, check=True
    )
    assert "ndjson_tcp" not in done.stdout


def test_turnwire_lists_it(installed: Installed) -> None:
    done = installed.run("-m", "turnwire", "drivers", "--json", "--check")
    assert done.returncode == 0, done.stderr
    listed = {one["protocol"]: one for one in map(json.loads, done.stdout.splitlines())}
    assert listed["ndjson_tcp"]["ok"]
    assert listed["ndjson_tcp"]["distributions"] == [
        {"name": "turnwire-ndjson-tcp", "version": "0.1.0"}
    ]


def test_the_schema_has_its_keys(installed: Installed) -> None:
    done = installed.run("-m", "turnwire", "schema", "--protocol", "ndjson_tcp")
    assert done.returncode == 0, done.stderr
    assert "socketPerTurn" in done.stdout
    assert "contentPath" in done.stdout


def test_its_connections_are_checked(installed: Installed, config: Path) -> None:
    good = installed.run("-m", "turnwire", "validate", str(config))
    assert good.returncode == 0, good.stderr
    config.write_text(config.read_text().replace("tcp://", "http://") + "      socketPerTrun: 1\n")
    bad = installed.run("-m", "turnwire", "validate", str(config))
    assert bad.returncode == 2
    said = bad.stdout + bad.stderr
    assert "The scheme must be one of tcp" in said
    assert "socketPerTurn" in said


def test_a_conversation_can_be_held_and_its_wire_be_seen(
    installed: Installed, config: Path
) -> None:
    arguments = ("chat", "lines", "one two three", "--config", str(config), "-vv")
    done = installed.run("-m", "turnwire", *arguments, cwd=config.parent)
    assert done.returncode == 0, done.stderr
    shown = done.stdout + done.stderr
    assert "one two three" in shown
    assert '{"message": "one two three"}' in shown
    assert '{"text": "two "}' in shown


def test_a_connection_to_it_can_be_inferred(installed: Installed, port: int) -> None:
    url = f"tcp://127.0.0.1:{port}"
    arguments = ("infer", url, "one two three", "--protocol", "ndjson_tcp", "--quiet", "1")
    done = installed.run("-m", "turnwire", *arguments)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["connections"]["assistant"] == {
        "base_url": url,
        "protocol": "ndjson_tcp",
        "ndjson_tcp": {"contentPath": "text", "finishPath": "done", "finishValue": True},
    }
    assert "Said again over it: ndjson_tcp  finished" in done.stderr


def test_a_connection_can_be_moved_to_it(installed: Installed, tmp_path: Path, port: int) -> None:
    file = tmp_path / "turnwire.yaml"
    file.write_text("connections:\n  bot:\n    base_url: https://bot.example/  # old\n")
    arguments = ("migrate", "bot", "one two", "--to", "ndjson_tcp", "--write")
    options = ("--url", f"tcp://127.0.0.1:{port}", "--quiet", "1")
    done = installed.run("-m", "turnwire", *arguments, *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Said over it: ndjson_tcp  finished" in done.stderr
    assert file.read_text() == (
        f"connections:\n  bot:\n    base_url: tcp://127.0.0.1:{port}  # old\n"
        "    protocol: ndjson_tcp\n    ndjson_tcp:\n      contentPath: text\n"
        "      finishPath: done\n      finishValue: true\n"
    )
