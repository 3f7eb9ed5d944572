"""Connections that need no config file: they lead to an assistant inside this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from turnwire.builtin import BUILTIN_PREFIX, builtin_connection
from turnwire_core.config import nearest
from turnwire_core.contracts.connection import Connection
from turnwire_core.plugins import Plugins


@asynccontextmanager
async def running_builtin(name: str, plugins: Plugins) -> AsyncIterator[Connection]:
    """The connection of that name, with the assistant behind it running on a free port.

    Raises:
        click.UsageError: there is none of that name.
        PluginError: the driver of its protocol is missing or broken.
    """
    from turnwire.assistant import DEMO_PACE, demo_connections, serve_assistant

    async with serve_assistant(pace=DEMO_PACE) as assistant:
        known = demo_connections(assistant.url)
        if name not in known:
            raise click.UsageError(
                f"There is no built-in connection {name!r}. {nearest(name, list(known))} "
                f"Built in are: {', '.join(known)}. A connection of your own that is named "
                f"{BUILTIN_PREFIX}… needs --config FILE."
            )
        yield builtin_connection(name, known[name], plugins)
