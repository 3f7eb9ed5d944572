"""Connections made of a preset and a URL."""

from __future__ import annotations

from support.presets import Api
from turnwire_core import Connection, Plugins, parse_connection

PLUGINS = Plugins()
"""Made once: looking for drivers costs more than most of the tests."""


def connection_to(api: Api, origin: str) -> Connection:
    """The connection of somebody who writes down nothing but URL and preset."""
    scheme = "ws" if api.protocol == "websocket" else "http"
    # What the preset itself adds to the URL is not the user's to write.
    path = api.path.removesuffix("?alt=sse")
    mapping = {"base_url": f"{scheme}://{origin}{path}", "preset": api.preset}
    return parse_connection(mapping, plugins=PLUGINS)
