"""The Turnwire driver for WebSocket: one socket, many turns."""

from __future__ import annotations

from turnwire_websocket.driver import WebSocketDriver
from turnwire_websocket.options import OpeningMessage, WebSocketOptions

__all__ = ["OpeningMessage", "WebSocketDriver", "WebSocketOptions"]
