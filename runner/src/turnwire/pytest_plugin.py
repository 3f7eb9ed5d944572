"""The pytest plugin: suites are collected as tests, and there are fixtures for tests in Python.

pytest imports this module in every run of everybody who has Turnwire installed. So it holds the
hooks and the fixtures, and imports nothing but pytest; what they do is in ``turnwire.pytesting``,
which is imported when a run has something for it to do.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from turnwire.assistant import Assistant
    from turnwire_core import Connection, Conversation

SUITE_SUFFIXES: Final = tuple(
    f".turnwire.{extension}" for extension in ("yaml", "yml", "json", "jsonc", "toml")
)
"""How the file of a suite ends; ``turnwire run`` finds the same ones."""

_MARKER: Final = (
    "turnwire(connection=None, config=None): a test of Turnwire: every suite's, and those in "
    "Python that say which connection their fixtures open, and from which config file."
)
_SEED: Final = "turnwire_seed"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Each option can stand in the ini file too, under its name with underscores."""
    group = parser.getgroup("turnwire", "conversational assistants (turnwire)")
    group.addoption(
        "--turnwire-connection",
        action="append",
        default=[],
        metavar="NAME",
        help="Run suites over this connection instead of theirs; may be given again. "
        "Also what the fixtures 'connection' and 'conversation' open.",
    )
    group.addoption(
        "--turnwire-config",
        metavar="FILE",
        help="The file of connections, instead of the suite's or the turnwire.* nearby.",
    )
    group.addoption(
        "--turnwire-log",
        metavar="PATH",
        help="Write a run log; a folder gets a new file in it. Default: none is written.",
    )
    group.addoption(
        "--turnwire-record",
        metavar="DIR",
        help="Keep every byte of each conversation in a file in DIR, for `turnwire replay`.",
    )
    group.addoption(
        "--turnwire-backend",
        choices=("asyncio", "trio"),
        help="The event loop that suites run in. Default: asyncio.",
    )
    group.addoption(
        "--turnwire-seed",
        type=int,
        metavar="N",
        help="Draw the same values as the run that printed this seed.",
    )
    names = "Names of connections that suites run over, separated by spaces."
    parser.addini("turnwire_connection", names, type="args", default=[])
    parser.addini("turnwire_config", "The file of connections, relative to this file.")
    parser.addini("turnwire_log", "Where a run log goes, relative to this file.")
    parser.addini("turnwire_record", "Where recordings go, relative to this file.")
    parser.addini("turnwire_backend", "The event loop that suites run in: asyncio or trio.")
    parser.addini("turnwire_seed", "A seed for the values that suites draw.")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARKER)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """pytest-xdist: all workers draw the same values, or they would collect different tests."""
    from turnwire.pytesting.settings import settings_of

    node.workerinput[_SEED] = settings_of(node.config).seed


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if not file_path.name.lower().endswith(SUITE_SUFFIXES):
        return None
    from turnwire.pytesting.collecting import SuiteFile

    return SuiteFile.from_parent(parent, path=file_path)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if collecting := sys.modules.get("turnwire.pytesting.collecting"):
        collecting.arrange(items)


def pytest_report_collectionfinish(
    config: pytest.Config, items: list[pytest.Item]
) -> str | list[str]:
    if collecting := sys.modules.get("turnwire.pytesting.collecting"):
        lines: list[str] = collecting.summary(config, items)
        return lines
    return []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test in Python shows what was said in its ``conversation``; no report a secret."""
    report = yield
    if collecting := sys.modules.get("turnwire.pytesting.collecting"):
        collecting.place(item, report)
    if report.failed and (watching := sys.modules.get("turnwire.pytesting.watching")):
        report.sections += watching.sections(item)
    if concealing := sys.modules.get("turnwire.pytesting.concealing"):
        concealing.conceal(item, report)
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if running := sys.modules.get("turnwire.pytesting.runtime"):
        running.close(session)


@pytest.fixture(scope="session")
def assistant(pytestconfig: pytest.Config) -> Assistant:
    """The built-in assistant on loopback, in a thread of its own, for the whole session."""
    from turnwire.pytesting.runtime import runtime_of

    return runtime_of(pytestconfig).assistant


@pytest.fixture
def connection(request: pytest.FixtureRequest) -> Connection:
    """A connection, loaded.

    Which one: the parameter, where the test is parametrized with it (``indirect``); else what
    ``@pytest.mark.turnwire(connection=..., config=...)`` names; else ``--turnwire-connection``;
    else ``demo-sse``, which leads to the built-in assistant.
    """
    from turnwire.pytesting.concealing import hide
    from turnwire.pytesting.connections import connection_for

    found = connection_for(request)
    hide(request.node, found.secrets)
    return found


@pytest.fixture
async def conversation(
    request: pytest.FixtureRequest,
    connection: Connection,
    anyio_backend: Any,  # noqa: ARG001 - makes anyio's plugin run fixture and test in one task
) -> AsyncIterator[Conversation]:
    """An open conversation over ``connection``, for async tests; anyio's plugin runs them."""
    from turnwire.pytesting.watching import watched_conversation

    async with watched_conversation(request, connection) as opened:
        yield opened
