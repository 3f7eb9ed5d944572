"""The fuzzing server, and what its report says, as a table at the end of the run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from support import autobahn

_ran = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def fuzzing_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a running fuzzing server."""
    with autobahn.fuzzing_server() as url:
        yield url
    request.config.stash[_ran] = True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each client: how many cases, with what result."""
    index = autobahn.REPORTS / "index.json"
    if not (_ran in terminalreporter.config.stash and index.exists()):
        return
    terminalreporter.section("Autobahn")
    for agent, results in json.loads(index.read_text()).items():
        counts = Counter(result["behavior"] for result in results.values())
        said = ", ".join(f"{count} {behaviour}" for behaviour, count in counts.most_common())
        terminalreporter.write_line(f"{agent}: {len(results)} cases: {said}")
    terminalreporter.write_line(f"The whole report: {autobahn.REPORTS / 'index.html'}")
