"""Checks of the shop's own, in Python: `python: shop_checks:names_a_price`."""

from __future__ import annotations

import re

from turnwire.checks import CheckContext


def names_a_price(context: CheckContext, currency: str, at_most: float) -> None:
    """A function of ``assert``: what holds needs no return."""
    text = context.last.reply.content
    found = re.search(rf"(\d+(?:\.\d+)?) {re.escape(currency)}", text)
    assert found, f"no price in {currency}: {text!r}"
    price = float(found[1])
    assert price <= at_most, f"{price:g} {currency}, which is more than {at_most:g}"


def answers_at_reading_speed(context: CheckContext, words_per_s: float = 3.0) -> bool | str:
    """Every time that was taken is at hand. A text says that it does not hold, and why."""
    turn = context.last
    seconds = turn.reply.metrics.duration_ms / 1000
    speed = len(turn.reply.content.split()) / seconds
    return speed >= words_per_s or f"{speed:.1f} words per second; a reader wants {words_per_s:g}"
