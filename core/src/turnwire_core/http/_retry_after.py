"""How long a target asks us to wait: Retry-After (RFC 9110 §10.2.3) and ``retry-after-ms``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_SECONDS: Final = 24 * 60 * 60.0
"""What is longer is clamped to this: nobody waits for it, and it must not overflow a clock."""

_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?\Z")


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Seconds to wait, from 0 to a day; None if the headers do not say or say nonsense."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return min(milliseconds / 1000, LONGEST_SECONDS)
    text = headers.get("retry-after", "").strip()
    seconds = _number(text)
    if seconds is None:
        seconds = _until(text, now or datetime.now(UTC))
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_SECONDS)


def _number(text: str) -> float | None:
    # Wider than the standard's digits: a fraction is what several vendors send.
    text = text.strip()
    return float(text) if _NUMBER.match(text) else None


def _until(text: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:  # "-0000": UTC, of unknown origin
        moment = moment.replace(tzinfo=UTC)
    try:
        return (moment - now).total_seconds()
    except OverflowError:
        return None
