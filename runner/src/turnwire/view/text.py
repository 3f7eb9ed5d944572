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
from typing import Any, Final

_DEL: Final = 0x7F
_BIDI: Final = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SEPARATORS: Final = (0x2028, 0x2029)
"""Line breaks to some programs and not to others."""
_SURROGATES: Final = range(0xD800, 0xE000)
"""Halves of a pair, which JSON can spell and no encoding can write."""

_BEYOND_ASCII: Final = (*range(0x80, 0xA0), *_BIDI, *_SEPARATORS)

_VISIBLE: Final[dict[int, str]] = {
    # U+2400 and on are pictures of the control characters: one column, and unlike anything typed.
    **{code: chr(0x2400 + code) for code in range(0x20)},
    _DEL: "\N{SYMBOL FOR DELETE}",
    **{code: f"⟨U+{code:04X}⟩" for code in _BEYOND_ASCII},
    **{code: f"⟨U+{code:04X}⟩" for code in _SURROGATES},
}
_VISIBLE_LINES: Final = {
    code: picture for code, picture in _VISIBLE.items() if chr(code) not in "\n\t"
}
_JSON: Final[dict[int, str]] = {
    # json.dumps escapes what is below U+0020 itself; inside a JSON text the rest can only stand
    # in a string, where this is the same value.
    code: f"\\u{code:04x}"
    for code in (_DEL, *_BEYOND_ASCII, *_SURROGATES)
}
_HAZARD: Final = re.compile("[" + "".join(f"\\U{code:08x}" for code in _VISIBLE) + "]")
"""Finds what would be replaced: a scan costs less than a translation that changes nothing."""


def visible(text: str, *, lines: bool = False) -> str:
    """``text`` with every character that a terminal could obey replaced by a picture of it.

    C0 and C1 controls, DEL, ESC, bidirectional marks and overrides, line separators and lone
    surrogates. With ``lines``, newline and tab stay: for the text of a reply. Without, the result
    is one line.
    """
    if _HAZARD.search(text) is None:
        return text
    return text.translate(_VISIBLE_LINES if lines else _VISIBLE)


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
    return text if _HAZARD.search(text) is None else text.translate(_JSON)


def json_text(value: Any, indent: int | None = 2) -> str:
    """Like :func:`json_line`, laid out for people."""
    text = json.dumps(_finite(value), ensure_ascii=False, indent=indent)
    return re.sub(
        f"(?!\\n){_HAZARD.pattern}", lambda match: _JSON.get(ord(match[0]), match[0]), text
    )


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
