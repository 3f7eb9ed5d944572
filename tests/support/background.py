"""The built-in assistant in a thread of its own: for tests that start other processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from anyio.from_thread import start_blocking_portal

from turnwire.assistant import Assistant, serve_assistant


@contextmanager
def assistant_in_background(port: int = 0) -> Iterator[Assistant]:
    """A running assistant, reachable from any process on this machine."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serve_assistant(port=port)) as assistant,
    ):
        yield assistant
