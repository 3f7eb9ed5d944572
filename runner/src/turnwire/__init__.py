"""Turnwire tests conversational assistants as they stream.

This package is the command-line tool. To embed the machinery, import :mod:`turnwire_core`.
"""

__all__: list[str] = []
