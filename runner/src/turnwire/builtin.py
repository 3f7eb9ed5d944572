"""The connections that need no config file: they lead to the assistant that Turnwire brings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from turnwire_core.contracts.connection import Connection
from turnwire_core.plugins import Plugins, parse_connection

BUILTIN_PREFIX: Final = "demo-"
"""How their names begin."""

BUILTIN_NAMES: Final = tuple(
    BUILTIN_PREFIX + name for name in ("http", "sse", "websocket", "openai", "anthropic", "ndjson")
)
"""All of them. To ask the assistant is to import it, a tenth of what a whole run imports."""


def builtin_connection(name: str, settings: Mapping[str, Any], plugins: Plugins) -> Connection:
    """One of them, from what ``turnwire.assistant.demo_connections`` says of it.

    Raises:
        PluginError: the driver of its protocol is missing or broken.
    """
    # A proxy that the environment names cannot reach into this process.
    return parse_connection(settings, name=name, plugins=plugins, trust_env=False)
