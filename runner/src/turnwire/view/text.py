"""Text of a peer, made safe to show.

A reply is written by whoever runs the target, and a terminal obeys what it is sent: an escape
sequence can retitle the window, rewrite the screen or answer a question in the user's name, and a
bidirectional override can make a line read as what it is not (CVE-2021-42574). Everything that a
peer wrote goes through :func:`visible` or :func:`json_line` before it is shown or logged.
"""

from __future__ import annotations

import json
import math
import re
from functools import cache
from typing import Any, Final

_BEYOND_ASCII: Final = (
    r"\x7f-\x9f"  # DEL and the controls of C1
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks and overrides of direction
    r"\u2028\u2029"  # line breaks to some programs and not to others
    r"\ud800-\udfff"  # halves of a pair, which JSON can spell and no encoding can write
)
_IN_TEXT: Final = r"\x00-\x1f"
_IN_LINES: Final = r"\x00-\x08\x0b-\x1f"
_IN_JSON: Final = ""
"""json.dumps escapes what is below U+0020 itself."""


@cache
def _hazard(ascii_controls: str) -> re.Pattern[str]:
    """Compiled when it is needed: in what most targets write there is nothing to look for."""
    return re.compile(rf"[{ascii_controls}{_BEYOND_ASCII}]")


_COMMAND: Final = r"(?i)#(?=#(?:\[|vso\[|teamcity\[))"
_LINE_COMMAND: Final = r"(?m)^(\s*)(?=::)"


def visible(text: str, *, lines: bool = False) -> str:
    """``text`` with every character that a terminal could obey replaced by a picture of it.

    C0 and C1 controls, DEL, ESC, bidirectional marks and overrides, line separators and lone
    surrogates. With ``lines``, newline and tab stay: for the text of a reply. Without, the result
    is one line.
    """
    if text.isprintable():  # so are no controls, no marks, no separators, no lone surrogates
        return text
    return _hazard(_IN_LINES if lines else _IN_TEXT).sub(_picture, text)


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:  # pictures of the control characters: one column, and unlike anything typed
        return chr(0x2400 + code)
    return "\N{SYMBOL FOR DELETE}" if code == 0x7F else f"⟨U+{code:04X}⟩"


def quiet(text: str) -> str:
    """``text`` without what a CI system obeys in a line of output.

    GitHub (``##[…]``), Azure Pipelines (``##vso[…]``) and TeamCity (``##teamcity[…]``) look for
    these anywhere; GitHub's other form (``::…``) counts at the start of a line, after white space.
    """
    if "##" in text:
        text = re.sub(_COMMAND, "#\N{ZERO WIDTH SPACE}", text)
    return re.sub(_LINE_COMMAND, "\\1\N{ZERO WIDTH SPACE}", text) if "::" in text else text


def shorten(text: str, width: int) -> str:
    """``text`` in at most ``width`` characters; a cut is marked with ``…``."""
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


# Made once: json.dumps makes one for each call, which takes twice as long as the rest of it.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def json_line(value: Any) -> str:
    """``value`` as JSON on one line that is safe to show, and reads back as the same value.

    Characters beyond ASCII stay readable. Numbers that JSON does not have (NaN, infinity), which
    Python's parser takes from a peer, become null.
    """
    try:
        text = _encode(value)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"))
    if text.isascii() and "\x7f" not in text:  # most of a log, and told at once
        return text
    return _hazard(_IN_JSON).sub(_escaped, text)


def json_text(value: Any, indent: int | None = 2) -> str:
    """Like :func:`json_line`, laid out for people."""
    text = json.dumps(_finite(value), ensure_ascii=False, indent=indent)
    return _hazard(_IN_JSON).sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    """Inside a JSON text it can only stand in a string, where this is the same value."""
    return f"\\u{ord(match[0]):04x}"


def _finite(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {key: _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case _:
            return value
