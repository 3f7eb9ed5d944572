"""Which connection a test written in Python means, and loading it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from turnwire.engine import BUILTIN_PREFIX, builtin_connection
from turnwire.pytesting.config_files import CONFIG_NAMES, nearest_config
from turnwire.pytesting.runtime import runtime_of
from turnwire.pytesting.settings import failed
from turnwire_core import ConfigError, Connection, PluginError, Plugins, load_config
from turnwire_core.config import nearest

DEFAULT: Final = "demo-sse"


def connection_for(request: pytest.FixtureRequest) -> Connection:
    """The connection that a test asked for; what is wrong with it fails the test, in words."""
    __tracebackhide__ = True
    named, file = _asked(request.node)
    runtime = runtime_of(request.config)
    options = runtime.settings.connections
    name = getattr(request, "param", None) or named
    if name is None and len(options) > 1:
        raise failed(
            f"--turnwire-connection names {' and '.join(options)}: the fixture 'connection' is "
            "one. Parametrize the test with them: "
            '@pytest.mark.parametrize("connection", [...], indirect=True).'
        )
    name = name or next(iter(options), DEFAULT)
    # What a marker names is relative to the file of the test that carries it.
    path = Path(request.path.parent, file) if file is not None else runtime.settings.config_file
    try:
        if path is None and name.startswith(BUILTIN_PREFIX):
            return _builtin(name, runtime.assistant.url)
        path = path or _find_config(request.path.parent, request.config.rootpath, name)
        return load_config(path, only={name}).connection(name)
    except (ConfigError, PluginError) as exc:
        raise failed(str(exc)) from None


def _asked(node: pytest.Item) -> tuple[str | None, str | Path | None]:
    """The connection and the config file that the test's marker names."""
    marker = node.get_closest_marker("turnwire")
    if marker is None:
        return None, None
    if marker.args or marker.kwargs.keys() - {"connection", "config"}:
        raise failed(
            f"{node.nodeid}: the marker says what it names: turnwire(connection=NAME, config=FILE)."
        )
    return marker.kwargs.get("connection"), marker.kwargs.get("config")


def _builtin(name: str, url: str) -> Connection:
    from turnwire.assistant import demo_connections

    known: dict[str, Any] = demo_connections(url)
    if name not in known:
        raise failed(
            f"There is no built-in connection {name!r}. {nearest(name, list(known))} Built in "
            f"are: {', '.join(known)}. One of your own that is named {BUILTIN_PREFIX}… needs a "
            "config file: --turnwire-config FILE."
        )
    return builtin_connection(name, known[name], Plugins())


def _find_config(folder: Path, root: Path, name: str) -> Path:
    """The nearest config file."""
    found = nearest_config(folder, root)
    if found is None:
        raise failed(
            f"There is no config file for the connection {name!r}. Looked for "
            f"{', '.join(CONFIG_NAMES)} in {folder} and above it, up to {root}. Name one with "
            "--turnwire-config, or with the marker: turnwire(connection=..., config=...)."
        )
    return found
