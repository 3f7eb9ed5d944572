"""Bounds on a number, in words; and when a number is too near to one of them."""

from __future__ import annotations

import math
from collections.abc import Callable

from turnwire.checks.showing import number
from turnwire.watching import Range


def within(low: float | None, high: float | None) -> str:
    """Bounds in words; at least one of them is given."""
    if low is None and high is not None:
        return f"at most {number(high)}"
    if high is None and low is not None:
        return f"at least {number(low)}"
    if low == high:
        return f"exactly {number(low or 0)}"
    return f"{number(low or 0)} to {number(high or 0)}"


def blame_for(value: float, true: Range, holds: Callable[[float], bool], unit: str) -> str:
    """What to say where the outcome hangs on what this process may have done to a value."""
    if holds(true.low) == holds(true.high) == holds(value):
        return ""
    off = true.off(value)
    by = f"by up to {number(round(off, 1))} {unit}" if math.isfinite(off) else "by far"
    return f", which may be off {by} because of this machine: that decides it"
