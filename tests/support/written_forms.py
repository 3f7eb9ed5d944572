"""How others write a value: made with their tools, and not with what looks for it."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus


def written_forms(value: str) -> Iterator[tuple[str, str]]:
    """(name, form), each way to write the value once."""
    yield "plain", value
    yield "encodeURIComponent", quote(value, safe="-_.!~*'()")
    yield "encodeURI", quote(value, safe="-_.!~*'();/?:@&=+$,#")
    yield "percent-encoded", quote(value, safe="")
    yield "percent-encoded path", quote(value)
    yield "form-encoded", quote_plus(value)
    yield "percent-encoded in lower case", _lower_hex(quote(value, safe=""))
    yield "percent-encoded twice", quote(quote(value, safe=""), safe="")
    yield "HTML", html.escape(value)
    yield "HTML but for quotes", html.escape(value, quote=False)
    yield "HTML by number", "".join(f"&#{ord(c)};" if not c.isalnum() else c for c in value)
    yield "JSON", json.dumps(value)[1:-1]
    yield "JSON in UTF-8", json.dumps(value, ensure_ascii=False)[1:-1]
    yield "JSON of PHP", json.dumps(value)[1:-1].replace("/", "\\/")
    go = json.dumps(value, ensure_ascii=False)[1:-1]
    yield "JSON of Go", "".join(f"\\u{ord(c):04x}" if c in "<>&" else c for c in go)
    yield "JSON in JSON", json.dumps(json.dumps(value))[3:-3]
    yield "repr", repr(value)[1:-1]
    yield "ascii", ascii(value)[1:-1]
    yield "repr in JSON", json.dumps(repr(value))[2:-2]
    raw = value.encode()
    yield "base64", base64.b64encode(raw).decode()
    yield "base64 without padding", base64.b64encode(raw).decode().rstrip("=")
    yield "base64 for URLs", base64.urlsafe_b64encode(raw).decode()
    yield "base64 in a URL", quote(base64.b64encode(raw).decode(), safe="")
    yield "repr of bytes", repr(raw)[2:-1]
    yield "hexadecimal", raw.hex()
    yield "hexadecimal in capitals", raw.hex().upper()


def _lower_hex(text: str) -> str:
    head, *rest = text.split("%")
    return head + "".join(f"%{part[:2].lower()}{part[2:]}" for part in rest)
