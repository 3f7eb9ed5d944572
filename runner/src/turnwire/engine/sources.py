"""From the names of connections to connections, each file loaded once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import copy
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import anyio
import attrs
from anyio.abc import TaskGroup, TaskStatus

from turnwire.builtin import BUILTIN_NAMES, BUILTIN_PREFIX, builtin_connection
from turnwire.suites.model import Suite
from turnwire_core import (
    Config,
    ConfigError,
    Connection,
    PluginError,
    Plugins,
    Problem,
    load_config,
    parse_connection,
)
from turnwire_core.config import nearest, read_document


class ConnectionSource:
    """Makes the connections ready that tests name: ``async with ConnectionSource(…) as sources``.

    A name is looked for among the suite's inline connections, in ``config``, in the suite's own
    config file, and, if it begins with ``demo-``, among the built-in ones. For these the built-in
    assistant is started when the first is asked for, and stopped when the context is left. The
    context can be entered again; what was loaded is kept.
    """

    def __init__(
        self,
        *,
        config: Path | None = None,
        plugins: Plugins | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """``config`` is the file that the command names or finds; it goes before a suite's."""
        self.plugins = plugins if plugins is not None else Plugins()
        self._config = config
        self._environ = environ
        self._files: dict[tuple[Path, str], Connection | Exception] = {}
        self._names: dict[Path, list[str]] = {}
        self._ready: dict[tuple[int, str], tuple[Suite, Connection]] = {}
        self._builtin: Mapping[str, Mapping[str, Any]] | None = None
        """The settings of the built-in connections, while their assistant runs."""
        self._starting = anyio.Lock()
        self._tasks: TaskGroup | None = None
        self._context: AbstractAsyncContextManager[None] | None = None

    async def __aenter__(self) -> Self:
        self._context = self._running()
        await self._context.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        assert self._context is not None  # noqa: S101 # it was entered
        return await self._context.__aexit__(kind, exc, traceback)

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        failure: BaseException | None = None
        self._starting = anyio.Lock()
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                yield
            except (Exception, KeyboardInterrupt, SystemExit) as exc:  # noqa: BLE001 # raised below
                # Inside the task group it would leave as an ExceptionGroup.
                failure = exc
            finally:
                self._tasks = self._builtin = None
                self._ready = {
                    key: ready
                    for key, ready in self._ready.items()
                    if not key[1].startswith(BUILTIN_PREFIX)
                }
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def connection(self, name: str, suite: Suite) -> Connection:
        """The connection of that name, as the suite means it. It masks the suite's secrets too.

        Raises:
            ConfigError: there is none, or it is written wrong.
            PluginError: its driver is missing or broken.
        """
        known = self._ready.get((id(suite), name))
        if known is not None:
            return known[1]
        found = self._configured(name, suite)
        if found is None:
            found = await self._built_in(name, suite)
        secrets = copy(suite.secrets)
        secrets.update(found.secrets)
        connection = attrs.evolve(found, secrets=secrets)
        # With its suite, so that the id stays this suite's.
        self._ready[id(suite), name] = (suite, connection)
        return connection

    def names(self, suite: Suite) -> list[str]:
        """Every name that a test of the suite can use. Nothing is loaded or started for it.

        Raises:
            ConfigError: a config file cannot be read.
        """
        files = self._config_files(suite)
        configured = [name for file in files for name in self._names_in(file)]
        return [*suite.inline_connections, *configured, *BUILTIN_NAMES]

    def _configured(self, name: str, suite: Suite) -> Connection | None:
        if name in suite.inline_connections:
            return self._inline(name, suite)
        for file in self._config_files(suite):
            if name in self._names_in(file):
                return self._loaded(file, name)
        return None

    def _config_files(self, suite: Suite) -> list[Path]:
        files = (self._config, suite.config)
        return list(dict.fromkeys(file for file in files if file is not None))

    def _inline(self, name: str, suite: Suite) -> Connection:
        try:
            connection = parse_connection(
                suite.inline_connections[name],
                name=name,
                plugins=self.plugins,
                environ=self._environ,
            )
        except ConfigError as exc:
            file = str(suite.file)
            raise ConfigError([attrs.evolve(one, file=file) for one in exc.problems]) from exc
        return _anchored(connection, suite.directory)

    def _loaded(self, file: Path, name: str) -> Connection:
        key = (file, name)
        if key not in self._files:
            try:
                # Of this name only: what is wrong with another connection is no matter of its.
                config: Config = load_config(
                    file, plugins=self.plugins, only=[name], environ=self._environ
                )
                self._files[key] = config.connection(name)
            except (ConfigError, PluginError) as exc:
                self._files[key] = exc
        found = self._files[key]
        if isinstance(found, Exception):
            raise found
        return found

    def _names_in(self, file: Path) -> list[str]:
        if file not in self._names:
            data = read_document(file).data
            connections = data.get("connections") if isinstance(data, Mapping) else None
            self._names[file] = list(connections) if isinstance(connections, Mapping) else []
        return self._names[file]

    async def _built_in(self, name: str, suite: Suite) -> Connection:
        if not name.startswith(BUILTIN_PREFIX):
            raise self._unknown(name, suite)
        if self._tasks is None:
            raise RuntimeError("A ConnectionSource must be entered: async with ConnectionSource().")
        async with self._starting:
            if self._builtin is None:
                self._builtin = await self._tasks.start(self._serve)
        if name not in self._builtin:
            raise self._unknown(name, suite)
        return builtin_connection(name, self._builtin[name], self.plugins)

    async def _serve(self, *, task_status: TaskStatus[Mapping[str, Mapping[str, Any]]]) -> None:
        from turnwire.assistant import demo_connections, serve_assistant

        async with serve_assistant() as assistant:
            task_status.started(demo_connections(assistant.url))
            await anyio.sleep_forever()

    def _unknown(self, name: str, suite: Suite) -> ConfigError:
        files = self._config_files(suite)
        known = self.names(suite)
        where = f" Looked in {', '.join(map(str, files))}." if files else ""
        hint = nearest(name, known)
        if not files:
            hint += " Or name a config file: --config FILE."
        message = f"There is no connection {name!r}."
        problem = Problem(message, "$.connections", f"{hint}{where}", str(suite.file))
        return ConfigError([problem])


def _anchored(connection: Connection, base: Path) -> Connection:
    """File names in a suite are relative to the suite, as those in a config are to the config."""
    tls = connection.tls
    files: dict[str, Any] = {
        name: str(base / getattr(tls, name))
        for name in ("ca_bundle", "client_cert", "client_key")
        if getattr(tls, name) is not None
    }
    return attrs.evolve(connection, tls=attrs.evolve(tls, **files)) if files else connection
