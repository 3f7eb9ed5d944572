"""Turnwire's driver for HTTP chat: one request a turn, one document as the reply."""
