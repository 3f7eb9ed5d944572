"""Comparing two runs: what broke, what was mended, and which times changed beyond noise."""

from __future__ import annotations

from turnwire.comparing.comparing import compare
from turnwire.comparing.measures import Bounds

__all__ = ["Bounds", "compare"]
