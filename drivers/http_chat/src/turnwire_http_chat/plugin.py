"""What the entry point ``http_chat`` of the group ``turnwire.drivers`` names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turnwire_core.hookspecs import hookimpl
from turnwire_http_chat.driver import HttpChatDriver
from turnwire_http_chat.presets import PRESETS


@hookimpl
def turnwire_driver() -> HttpChatDriver:
    return HttpChatDriver()


@hookimpl
def turnwire_presets() -> Mapping[str, Mapping[str, Any]]:
    return PRESETS
