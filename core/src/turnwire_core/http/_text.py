"""Showing a peer's bytes to a person: bounded, masked, and with nothing a terminal would obey."""

from __future__ import annotations

import re

from turnwire_core.secrets import Secrets
from turnwire_core.showing import neutral

_CHARSET = re.compile(r"""charset\s*=\s*["']?([^\s;"']+)""", re.IGNORECASE)


def charset_of(content_type: str) -> str | None:
    """The ``charset`` parameter of a Content-Type, or None."""
    match = _CHARSET.search(content_type)
    return match[1] if match else None


def decode_text(data: bytes, charset: str | None) -> str:
    """``data`` as text; what cannot be read becomes U+FFFD. An unknown charset is read as UTF-8."""
    try:
        return data.decode(charset or "utf-8", errors="replace")
    except (LookupError, ValueError, UnicodeError):
        return data.decode("utf-8", errors="replace")


def excerpt_of(
    data: bytes, secrets: Secrets, *, limit: int = 2000, charset: str | None = None
) -> str:
    """The beginning of ``data`` for a message: masked, neutral, at most ``limit`` characters."""
    # Masked before it is cut: half a secret would pass the mask.
    text = neutral(secrets.mask(decode_text(data, charset)))
    return text if len(text) <= limit else f"{text[:limit]}…"
