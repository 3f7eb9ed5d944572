"""What Turnwire finds by the entry point ``websocket`` of the group ``turnwire.drivers``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turnwire_core.hookspecs import hookimpl
from turnwire_websocket.driver import WebSocketDriver
from turnwire_websocket.presets import PRESETS


@hookimpl
def turnwire_driver() -> WebSocketDriver:
    return WebSocketDriver()


@hookimpl
def turnwire_presets() -> Mapping[str, Mapping[str, Any]]:
    return PRESETS
