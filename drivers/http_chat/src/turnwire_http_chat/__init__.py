"""Turnwire's driver for HTTP chat: one request a turn, one document as the reply."""

from __future__ import annotations

from turnwire_http_chat.driver import HttpChatDriver

__all__ = ["HttpChatDriver"]
