"""A driver that Turnwire does not ship, installed from its wheel beside the runner alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.packaging

EXAMPLE = Path(__file__).parents[2] / "examples" / "turnwire-ndjson-tcp"


def test_a_new_protocol_works_everywhere_once_its_package_is_installed(fresh, tmp_path) -> None:
    environment = fresh("turnwire", "turnwire-ndjson-tcp")
    assert not {"httpx", "pytest", "trio"} & environment.installed()

    (listed,) = environment.run("turnwire", "drivers", "--json", "--check").stdout.splitlines()
    assert json.loads(listed)["protocol"] == "ndjson_tcp"
    assert "socketPerTurn" in environment.run("turnwire", "schema").stdout

    with subprocess.Popen(
        [environment.python, EXAMPLE / "echo_server.py", "0"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip().rpartition(":")[2]
        config = tmp_path / "turnwire.yaml"
        config.write_text((EXAMPLE / "turnwire.yaml").read_text().replace("8766", port))
        environment.run("turnwire", "validate", config)
        shown = environment.run("turnwire", "chat", "lines", "a b c", "--config", config, "-vv")
        server.terminate()
    assert '{"text": "b "}' in shown.stdout + shown.stderr


def test_its_author_needs_one_extra_to_test_it(fresh) -> None:
    environment = fresh("turnwire-ndjson-tcp[test]")
    assert "turnwire" not in environment.installed()
    arguments = ("-q", "-p", "no:cacheprovider", "-c", EXAMPLE / "pyproject.toml")
    done = environment.run("pytest", *arguments, "--rootdir", EXAMPLE, EXAMPLE / "tests")
    assert " passed" in done.stdout
    assert "failed" not in done.stdout
