"""Text of a target, made fit to be shown: with nothing in it that a terminal would obey."""

from __future__ import annotations

import re

_SPACE = re.compile(r"\s+")


def neutral(text: str) -> str:
    """``text`` on one line, with everything that is not printable written out.

    That is: control characters, and those that change the direction of what follows.
    """
    if text.isprintable() and "  " not in text:
        return text.strip()
    return "".join(
        character if character.isprintable() else f"\\x{ord(character):02x}"
        for character in _SPACE.sub(" ", text).strip()
    )
