"""Exceptions of code that is not ours: plugins, and functions of the tester's."""

from __future__ import annotations

import anyio


def passes_through(exc: BaseException) -> bool:
    """Whether an exception is meant for whoever runs us: cancellation, Ctrl-C.

    Everything else that foreign code raises, SystemExit and ``pytest.fail`` included, is a fault of
    that code and ends its own test only.
    """
    ends = (anyio.get_cancelled_exc_class(), KeyboardInterrupt, GeneratorExit)
    return isinstance(exc, ends)
