"""Turnwire driver for JSON lines over a TCP socket."""

from turnwire_ndjson_tcp.driver import NdjsonTcpDriver, NdjsonTcpOptions

__all__ = ["NdjsonTcpDriver", "NdjsonTcpOptions"]
