"""Watching the client itself: how far its own pauses may have spoilt the times of a reply."""

from __future__ import annotations

from turnwire.watching.effect import ClientEffect, Pause, Range
from turnwire.watching.loop_watch import EffectObserver, LoopWatch, run_watched

__all__ = ["ClientEffect", "EffectObserver", "LoopWatch", "Pause", "Range", "run_watched"]
