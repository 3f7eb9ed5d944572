"""JSON for the reader: the parsers that there are, and what they must agree on.

orjson reads an event in a third of the time that the standard library takes, and is used where it
is installed. What comes of a reply must not depend on that, so all that the two see differently is
settled here:

- orjson refuses some of what Python's parser takes: ``NaN``, numbers too large for a float, half a
  surrogate pair. What it refuses, Python's gets to judge.
- orjson makes a float of an integer that does not fit into 64 bits. Text, which is what replies
  are made of, is not touched by that; for what is kept or compared as a value there is
  :func:`parse_json`, and :func:`is_rounded` tells whether it is needed.

What is nested so deeply that Python's parser reaches the recursion limit (about 1,000) may be read
by the one and not by the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from turnwire_core.paths import MISSING

_SAFE: Final = 2**63
"""Every integer that is smaller is an int for every parser."""

_raw_decode = json.JSONDecoder().raw_decode


def has_too_many_values(text: str, most: int) -> bool:
    """Whether JSON ``text`` may hold more than ``most`` values, by its commas and brackets.

    Parsed, ``{},`` takes more than twenty times its length. Those within strings count too; of
    ordinary text they are one character in fifty. Short texts are not looked at, nor need be.
    """
    return len(text) > most and text.count(",") + text.count("[") + text.count("{") > most


def parse_json(text: str) -> Any:
    """The JSON value, every integer as it is written, or MISSING where the text is none."""
    try:
        # Half of the time of json.loads goes into functions around this one, most of them for
        # white space at either end. An event that has some is read again below.
        value, end = _raw_decode(text)
        if end == len(text):
            return value
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return MISSING
    except ValueError:
        # Python refuses to read integers of thousands of digits; JSON knows no bound. As a float
        # it is infinite, which is near enough for what nobody will compare.
        try:
            return json.loads(text, parse_int=float)
        except (ValueError, RecursionError):
            return MISSING
    except RecursionError:
        return MISSING


def _quick_parser() -> Callable[[str], Any]:
    try:
        import orjson
    except ImportError:
        return parse_json
    loads = orjson.loads

    def parse_with_orjson(text: str) -> Any:
        try:
            return loads(text)
        except ValueError:
            return parse_json(text)

    return parse_with_orjson


parse_quickly: Final = _quick_parser()
"""The JSON value, or MISSING. An integer of more than 64 bits may be a float."""


def is_rounded(value: Any) -> bool:
    """Whether ``value`` holds a number of a size at which :func:`parse_quickly` may round."""
    values = [value]
    while values:
        one = values.pop()
        if type(one) is dict:
            values += one.values()
        elif type(one) is list:
            values += one
        elif type(one) in (int, float) and not -_SAFE < one < _SAFE:
            return True
    return False
