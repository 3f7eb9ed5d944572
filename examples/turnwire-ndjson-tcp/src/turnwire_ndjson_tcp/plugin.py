"""What the entry point ``ndjson_tcp`` of the group ``turnwire.drivers`` names."""

from __future__ import annotations

from turnwire_core import hookimpl
from turnwire_ndjson_tcp.driver import NdjsonTcpDriver


@hookimpl
def turnwire_driver() -> NdjsonTcpDriver:
    return NdjsonTcpDriver()
