"""Kinds of steps. ``BUILT_IN`` holds our own; plugins add more."""

from __future__ import annotations

from turnwire.steps.contract import Step

BUILT_IN: tuple[Step, ...] = ()
