"""Values as text, for messages to a target and for people."""

from __future__ import annotations

import json
from typing import Any

_SHOWN = 200


def text_of(value: Any) -> str:
    """A filled template as text; a whole-string placeholder has the type of its value."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def shown(value: Any) -> str:
    """A value in one bounded piece, for messages."""
    text = text_of(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"
