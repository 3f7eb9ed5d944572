"""Keeping the garbage collector out of the times that are taken."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_YOUNG: Final = 50_000
"""How many new objects are looked through at once. By default it is 700: dozens of times a turn."""


@contextmanager
def calm_collector() -> Iterator[None]:
    """Until it is left, the collector comes seldom, and passes over what is there now.

    That is most of all code, and looking at it again and again is what makes its pauses long. Who
    has set up the collector otherwise is left alone.
    """
    freezes = gc.get_freeze_count() == 0
    young, *older = gc.get_threshold()
    if freezes:
        gc.freeze()
    gc.set_threshold(max(young, _YOUNG) if young else 0, *older)
    try:
        yield
    finally:
        gc.set_threshold(young, *older)
        if freezes:
            gc.unfreeze()
