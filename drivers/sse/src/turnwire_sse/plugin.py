"""What the entry point ``sse`` of the group ``turnwire.drivers`` names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turnwire_core.hookspecs import hookimpl
from turnwire_sse.driver import SseDriver
from turnwire_sse.presets import PRESETS


@hookimpl
def turnwire_driver() -> SseDriver:
    return SseDriver()


@hookimpl
def turnwire_presets() -> Mapping[str, Mapping[str, Any]]:
    return PRESETS
