"""Kinds of checks. ``BUILT_IN`` holds our own; plugins add more."""

from __future__ import annotations

from turnwire.checks.contract import Check

BUILT_IN: tuple[Check, ...] = ()
