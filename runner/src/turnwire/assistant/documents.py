"""JSON that a client sent."""

from __future__ import annotations

import json
from typing import Any

from turnwire.assistant.errors import BadRequest


def parse_object(data: str | bytes, what: str) -> dict[str, Any]:
    """The JSON object in ``data``; ``what`` names it in messages.

    Raises:
        BadRequest: it is no JSON, or no object.
    """
    try:
        value = json.loads(data)
    except RecursionError:
        raise BadRequest(f"{what} is nested too deeply.") from None
    except ValueError as exc:
        raise BadRequest(f"{what} is not JSON: {exc}.") from None
    if not isinstance(value, dict):
        raise BadRequest(f"{what} must be a JSON object, not {type(value).__name__}.")
    return value
